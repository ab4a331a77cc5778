//! `task-driven`: a dictionary that serves a task on its codes, and one of the reconstruction alone beside it.

mod baseline;
mod config;
mod data;
mod estimator;
mod evaluate;
mod labels;
mod lesson;
mod measure;
mod plan;
mod report;
mod results;

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use unrolled::dictionary::AnyDictionary;
use unrolled::encoder::AnyEncoder;
use unrolled::task::TaskDriven;

use super::sequence::{Trains, train_all};
use crate::arrays::Arrays;
use crate::check::Estimate;
use crate::config::{Kind, Reader, Run};
use crate::devices::guarded;
use crate::experiment::{Experiment, Plan as Planned, Session};
use crate::report::page::Section;
use crate::report::{Figures, Subject};
use crate::training::{MetricsFile, Saved, steps_done};
use crate::{Configuration, Error, RunDirectory};
use data::Shelf;
use plan::Plan;

/// The network of every task-driven run.
type Network = TaskDriven<AnyEncoder, AnyDictionary>;

/// The experiment.
#[derive(Debug)]
pub struct TaskDrivenLearning;

impl Kind for TaskDrivenLearning {
    fn name(&self) -> &'static str {
        "task-driven"
    }

    fn sections(&self, reader: &mut Reader) -> Arc<dyn crate::config::Sections> {
        Arc::new(config::Sections::read(reader))
    }
}

impl Experiment for TaskDrivenLearning {
    fn plan<'a>(&self, configuration: &'a Configuration) -> Result<Box<dyn Planned + 'a>, Error> {
        let shelf = Shelf::default();
        let plans = configuration
            .runs
            .iter()
            .map(|run| Plan::new(run, &shelf).map_err(|error| run.locate(error)))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Box::new(Plans { configuration, plans, shelf }))
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
    shelf: Shelf,
}

impl Planned for Plans<'_> {
    fn estimate(&self, threads: usize) -> Result<Estimate, Error> {
        let mut estimate = Estimate::default();
        for plan in &self.plans {
            let lesson = plan.lesson(&self.shelf, threads);
            let lesson = lesson.map_err(|error| plan.run.locate(error))?;
            guarded(&plan.config().device, || {
                plan.estimate(&lesson, &mut estimate);
                Ok(())
            })?;
        }
        estimate.affordable()
    }

    fn check_resume(&self, folder: &Path) -> Result<Vec<String>, Error> {
        let resumed = |plan: &Plan| {
            let done = steps_done(folder, &plan.run.name);
            plan.coding.check_resume(plan.run, folder, done)
        };
        let notes = self.plans.iter().map(resumed).collect::<Result<Vec<_>, _>>()?;
        Ok(notes.into_iter().flatten().collect())
    }

    fn files(&self) -> Vec<&'static str> {
        vec!["metrics.csv", "arrays.safetensors"]
    }

    fn run(&mut self, directory: &RunDirectory, session: &mut Session) -> Result<(), Error> {
        let runs: Vec<_> =
            self.plans.iter().map(|plan| Trainable { plan, shelf: &self.shelf }).collect();
        let columns = [measure::COLUMNS, measure::MEASURED];
        train_all(&TaskDrivenLearning, self.configuration, &runs, columns, directory, session)
    }
}

/// A run with where its data are.
struct Trainable<'a> {
    plan: &'a Plan<'a>,
    shelf: &'a Shelf,
}

impl Trains for Trainable<'_> {
    fn run(&self) -> &Run {
        self.plan.run
    }

    fn steps(&self) -> usize {
        self.plan.coding.steps
    }

    fn train(
        &self,
        saved: Option<Saved>,
        directory: &RunDirectory,
        metrics: &mut MetricsFile,
        session: &mut Session,
        arrays: &mut Arrays,
    ) -> Result<(Value, f64), Error> {
        let lesson = self.plan.lesson(self.shelf, session.threads)?;
        let state = self.plan.training(&lesson).run(saved, directory, metrics, session)?;
        let name = &self.plan.run.name;
        session.observer.now(&format!("{name}  its figures on all rows"));
        let figures = guarded(&self.plan.config().device, || {
            Ok(results::figures(self.plan, &lesson, &state))
        })?;
        results::put_arrays(self.plan, &lesson, &state, arrays);
        Ok((figures, state.seconds))
    }
}
