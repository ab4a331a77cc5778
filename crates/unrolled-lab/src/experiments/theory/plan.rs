//! What a run will measure, checked.

use std::time::Instant;

use super::config::{ContractionConfig, Sections, StationarityConfig, TheoryConfig};
use super::ledger::Ledger;
use super::measure::contraction::{self, Contraction};
use super::measure::near_truth::{self, At, NearTruth};
use super::measure::stationarity::{self, Round};
use super::problem::Problem;
use crate::Error;
use crate::arrays::fingerprint;
use crate::check::Estimate;
use crate::config::Run;
use crate::experiment::Session;
use crate::progress::{Silent, Stop};

/// A run that can begin.
pub(super) struct Plan<'a> {
    pub run: &'a Run,
    pub problem: Problem,
    /// What its measurements are known by.
    pub identity: String,
    /// Where codes and gradients are measured.
    pub places: Vec<At>,
    warnings: Vec<String>,
}

/// All that is measured.
pub(super) struct Measured {
    /// As the places of the plan.
    pub near_truth: Vec<NearTruth>,
    pub contractions: Vec<Contraction>,
    pub rounds: Vec<Round>,
}

/// Examples that differ from D* z* by less, relative, are what the theorems are about.
pub(super) const EXACT: f64 = 1e-5;

/// Examples that the work is estimated on.
const SAMPLE: usize = 64;

impl<'a> Plan<'a> {
    /// Draws or reads the data and checks all that depends on them.
    pub fn new(run: &'a Run) -> Result<Self, Error> {
        let config = &run.config;
        if !config.is_on_cpu() || config.precision != unrolled::prelude::Precision::Float64 {
            return Err(Error::at(
                if config.is_on_cpu() { "precision" } else { "device" },
                "the theory is measured in float64 on the CPU; leave `device` and `precision` out",
            ));
        }
        let Sections { data, encoder, theory } = config.sections();
        if let Some([n, m, p]) = data.sizes() {
            // What cannot be held is refused before it is drawn.
            let bytes = bytes([n, m, p], theory, 1);
            Estimate { bytes, ..Estimate::default() }.affordable()?;
        }
        let problem = Problem::new(config)?;
        let noises = [0.0, theory.contraction.dictionary_noise];
        for noise in noises.iter().chain(&theory.dictionary_noise) {
            problem.check_step(*noise)?;
        }
        let mut penalties = theory.penalties.clone();
        penalties.push(encoder.prox.penalty());
        penalties.sort_by(f64::total_cmp);
        penalties.dedup();
        let noises = std::iter::once(0.0).chain(theory.dictionary_noise.iter().copied());
        let places = noises.flat_map(|dictionary_noise| {
            penalties.iter().map(move |&penalty| At { dictionary_noise, penalty })
        });
        let mut warnings = Vec::new();
        if problem.misfit > EXACT {
            warnings.push(format!(
                "the examples differ from D* z* by {:.1e} of their size, and the theorems are about examples that do not",
                problem.misfit
            ));
        }
        let n = problem.x.nrows();
        for (what, asked) in [
            ("contraction", theory.contraction.examples),
            ("stationarity", theory.stationarity.examples),
        ] {
            if asked > n {
                warnings.push(format!(
                    "`theory.{what}.examples` is {asked}, and there are {n}: all of them are taken"
                ));
            }
        }
        Ok(Self {
            run,
            identity: run.identity(fingerprint(&[&problem.x, &problem.truth, &problem.codes])),
            places: places.collect(),
            problem,
            warnings,
        })
    }

    pub fn sections(&self) -> &'a Sections {
        self.run.config.sections()
    }

    pub fn theory(&self) -> &'a TheoryConfig {
        &self.sections().theory
    }

    /// λ of the encoder.
    pub fn penalty(&self) -> f64 {
        self.sections().encoder.prox.penalty()
    }

    /// Measurements in all.
    pub fn measurements(&self) -> usize {
        self.places.len() + self.theory().contraction.penalties.len() + 1
    }

    /// Measures what the ledger does not hold yet.
    pub fn measure(&self, ledger: &mut Ledger, session: &mut Session) -> Result<Measured, Error> {
        let (problem, theory) = (&self.problem, self.theory());
        let before = ledger.len();
        let mut known = before;
        let mut next = |ledger: &Ledger, session: &mut Session| {
            if ledger.len() > known {
                session.observer.advance(1);
            }
            known = ledger.len();
        };
        let mut near_truth = Vec::new();
        for at in &self.places {
            let name = format!("dictionary noise {}, λ {}", at.dictionary_noise, at.penalty);
            session.observer.now(&format!("{}  {name}", self.run.name));
            near_truth.push(ledger.entry(&name, || {
                near_truth::measure(problem, *at, &theory.iterations, usize::MAX, session)
            })?);
            next(ledger, session);
        }
        let mut contractions = Vec::new();
        for &penalty in &theory.contraction.penalties {
            let name = format!("descent with λ {penalty}");
            session.observer.now(&format!("{}  {name}", self.run.name));
            contractions.push(ledger.entry(&name, || {
                contraction::measure(problem, &theory.contraction, penalty, session)
            })?);
            next(ledger, session);
        }
        session.observer.now(&format!("{}  exact steps", self.run.name));
        let noise = theory.curves_at;
        let rounds = ledger.entry("exact steps", || {
            let start = (noise, self.penalty());
            stationarity::measure(problem, &theory.stationarity, start, session)
        })?;
        next(ledger, session);
        Ok(Measured { near_truth, contractions, rounds })
    }

    /// Adds what the run will take.
    pub fn estimate(&self, threads: usize, estimate: &mut Estimate) -> Result<(), Error> {
        let (problem, theory) = (&self.problem, self.theory());
        let ([n, m], p) = ([problem.x.nrows(), problem.x.ncols()], problem.truth.ncols());
        estimate.include(bytes([n, m, p], theory, threads), None);
        let sample = SAMPLE.min(n.max(1));
        let mut silent = Silent;
        let stop = Stop::default();
        let mut probe = |work: &mut dyn FnMut(&mut Session) -> Result<(), Error>| {
            let mut session = Session { threads: 1, observer: &mut silent, stop: &stop };
            let started = Instant::now();
            work(&mut session)?;
            Ok::<f64, Error>(started.elapsed().as_secs_f64())
        };
        let at = At { dictionary_noise: theory.curves_at, penalty: self.penalty() };
        let of_places = probe(&mut |session| {
            near_truth::measure(problem, at, &theory.iterations, sample, session).map(drop)
        })?;
        let short = ContractionConfig { examples: sample, steps: 1, ..theory.contraction.clone() };
        let of_a_step = probe(&mut |session| {
            contraction::measure(problem, &short, self.penalty(), session).map(drop)
        })?;
        let one_round =
            StationarityConfig { examples: sample, rounds: 1, ..theory.stationarity.clone() };
        let of_rounds = probe(&mut |session| {
            stationarity::measure(problem, &one_round, (theory.curves_at, self.penalty()), session)
                .map(drop)
        })?;
        let rounds = theory.stationarity.rounds as f64;
        let share = theory.stationarity.examples.min(n) as f64 / sample as f64;
        // The probe codes three times.
        estimate.seconds += of_rounds / 3.0 * share * rounds;
        let blocks = |examples: usize| examples.min(n) as f64 / sample as f64 / threads as f64;
        let descents = (theory.contraction.steps * theory.contraction.penalties.len()) as f64;
        estimate.seconds += of_places * blocks(n) * self.places.len() as f64;
        estimate.seconds += of_a_step * blocks(theory.contraction.examples) * descents;
        let sum: f64 = theory.iterations.iter().map(|t| *t as f64).sum();
        let product = 2.0 * (p * p) as f64;
        estimate.operations += product * n as f64 * 2.0 * sum * self.places.len() as f64;
        let name = self.run.name.as_str();
        estimate.warnings.extend(self.warnings.iter().map(|warning| match name {
            "main" => warning.clone(),
            name => format!("{name}: {warning}"),
        }));
        Ok(())
    }
}

/// Data and codes, and for each worker a block's codes of every T and the gradients.
fn bytes([n, m, p]: [usize; 3], theory: &TheoryConfig, workers: usize) -> u64 {
    let longest = theory.iterations.last().copied().unwrap_or(0);
    let sizes = [n, m, p, theory.iterations.len(), longest, workers];
    let [n, m, p, count, longest, workers] = sizes.map(|size| size as f64);
    let of_worker = longest * 256.0 * p + count * 3.0 * m * p;
    (8.0 * (2.0 * n * (m + p) + (workers + 2.0) * of_worker)) as u64
}
