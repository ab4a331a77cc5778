//! `compare-gradients`: how far each estimator is from the lasso gradient and from the true gradient,
//! for every T.
//!
//! ```text
//! configuration → problem (data, D⁰) → blocks of examples → sums → curves of a repeat
//!               → means and spreads over repeats → results.json, metrics.csv, arrays, report
//! ```

mod block;
mod checkpoints;
mod config;
mod curves;
mod estimate;
mod gradients;
mod implicit;
mod notes;
mod plan;
mod ranges;
mod ranking;
mod repeat;
mod report;
mod results;
mod sums;
mod walk;

use std::sync::Arc;

use crate::check::Estimate;
use crate::config::{Kind, Reader};
use crate::devices::guarded;
use crate::experiment::{Experiment, Plan as Planned, Session};
use crate::report::page::Section;
use crate::report::{Figures, Subject};
use crate::{Configuration, Error, RunDirectory};
use plan::Plan;

/// The experiment.
#[derive(Debug)]
pub struct CompareGradients;

impl Kind for CompareGradients {
    fn name(&self) -> &'static str {
        "compare-gradients"
    }

    fn sections(&self, reader: &mut Reader) -> Arc<dyn crate::config::Sections> {
        Arc::new(config::Sections::read(reader))
    }
}

impl Experiment for CompareGradients {
    fn plan<'a>(&self, configuration: &'a Configuration) -> Result<Box<dyn Planned + 'a>, Error> {
        let plan = |run| Plan::new(run).map_err(|error| run.locate(error));
        let plans = configuration.runs.iter().map(plan).collect::<Result<Vec<_>, _>>()?;
        Ok(Box::new(Plans { configuration, plans }))
    }

    fn report(&self, subject: &Subject, figures: &mut Figures) -> Result<Vec<Section>, Error> {
        report::sections(subject, figures)
    }

    fn template(&self) -> &'static str {
        include_str!("template.toml")
    }
}

/// The runs of a configuration.
struct Plans<'a> {
    configuration: &'a Configuration,
    plans: Vec<Plan<'a>>,
}

impl Planned for Plans<'_> {
    fn estimate(&self, threads: usize) -> Result<Estimate, Error> {
        let mut estimate = Estimate::default();
        for plan in &self.plans {
            guarded(&plan.run.config.device, || {
                plan.estimate(threads, &mut estimate);
                Ok(())
            })?;
        }
        estimate.affordable()
    }

    fn files(&self) -> Vec<&'static str> {
        let arrays = |plan: &Plan| !plan.sections().compare.save_arrays_at.is_empty();
        let arrays = self.plans.iter().any(arrays).then_some("arrays.safetensors");
        ["metrics.csv"].into_iter().chain(arrays).collect()
    }

    fn run(&mut self, directory: &RunDirectory, session: &mut Session) -> Result<(), Error> {
        let started = std::time::Instant::now();
        let plans = &self.plans;
        let repeats = |plan: &Plan| plan.sections().compare.repeats;
        let total = plans.iter().map(|plan| plan.units() * repeats(plan) as u64).sum();
        let mut finished = Vec::new();
        let mut done = 0;
        for plan in plans {
            let found = checkpoints::load(directory, plan, session.observer);
            done += plan.units() * found.len() as u64;
            finished.push(found);
        }
        let earlier: f64 = finished.iter().flatten().map(|repeat| repeat.seconds).sum();
        session.observer.begin(total, done, "iterations");
        let outcome = finish(plans, &mut finished, directory, session);
        session.observer.end();
        outcome?;
        for note in notes::of(plans, &finished) {
            session.observer.say(&format!("note: {note}"));
        }
        let seconds = earlier + started.elapsed().as_secs_f64();
        let configuration = self.configuration;
        results::write(configuration, plans, &finished, directory, session.threads, seconds)?;
        checkpoints::remove(directory, plans)
    }
}

/// Computes the repeats that are missing.
fn finish(
    plans: &[Plan],
    finished: &mut [Vec<curves::Repeat>],
    directory: &RunDirectory,
    session: &mut Session,
) -> Result<(), Error> {
    for (plan, finished) in plans.iter().zip(finished.iter_mut()) {
        let name = &plan.run.name;
        let repeats = plan.sections().compare.repeats;
        for index in finished.len()..repeats {
            let part = format!("repeat {} of {repeats}", index + 1);
            session.observer.now(&match name.as_str() {
                "main" => part,
                name => format!("{name}, {part}"),
            });
            let outcome = repeat::compute(plan, index, session);
            let (repeat, arrays) = outcome.map_err(|error| plan.run.locate(error))?;
            checkpoints::save(directory, plan, index, &repeat, &arrays)?;
            finished.push(repeat);
        }
    }
    Ok(())
}
