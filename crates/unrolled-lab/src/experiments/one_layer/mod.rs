//! `one-layer`: what one layer of units learns of data that a sparse code made, and of data that none did.

mod config;
mod data;
mod lesson;
mod measure;
mod plan;
mod report;
mod results;
mod source;
mod start;

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

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

/// The experiment.
#[derive(Debug)]
pub struct OneLayerLearning;

impl Kind for OneLayerLearning {
    fn name(&self) -> &'static str {
        "one-layer"
    }

    fn sections(&self, reader: &mut Reader) -> Arc<dyn crate::config::Sections> {
        Arc::new(config::Sections::read(reader))
    }
}

impl Experiment for OneLayerLearning {
    fn plan<'a>(&self, configuration: &'a Configuration) -> Result<Box<dyn Planned + 'a>, Error> {
        let shelf = Arc::new(Shelf::default());
        let plan = |run| Plan::new(run, shelf.clone());
        let columns = [&[][..], measure::MEASURED];
        Ok(Box::new(Sequence::new(&OneLayerLearning, configuration, columns, plan)?))
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
        self.plain.course.steps
    }

    fn note_on_resume(&self, folder: &Path, done: usize) -> Option<String> {
        self.plain.course.note_on_schedule(self.run, folder, done)
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
        let lesson = self.lesson()?;
        let training = self.plain.training(self.run, &lesson, lesson.prepared.fingerprint);
        let state = training.run(saved, directory, metrics, session)?;
        session.observer.now(&format!("{}  its figures on the test examples", self.run.name));
        let figures =
            guarded(&self.config().device, || Ok(results::figures(self, &lesson, &state)))?;
        results::put_arrays(self, &lesson, &state, arrays);
        Ok((figures, state.seconds))
    }
}
