//! `[optimizer]`.

use serde::{Deserialize, Serialize};
use unrolled::optimizer::{Adam, AnyOptimizer, Online, Preconditioned, Schedule, Sgd};

use super::reader::{Problems, Reader};
use super::values::finite;

/// The optimiser and its learning rate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OptimizerConfig {
    #[serde(flatten)]
    method: Method,
    /// Where there is a rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<ScheduleConfig>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Method {
    Adam(AdamConfig),
    AdamW(AdamConfig),
    Sgd(SgdConfig),
    Online(OnlineConfig),
    Preconditioned(PreconditionedConfig),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct AdamConfig {
    learning_rate: f64,
    epsilon: f64,
    beta_1: f64,
    beta_2: f64,
    weight_decay: f64,
    /// Steps of a linear rise at the start.
    warm_up: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SgdConfig {
    learning_rate: f64,
    momentum: f64,
    weight_decay: f64,
    /// Steps of a linear rise at the start.
    warm_up: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct OnlineConfig {
    /// w, where the past does not fade by `forgetting`.
    #[serde(skip_serializing_if = "Option::is_none")]
    learning_rate: Option<f64>,
    /// ρ.
    #[serde(skip_serializing_if = "Option::is_none")]
    forgetting: Option<f64>,
    /// Passes over all atoms in a step.
    sweeps: usize,
    /// Steps of a linear rise at the start.
    #[serde(skip_serializing_if = "is_zero")]
    warm_up: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PreconditionedConfig {
    learning_rate: f64,
    /// β.
    decay: f64,
    epsilon: f64,
    /// Steps of a linear rise at the start.
    warm_up: usize,
}

impl Default for OnlineConfig {
    fn default() -> Self {
        let Online { forgetting, sweeps } = Online::default();
        Self { learning_rate: None, forgetting, sweeps, warm_up: 0 }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl OnlineConfig {
    /// The weight of a batch where neither it nor ρ is given.
    const WEIGHT: f64 = 0.5;

    /// With the one or the other.
    fn settled(mut self) -> Self {
        if self.forgetting.is_none() {
            self.learning_rate.get_or_insert(Self::WEIGHT);
        }
        self
    }
}

impl Default for PreconditionedConfig {
    fn default() -> Self {
        let Preconditioned { decay, epsilon } = Preconditioned::default();
        Self { learning_rate: 0.1, decay, epsilon, warm_up: 0 }
    }
}

impl Default for AdamConfig {
    fn default() -> Self {
        let Adam { beta_1, beta_2, epsilon, .. } = Adam::default();
        Self { learning_rate: 1e-3, epsilon, beta_1, beta_2, weight_decay: 0.0, warm_up: 0 }
    }
}

impl Default for SgdConfig {
    fn default() -> Self {
        Self { learning_rate: 1e-3, momentum: 0.0, weight_decay: 0.0, warm_up: 0 }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum ScheduleConfig {
    Constant(Constant),
    Step(StepConfig),
    Cosine(Cosine),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Constant {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct StepConfig {
    every: usize,
    factor: f64,
}

impl Default for StepConfig {
    fn default() -> Self {
        Self { every: 100, factor: 0.5 }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Cosine {
    least: f64,
}

/// Those of atoms last.
const KINDS: [&str; 5] = ["adam", "adamw", "sgd", "online", "preconditioned"];
const OF_ATOMS: usize = 3;

impl OptimizerConfig {
    /// Reads the section and checks it, where what is trained need not be atoms.
    pub fn read(reader: Reader) -> Self {
        Self::read_kinds(reader, &KINDS[..OF_ATOMS])
    }

    /// As [`Self::read`], where a dictionary is trained: with the optimisers of atoms.
    pub fn read_with_those_of_atoms(reader: Reader) -> Self {
        Self::read_kinds(reader, &KINDS)
    }

    fn read_kinds(mut reader: Reader, kinds: &[&'static str]) -> Self {
        let problems = reader.problems();
        let kind = kinds[reader.choice("kind", kinds)];
        if kind == "online" && reader.has("forgetting") {
            reader.refuse(&["learning_rate", "warm_up", "schedule"], |key| {
                format!(
                    "`optimizer.{key}` says by what the past fades, and so does `optimizer.forgetting`; keep one of them"
                )
            });
        } else if kind == "online" {
            // A surrogate that weighs all batches alike to the end never settles.
            let cosine = toml::Table::from_iter([("kind".to_owned(), "cosine".into())]);
            reader.default_to("schedule", cosine);
        }
        let schedule = ScheduleConfig::read(reader.table("schedule"));
        let method = match kind {
            "adam" => Method::Adam(reader.rest()),
            "adamw" => Method::AdamW(reader.rest()),
            "sgd" => Method::Sgd(reader.rest()),
            "online" => Method::Online(reader.rest::<OnlineConfig>().settled()),
            _ => Method::Preconditioned(reader.rest()),
        };
        method.check(problems);
        let fades = matches!(method, Method::Online(OnlineConfig { forgetting: Some(_), .. }));
        Self { method, schedule: (!fades).then_some(schedule) }
    }

    /// Whether it is told the curvature of the atoms that it moves.
    pub fn is_of_atoms(&self) -> bool {
        matches!(self.method, Method::Online(_) | Method::Preconditioned(_))
    }

    /// Whether it minimises over atoms, without a gradient step.
    pub fn is_online(&self) -> bool {
        matches!(self.method, Method::Online(_))
    }

    /// The optimiser.
    pub fn build(&self) -> AnyOptimizer {
        let adam = |config: &AdamConfig, decoupled| {
            let AdamConfig { epsilon, beta_1, beta_2, weight_decay, .. } = *config;
            AnyOptimizer::Adam(Adam { beta_1, beta_2, epsilon, weight_decay, decoupled })
        };
        match &self.method {
            Method::Adam(config) => adam(config, false),
            Method::AdamW(config) => adam(config, true),
            Method::Sgd(SgdConfig { momentum, weight_decay, .. }) => {
                AnyOptimizer::Sgd(Sgd { momentum: *momentum, weight_decay: *weight_decay })
            }
            Method::Online(OnlineConfig { forgetting, sweeps, .. }) => {
                AnyOptimizer::Online(Online { forgetting: *forgetting, sweeps: *sweeps })
            }
            Method::Preconditioned(PreconditionedConfig { decay, epsilon, .. }) => {
                let (decay, epsilon) = (*decay, *epsilon);
                AnyOptimizer::Preconditioned(Preconditioned { decay, epsilon })
            }
        }
    }

    /// The rate of step `step`, counted from 1, of `steps`, where there is one.
    pub fn rate(&self, step: usize, steps: usize) -> Option<f64> {
        let schedule = match *self.schedule.as_ref()? {
            ScheduleConfig::Constant(_) => Schedule::Constant,
            ScheduleConfig::Step(StepConfig { every, factor }) => Schedule::Step { every, factor },
            ScheduleConfig::Cosine(Cosine { least }) => Schedule::Cosine { steps, least },
        };
        let Shared { rate, warm_up, .. } = self.method.shared()?;
        Some(rate * schedule.factor(step, warm_up))
    }
}

/// What all methods with a learning rate share.
struct Shared {
    rate: f64,
    decay: f64,
    warm_up: usize,
}

impl Method {
    fn shared(&self) -> Option<Shared> {
        let (rate, decay, warm_up) = match self {
            Self::Adam(AdamConfig { learning_rate, weight_decay, warm_up, .. })
            | Self::AdamW(AdamConfig { learning_rate, weight_decay, warm_up, .. })
            | Self::Sgd(SgdConfig { learning_rate, weight_decay, warm_up, .. }) => {
                (*learning_rate, *weight_decay, *warm_up)
            }
            Self::Preconditioned(PreconditionedConfig { learning_rate, warm_up, .. }) => {
                (*learning_rate, 0.0, *warm_up)
            }
            Self::Online(OnlineConfig { learning_rate, warm_up, .. }) => {
                ((*learning_rate)?, 0.0, *warm_up)
            }
        };
        Some(Shared { rate, decay, warm_up })
    }

    fn check(&self, problems: &Problems) {
        match self {
            Self::Adam(config) | Self::AdamW(config) => {
                finite(problems, "optimizer.epsilon", config.epsilon, 0.0);
                for (key, beta) in [("beta_1", config.beta_1), ("beta_2", config.beta_2)] {
                    let path = format!("optimizer.{key}");
                    problems.require((0.0..1.0).contains(&beta), &path, || {
                        format!("`{path}` is {beta}; write a number from 0 to below 1")
                    });
                }
            }
            Self::Sgd(config) => finite(problems, "optimizer.momentum", config.momentum, 0.0),
            Self::Online(config) => {
                finite(problems, "optimizer.forgetting", config.forgetting.unwrap_or(0.0), 0.0);
                let rate = config.learning_rate.unwrap_or(1.0);
                problems.require(rate <= 1.0, "optimizer.learning_rate", || {
                    format!(
                        "`optimizer.learning_rate` is {rate}, but of kind \"online\" it is the weight of a batch in the \
                         statistics; write a number above 0, up to 1"
                    )
                });
                problems.require(config.sweeps > 0, "optimizer.sweeps", || {
                    "`optimizer.sweeps` is 0; write 1 or more".to_owned()
                });
            }
            Self::Preconditioned(config) => {
                finite(problems, "optimizer.epsilon", config.epsilon, 0.0);
                let decay = config.decay;
                problems.require((0.0..1.0).contains(&decay), "optimizer.decay", || {
                    format!("`optimizer.decay` is {decay}; write a number from 0 to below 1")
                });
            }
        }
        let Some(Shared { rate, decay, .. }) = self.shared() else { return };
        problems.require(rate.is_finite() && rate > 0.0, "optimizer.learning_rate", || {
            format!("`optimizer.learning_rate` is {rate}; write a number above 0")
        });
        finite(problems, "optimizer.weight_decay", decay, 0.0);
    }
}

impl ScheduleConfig {
    fn read(mut reader: Reader) -> Self {
        let problems = reader.problems();
        match reader.choice("kind", &["constant", "step", "cosine"]) {
            0 => Self::Constant(reader.rest()),
            1 => {
                let step: StepConfig = reader.rest();
                problems.require(step.every > 0, "optimizer.schedule.every", || {
                    "`optimizer.schedule.every` is 0; write 1 or more".to_owned()
                });
                finite(problems, "optimizer.schedule.factor", step.factor, 0.0);
                Self::Step(step)
            }
            _ => {
                let Cosine { least } = reader.rest();
                problems.require((0.0..=1.0).contains(&least), "optimizer.schedule.least", || {
                    format!("`optimizer.schedule.least` is {least}; write a fraction from 0 to 1")
                });
                Self::Cosine(Cosine { least })
            }
        }
    }
}
