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

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, json};

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
            let probe = || plan.estimate(&self.shelf, threads, &mut estimate);
            guarded(&plan.run.config.device, probe).map_err(|error| plan.run.locate(error))?;
        }
        estimate.affordable()
    }

    fn check_resume(&self, folder: &Path) -> Result<Vec<String>, Error> {
        self.plans.iter().try_for_each(|plan| {
            let done = steps_done(folder, &plan.run.name);
            if done <= plan.steps {
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
        Ok(Vec::new())
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
            MetricsFile::open(directory, lesson::COLUMNS, lesson::MEASURED, &steps)?;
        notes.iter().for_each(|note| session.observer.say(note));
        let total = self.plans.iter().map(|plan| plan.steps as u64).sum();
        let done = steps.iter().map(|(_, done)| *done as u64).sum();
        session.observer.begin(total, done, "steps");
        let (mut arrays, mut figures, mut seconds) = (Arrays::default(), Map::new(), 0.0);
        let mut failed = Vec::new();
        let finish = || -> Result<(), Error> {
            for (plan, saved) in self.plans.iter().zip(saved) {
                let one = || -> Result<(), Error> {
                    let lesson = plan.lesson(&self.shelf, session.threads)?;
                    let training = plan.training(&lesson);
                    let state = training.run(saved, directory, &mut metrics, session)?;
                    seconds += state.seconds;
                    let (network, tested) = results::tested(&lesson.blueprint, &state);
                    let evaluation = Evaluation {
                        blueprint: &lesson.blueprint,
                        seed: lesson.seed,
                        purpose: "test",
                        threads: session.threads,
                        stop: Some(session.stop),
                        keep: SHOWN,
                    };
                    let images = &lesson.images.test;
                    let observer = &mut session.observer;
                    let restored = guarded(&plan.run.config.device, || {
                        evaluation.of(&network, images, |done| {
                            observer.now(&format!(
                                "{}  {done} of {} test images",
                                plan.run.name,
                                images.len()
                            ));
                        })
                    })?;
                    let of_run = results::figures(plan, &state, tested, &restored);
                    figures.insert(plan.run.name.clone(), of_run);
                    results::put_arrays(plan, &state, &restored, &mut arrays);
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
            arrays.metadata.insert(CONFIGURATION.to_owned(), self.configuration.effective());
            directory.write("arrays.safetensors", &arrays.to_bytes())?;
            directory.write_results(&results)?;
        }
        if failed.is_empty() {
            return Ok(());
        }
        let _ = write_unfinished(&Denoise, directory, results);
        Err(Error::NotFinite(failed.join("\n")))
    }
}
