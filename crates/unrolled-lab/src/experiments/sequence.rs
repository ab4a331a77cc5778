//! Runs that train, one after the other.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::arrays::Arrays;
use crate::check::Estimate;
use crate::config::Run;
use crate::devices::guarded;
use crate::experiment::{Experiment, Plan, Session, write_unfinished};
use crate::run_directory::FAILED;
use crate::training::{MetricsFile, Saved, newest, steps_done};
use crate::{Configuration, Error, RunDirectory, run_directory};

/// A run that trains, ready to begin.
pub(super) trait Trains {
    /// Its part of the configuration.
    fn run(&self) -> &Run;

    /// Steps in all.
    fn steps(&self) -> usize;

    /// What the user should know of going on after `done` steps of the run in a folder.
    fn note_on_resume(&self, _folder: &Path, _done: usize) -> Option<String> {
        None
    }

    /// Adds what the run will take.
    fn estimate(&self, threads: usize, estimate: &mut Estimate) -> Result<(), Error>;

    /// Trains to the end and puts arrays; its figures, and how long it took.
    fn train(
        &self,
        saved: Option<Saved>,
        directory: &RunDirectory,
        metrics: &mut MetricsFile,
        session: &mut Session,
        arrays: &mut Arrays,
    ) -> Result<(Value, f64), Error>;
}

/// The runs of a configuration.
pub(super) struct Sequence<'a, R> {
    pub experiment: &'static dyn Experiment,
    pub configuration: &'a Configuration,
    pub runs: Vec<R>,
    /// The columns of metrics.csv: those of every step and of every measurement.
    pub columns: [&'static [&'static str]; 2],
}

impl<'a, R> Sequence<'a, R> {
    /// With a plan of every run; what is wrong with one is said at its place.
    pub fn new(
        experiment: &'static dyn Experiment,
        configuration: &'a Configuration,
        columns: [&'static [&'static str]; 2],
        plan: impl Fn(&'a Run) -> Result<R, Error>,
    ) -> Result<Self, Error> {
        let runs = configuration.runs.iter();
        let runs = runs.map(|run| plan(run).map_err(|error| run.locate(error)));
        let runs = runs.collect::<Result<Vec<_>, _>>()?;
        Ok(Self { experiment, configuration, runs, columns })
    }
}

impl<R: Trains> Plan for Sequence<'_, R> {
    fn estimate(&self, threads: usize) -> Result<Estimate, Error> {
        let mut estimate = Estimate::default();
        for run in &self.runs {
            let device = &run.run().config.device;
            guarded(device, || run.estimate(threads, &mut estimate))
                .map_err(|error| run.run().locate(error))?;
        }
        estimate.affordable()
    }

    fn check_resume(&self, folder: &Path) -> Result<Vec<String>, Error> {
        let resumed = |run: &R| {
            let (done, steps) = (steps_done(folder, &run.run().name), run.steps());
            if done <= steps {
                return Ok(run.note_on_resume(folder, done));
            }
            let message = format!(
                "`train` asks for {steps} steps, but the run in {} has done {done}; write {done} or more, or start anew \
                 with --overwrite",
                folder.display()
            );
            Err(run.run().locate(Error::at("train.steps", message)))
        };
        let notes = self.runs.iter().map(resumed).collect::<Result<Vec<_>, _>>()?;
        Ok(notes.into_iter().flatten().collect())
    }

    fn files(&self) -> Vec<&'static str> {
        vec!["metrics.csv", "arrays.safetensors"]
    }

    /// Trains every run, from its checkpoint where there is one.
    fn run(&mut self, directory: &RunDirectory, session: &mut Session) -> Result<(), Error> {
        let Self { experiment, configuration, runs, columns: [columns, measured] } = self;
        let mut saved = Vec::new();
        for run in runs.iter() {
            saved.push(newest(directory, &run.run().name, session.observer));
        }
        let done = |at: usize| saved[at].as_ref().map_or(0, Saved::step);
        let steps: Vec<(&str, usize)> =
            runs.iter().enumerate().map(|(at, run)| (&*run.run().name, done(at))).collect();
        let (mut metrics, notes) = MetricsFile::open(directory, columns, measured, &steps)?;
        notes.iter().for_each(|note| session.observer.say(note));
        let total = runs.iter().map(|run| run.steps() as u64).sum();
        let done = steps.iter().map(|(_, done)| *done as u64).sum();
        session.observer.begin(total, done, "steps");
        let (mut arrays, mut figures, mut seconds) = (Arrays::default(), Map::new(), 0.0);
        let mut failed = Vec::new();
        let finish = || -> Result<(), Error> {
            for (run, saved) in runs.iter().zip(saved) {
                let trained = run.train(saved, directory, &mut metrics, session, &mut arrays);
                let name = run.run().name.clone();
                match trained.map_err(|error| run.run().locate(error)) {
                    Ok((of_run, took)) => {
                        seconds += took;
                        figures.insert(name, of_run);
                    }
                    Err(Error::NotFinite(message)) => {
                        // The other runs have nothing to do with it.
                        session.observer.say(&format!("note: {message}"));
                        figures.insert(name, json!({ FAILED: message }));
                        failed.push(message);
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        };
        let outcome = finish();
        session.observer.end();
        metrics.sync()?;
        let results = run_directory::results(configuration, session.threads, seconds, figures);
        outcome?;
        if failed.len() < runs.len() {
            directory.write("arrays.safetensors", &arrays.to_bytes())?;
            directory.write_results(&results)?;
        }
        if failed.is_empty() {
            return Ok(());
        }
        let _ = write_unfinished(*experiment, directory, results);
        Err(Error::NotFinite(failed.join("\n")))
    }
}
