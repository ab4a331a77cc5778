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

use super::sequence::{Sequence, Trains};
use crate::arrays::Arrays;
use crate::check::Estimate;
use crate::config::{Kind, Reader, Run};
use crate::devices::guarded;
use crate::experiment::{Experiment, Plan as Planned, Session};
use crate::report::page::Section;
use crate::report::{Figures, Subject};
use crate::training::{MetricsFile, Saved};
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
        let shelf = Arc::new(Shelf::default());
        let plan = |run| Plan::new(run, shelf.clone());
        let columns = [measure::COLUMNS, measure::MEASURED];
        Ok(Box::new(Sequence::new(&TaskDrivenLearning, configuration, columns, plan)?))
    }

    fn report(&self, subject: &Subject, figures: &mut Figures) -> Result<Vec<Section>, Error> {
        report::sections(subject, figures)
    }

    fn template(&self) -> &'static str {
        include_str!("template.toml")
    }
}

impl Trains for Plan<'_> {
    fn run(&self) -> &Run {
        self.run
    }

    fn steps(&self) -> usize {
        self.coding.steps
    }

    fn note_on_resume(&self, folder: &Path, done: usize) -> Option<String> {
        self.coding.course.note_on_schedule(self.run, folder, done)
    }

    fn estimate(&self, threads: usize, estimate: &mut Estimate) -> Result<(), Error> {
        Plan::estimate(self, threads, estimate)
    }

    fn train(
        &self,
        saved: Option<Saved>,
        directory: &RunDirectory,
        metrics: &mut MetricsFile,
        session: &mut Session,
        arrays: &mut Arrays,
    ) -> Result<(Value, f64), Error> {
        let lesson = self.lesson(session.threads)?;
        let state = self.training(&lesson).run(saved, directory, metrics, session)?;
        let name = &self.run.name;
        session.observer.now(&format!("{name}  its figures on all rows"));
        let figures =
            guarded(&self.config().device, || Ok(results::figures(self, &lesson, &state)))?;
        results::put_arrays(self, &lesson, &state, arrays);
        Ok((figures, state.seconds))
    }
}
