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

use serde_json::{Map, json};
use unrolled::dictionary::AnyDictionary;
use unrolled::encoder::AnyEncoder;
use unrolled::prelude::Autoencoder;
use unrolled_data::Rows;

use crate::arrays::Arrays;
use crate::check::Estimate;
use crate::config::{Kind, Reader};
use crate::devices::guarded;
use crate::experiment::{Experiment, Plan as Planned, Session, write_unfinished};
use crate::report::page::Section;
use crate::report::{Figures, Subject};
use crate::run_directory::FAILED;
use crate::training::{MetricsFile, newest, steps_done};
use crate::{Configuration, Error, RunDirectory, run_directory};
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
        let mut notes = Vec::new();
        self.plans.iter().try_for_each(|plan| {
            let done = steps_done(folder, &plan.run.name);
            if done <= plan.steps {
                notes.extend(plan.note_on_schedule(folder, done));
                return Ok(());
            }
            let message = format!(
                "`train` asks for {} steps, but the run in {} has done {done}; write {done} or more, or start anew \
                 with --overwrite",
                plan.steps,
                folder.display()
            );
            Err(plan.run.locate(Error::at("train.steps", message)))
        })?;
        Ok(notes)
    }

    fn files(&self) -> Vec<&'static str> {
        vec!["metrics.csv", "arrays.safetensors"]
    }

    fn run(&mut self, directory: &RunDirectory, session: &mut Session) -> Result<(), Error> {
        let mut saved = Vec::new();
        for plan in &self.plans {
            saved.push(newest(directory, &plan.run.name, session.observer));
        }
        let done = |at: usize| saved[at].as_ref().map_or(0, |saved| saved.step());
        let steps: Vec<(&str, usize)> =
            self.plans.iter().enumerate().map(|(at, plan)| (&*plan.run.name, done(at))).collect();
        let (mut metrics, notes) =
            MetricsFile::open(directory, lesson::COLUMNS, measure::COLUMNS, &steps)?;
        notes.iter().for_each(|note| session.observer.say(note));
        let total = self.plans.iter().map(|plan| plan.steps as u64).sum();
        let done = steps.iter().map(|(_, done)| *done as u64).sum();
        session.observer.begin(total, done, "steps");
        let (mut arrays, mut figures, mut seconds) = (Arrays::default(), Map::new(), 0.0);
        let mut failed = Vec::new();
        let finish = || -> Result<(), Error> {
            for (plan, saved) in self.plans.iter().zip(saved) {
                let one = || -> Result<(), Error> {
                    let lesson = plan.lesson(&self.shelf)?;
                    let training = plan.training(&lesson);
                    let state = training.run(saved, directory, &mut metrics, session)?;
                    seconds += state.seconds;
                    figures.insert(plan.run.name.clone(), results::figures(plan, &lesson, &state));
                    results::put_arrays(plan, &lesson, &state, &mut arrays);
                    Ok(())
                };
                match one().map_err(|error| plan.run.locate(error)) {
                    Err(Error::NotFinite(message)) => {
                        // The other runs have nothing to do with it.
                        session.observer.say(&format!("note: {message}"));
                        figures.insert(plan.run.name.clone(), json!({ FAILED: message }));
                        failed.push(message);
                    }
                    outcome => outcome?,
                }
            }
            Ok(())
        };
        let outcome = finish();
        session.observer.end();
        metrics.sync()?;
        let results = run_directory::results(self.configuration, session.threads, seconds, figures);
        outcome?;
        if failed.len() < self.plans.len() {
            directory.write("arrays.safetensors", &arrays.to_bytes())?;
            directory.write_results(&results)?;
        }
        if failed.is_empty() {
            return Ok(());
        }
        let _ = write_unfinished(&LearnDictionary, directory, results);
        Err(Error::NotFinite(failed.join("\n")))
    }
}
