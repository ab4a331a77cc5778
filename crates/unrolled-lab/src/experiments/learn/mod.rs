//! `learn-dictionary`: train D with any estimator, any encoder, any optimiser.

mod config;
mod data;
mod lesson;
mod measure;
mod plan;
mod report;
mod results;
mod template;

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use unrolled::dictionary::AnyDictionary;
use unrolled::encoder::AnyEncoder;
use unrolled::prelude::Autoencoder;
use unrolled_data::Rows;

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

/// The network of every learning run.
type Network = Autoencoder<AnyEncoder, AnyDictionary>;

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

    fn template_for(&self, path: &Path, key: &str, rows: &mut Rows) -> Result<String, Error> {
        template::for_rows(path, key, rows)
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
            let lesson = plan.lesson(&self.shelf).map_err(|error| plan.run.locate(error))?;
            guarded(&plan.config().device, || {
                plan.estimate(&lesson, threads, &mut estimate);
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
            self.plans.iter().map(|plan| Learnable { plan, shelf: &self.shelf }).collect();
        let columns = [lesson::COLUMNS, measure::COLUMNS];
        train_all(&LearnDictionary, self.configuration, &runs, columns, directory, session)
    }
}

/// A run with where its data are.
struct Learnable<'a> {
    plan: &'a Plan<'a>,
    shelf: &'a Shelf,
}

impl Trains for Learnable<'_> {
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
        let lesson = self.plan.lesson(self.shelf)?;
        let state = self.plan.training(&lesson).run(saved, directory, metrics, session)?;
        results::put_arrays(self.plan, &lesson, &state, arrays);
        Ok((results::figures(self.plan, &lesson, &state), state.seconds))
    }
}
