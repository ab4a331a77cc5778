//! `denoise`: images without their noise, with what was not measured filled in, or without their blur.

mod config;
mod evaluate;
mod images;
mod lesson;
mod network;
mod noise;
mod plan;
mod report;
mod results;
mod source;

pub(crate) use config::{Noise, Sections};
pub(crate) use evaluate::{offset, through};
pub(crate) use network::Blueprint;
pub(crate) use results::SETTLED;

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
use evaluate::Evaluation;
use images::Shelf;
use plan::Plan;

/// Test images whose pictures are kept for the report.
const SHOWN: usize = 3;

/// The metadata of arrays.safetensors under which the configuration lies, so that the file alone is a model.
pub(crate) const CONFIGURATION: &str = "configuration";

/// The experiment.
#[derive(Debug)]
pub struct Denoise;

impl Kind for Denoise {
    fn name(&self) -> &'static str {
        "denoise"
    }

    fn sections(&self, reader: &mut Reader) -> Arc<dyn crate::config::Sections> {
        Arc::new(config::Sections::read(reader))
    }
}

impl Experiment for Denoise {
    fn plan<'a>(&self, configuration: &'a Configuration) -> Result<Box<dyn Planned + 'a>, Error> {
        let shelf = Arc::new(Shelf::default());
        let plan = |run| Plan::new(run, shelf.clone(), configuration);
        let columns = [lesson::COLUMNS, lesson::MEASURED];
        Ok(Box::new(Sequence::new(&Denoise, configuration, columns, plan)?))
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
        self.steps
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
        let (network, tested) = results::tested(&lesson.blueprint, &state);
        let evaluation = Evaluation {
            blueprint: &lesson.blueprint,
            seed: lesson.seed,
            purpose: "test",
            threads: session.threads,
            stop: Some(session.stop),
            keep: SHOWN,
        };
        let (name, images) = (&self.run.name, &lesson.images.test);
        let observer = &mut session.observer;
        let restored = guarded(&self.run.config.device, || {
            evaluation.of(&network, images, |done| {
                observer.now(&format!("{name}  {done} of {} test images", images.len()));
            })
        })?;
        arrays.metadata.insert(CONFIGURATION.to_owned(), self.effective.clone());
        results::put_arrays(self, &state, &restored, arrays);
        Ok((results::figures(self, &state, tested, &restored), state.seconds))
    }
}
