//! `learn-dictionary`: train D with any estimator, any encoder, any optimiser.

mod config;
mod data;
mod lesson;
mod measure;
mod objective;
mod plan;
mod report;
mod results;
mod template;
mod used;

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use unrolled::dictionary::AnyDictionary;
use unrolled::encoder::AnyEncoder;
use unrolled::prelude::Autoencoder;
use unrolled_data::Rows;

use super::sequence::{Sequence, Trains};
use crate::arrays::Arrays;
use crate::check::Estimate;
use crate::config::{Kind, Reader, Run};
use crate::experiment::{Experiment, Plan as Planned, Session};
use crate::report::page::Section;
use crate::report::{Figures, Subject};
use crate::training::{MetricsFile, Saved};
use crate::workers::on_threads;
use crate::{Configuration, Error, RunDirectory};

pub(super) use config::Sections;
pub(super) use data::Shelf;
pub(super) use lesson::{COLUMNS, Learning, Memory};
pub(super) use measure::COLUMNS as MEASURED;
pub(super) use plan::Plan;
pub(super) use results::{figures, put_arrays};

/// The network of every learning run.
pub(super) type Network = Autoencoder<AnyEncoder, AnyDictionary>;

/// The experiment.
#[derive(Debug)]
pub struct LearnDictionary;

impl Kind for LearnDictionary {
    fn name(&self) -> &'static str {
        "learn-dictionary"
    }

    fn sections(&self, reader: &mut Reader) -> Arc<dyn crate::config::Sections> {
        Arc::new(config::Sections::read(reader))
    }
}

impl Experiment for LearnDictionary {
    fn plan<'a>(&self, configuration: &'a Configuration) -> Result<Box<dyn Planned + 'a>, Error> {
        let shelf = Arc::new(Shelf::default());
        let plan = |run: &'a Run| Plan::new(run, run.config.sections(), shelf.clone());
        let columns = [lesson::COLUMNS, measure::COLUMNS];
        Ok(Box::new(Sequence::new(&LearnDictionary, configuration, columns, plan)?))
    }

    fn report(&self, subject: &Subject, figures: &mut Figures) -> Result<Vec<Section>, Error> {
        report::sections(subject, figures)
    }

    fn template(&self) -> &'static str {
        include_str!("template.toml")
    }

    fn template_for(&self, path: &Path, key: &str, rows: &Rows) -> Result<String, Error> {
        template::for_rows(path, key, rows)
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
        let lesson = self.lesson()?;
        let state = self.training(&lesson).run(saved, directory, metrics, session)?;
        results::put_arrays(self, &lesson, &state, arrays);
        let (figures, used) = on_threads(session.threads, || {
            let figures = results::figures(self, &lesson, &state)?;
            Ok::<_, Error>((figures, used::of(&lesson, &state.network)?))
        })?;
        used.put(&self.run.name, self.config().precision.bytes(), arrays);
        Ok((figures, state.seconds))
    }
}
