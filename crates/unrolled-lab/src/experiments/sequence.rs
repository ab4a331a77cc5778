//! Runs that train, one after the other.

use serde_json::{Map, Value, json};

use crate::arrays::Arrays;
use crate::config::Run;
use crate::experiment::{Experiment, Session, write_unfinished};
use crate::run_directory::FAILED;
use crate::training::{MetricsFile, Saved, newest};
use crate::{Configuration, Error, RunDirectory, run_directory};

/// A run that trains.
pub(super) trait Trains {
    /// Its part of the configuration.
    fn run(&self) -> &Run;

    /// Steps in all.
    fn steps(&self) -> usize;

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

/// Trains every run, from its checkpoint where there is one, and writes all files but the report. `columns` are those of
/// every step and of every measurement.
pub(super) fn train_all(
    experiment: &dyn Experiment,
    configuration: &Configuration,
    runs: &[impl Trains],
    [columns, measured]: [&[&str]; 2],
    directory: &RunDirectory,
    session: &mut Session,
) -> Result<(), Error> {
    let mut saved = Vec::new();
    for run in runs {
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
    let _ = write_unfinished(experiment, directory, results);
    Err(Error::NotFinite(failed.join("\n")))
}
