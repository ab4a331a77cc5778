//! The sections of a run that measures the theory.

use serde::{Deserialize, Serialize};

use crate::config::{DataConfig, Problems, ProxConfig, Reader, Step};

/// All that `theory` reads beside the common keys.
#[derive(Debug, Serialize)]
pub struct Sections {
    pub data: DataConfig,
    pub encoder: EncoderConfig,
    pub theory: TheoryConfig,
}

/// `[encoder]`: that of the theorems.
#[derive(Debug, Serialize)]
pub struct EncoderConfig {
    kind: &'static str,
    /// α.
    pub step: Step,
    /// Soft threshold, the same in every iteration.
    pub prox: ProxConfig,
}

/// The rest of it.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Rest {
    step: Step,
}

impl Default for Rest {
    fn default() -> Self {
        Self { step: Step::Fixed(0.2) }
    }
}

impl EncoderConfig {
    fn read(mut reader: Reader) -> Self {
        let problems = reader.problems();
        let kind = KINDS[reader.choice("kind", &KINDS)];
        let prox = ProxConfig::read(reader.table("prox"));
        let Rest { step } = reader.rest();
        if let Step::Fixed(step) = step {
            problems.require(step.is_finite() && step > 0.0, "encoder.step", || {
                format!("`encoder.step` is {step}; write a number above 0, or \"auto\"")
            });
        }
        let plain = matches!(prox, ProxConfig::Soft { .. }) && prox.is_constant();
        problems.require(plain, "encoder.prox", || {
            "`encoder.prox` is not the soft threshold of the theorems, which is the same in every iteration; write kind \"soft\" \
             without `decay` and without `learned`"
                .to_owned()
        });
        Self { kind, step, prox }
    }
}

const KINDS: [&str; 1] = ["ista"];

/// `[theory]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TheoryConfig {
    /// T that are looked at, ascending.
    pub iterations: Vec<usize>,
    /// λ beside the encoder's own, ascending.
    pub penalties: Vec<f64>,
    /// Of D⁰ = normalise(D* + noise · N), beside D* itself, ascending.
    pub dictionary_noise: Vec<f64>,
    /// Which of them curves over T are drawn at.
    pub curves_at: f64,
    /// The descent.
    pub contraction: ContractionConfig,
    /// The way to a stationary point.
    pub stationarity: StationarityConfig,
}

/// `[theory.contraction]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContractionConfig {
    /// Examples, the first; all of them are one batch.
    pub examples: usize,
    /// λ, each twice the one before.
    pub penalties: Vec<f64>,
    /// Of the dictionary at the start.
    pub dictionary_noise: f64,
    /// T of every step.
    pub iterations: usize,
    /// Steps of gradient descent.
    pub steps: usize,
    /// Its rate.
    pub learning_rate: f64,
}

/// `[theory.stationarity]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StationarityConfig {
    /// Examples, the first.
    pub examples: usize,
    /// ω.
    pub ridge: f64,
    /// Rounds of exact steps, at most.
    pub rounds: usize,
}

impl Default for TheoryConfig {
    fn default() -> Self {
        Self {
            iterations: vec![1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 200],
            penalties: vec![0.05, 0.1, 0.2, 0.4],
            dictionary_noise: vec![0.005, 0.01, 0.02, 0.05, 0.1],
            curves_at: 0.02,
            contraction: ContractionConfig::default(),
            stationarity: StationarityConfig::default(),
        }
    }
}

impl Default for ContractionConfig {
    fn default() -> Self {
        Self {
            examples: 2000,
            penalties: vec![0.1, 0.2, 0.4],
            dictionary_noise: 0.1,
            iterations: 100,
            steps: 100,
            learning_rate: 4.0,
        }
    }
}

impl Default for StationarityConfig {
    fn default() -> Self {
        Self { examples: 2000, ridge: 0.05, rounds: 200 }
    }
}

/// T at most.
const MOST_ITERATIONS: usize = 10_000;

impl Sections {
    pub fn read(reader: &mut Reader) -> Self {
        let problems = reader.problems();
        let data = DataConfig::read(reader.table("data"));
        let encoder = EncoderConfig::read(reader.table("encoder"));
        let theory: TheoryConfig = reader.table("theory").rest();
        let penalty = encoder.prox.penalty();
        problems.require(penalty > 0.0, "encoder.prox.penalty", || {
            format!("`encoder.prox.penalty` is {penalty}; write a number above 0")
        });
        theory.check(problems);
        Self { data, encoder, theory }
    }
}

impl TheoryConfig {
    fn check(&self, problems: &Problems) {
        let Self { iterations, penalties, dictionary_noise, curves_at, contraction, stationarity } =
            self;
        let within = |t: &usize| (1..=MOST_ITERATIONS).contains(t);
        let ascends = iterations.len() > 2 && iterations.is_sorted_by(|a, b| a < b);
        problems.require(
            ascends && iterations.iter().all(within),
            "theory.iterations",
            || format!("`theory.iterations` asks for three T or more from 1 to {MOST_ITERATIONS}, ascending"),
        );
        let positive = |values: &[f64]| values.iter().all(|v| v.is_finite() && *v > 0.0);
        let ascending = |values: &[f64]| positive(values) && values.is_sorted_by(|a, b| a < b);
        let two = |values: &[f64], path: &str, what: &str| {
            problems.require(values.len() > 1 && ascending(values), path, || {
                format!("`{path}` asks for two {what} or more above 0, ascending")
            });
        };
        two(penalties, "theory.penalties", "penalties");
        two(dictionary_noise, "theory.dictionary_noise", "standard deviations");
        problems.require(dictionary_noise.contains(curves_at), "theory.curves_at", || {
            format!("`theory.curves_at` is {curves_at}, which is not among `theory.dictionary_noise`; add it there")
        });
        let path = "theory.contraction.penalties";
        two(&contraction.penalties, path, "penalties");
        let of_contraction = [
            ("theory.contraction.dictionary_noise", contraction.dictionary_noise),
            ("theory.contraction.learning_rate", contraction.learning_rate),
        ];
        for (path, value) in of_contraction {
            problems.require(positive(&[value]), path, || {
                format!("`{path}` is {value}; write a finite number above 0")
            });
        }
        let ridge = stationarity.ridge;
        problems.require(ridge.is_finite() && ridge >= 0.0, "theory.stationarity.ridge", || {
            format!("`theory.stationarity.ridge` is {ridge}; write a finite number, 0 or more")
        });
        let counts = [
            ("theory.contraction.examples", contraction.examples),
            ("theory.contraction.iterations", contraction.iterations),
            ("theory.contraction.steps", contraction.steps),
            ("theory.stationarity.examples", stationarity.examples),
            ("theory.stationarity.rounds", stationarity.rounds),
        ];
        for (path, count) in counts {
            problems.require((1..=1_000_000).contains(&count), path, || {
                format!("`{path}` is {count}; write 1 to 1000000")
            });
        }
    }
}
