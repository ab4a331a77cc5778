//! `learn-dictionary`: train D with any estimator, any encoder, any optimiser.
//!
//! ```text
//! configuration → plan (data, D⁰, split) → step (batch → blocks → estimate → optimiser → constraint)
//!               → metrics.csv, checkpoints → results.json, arrays, report
//! ```

mod batches;
mod checkpoint;
mod measure;
mod metrics_file;
mod on_device;
mod on_host;
mod plan;
mod report;
mod results;
mod state;
mod step;

use serde_json::Value;

use crate::check::Estimate;
use crate::config::Run;
use crate::devices::guarded;
use crate::experiment::{Experiment, Session};
use crate::report::page::Section;
use crate::{Configuration, Error, RunDirectory};
use metrics_file::MetricsFile;
use plan::Plan;
use state::State;

/// The experiment.
#[derive(Debug)]
pub struct LearnDictionary;

impl Experiment for LearnDictionary {
    fn name(&self) -> &'static str {
        "learn-dictionary"
    }

    fn check(&self, configuration: &Configuration, threads: usize) -> Result<Estimate, Error> {
        let mut estimate = Estimate::default();
        for run in &configuration.runs {
            let plan = Plan::new(run).map_err(|error| run.locate(error))?;
            guarded(&run.config, || {
                plan.estimate(threads, &mut estimate);
                Ok(())
            })?;
        }
        estimate.affordable()
    }

    fn run(
        &self,
        configuration: &Configuration,
        directory: &RunDirectory,
        session: &mut Session,
    ) -> Result<(), Error> {
        let mut states = Vec::new();
        let mut starts = Vec::new();
        for run in &configuration.runs {
            let plan = Plan::new(run).map_err(|error| run.locate(error))?;
            let found = checkpoint::newest(directory, &plan, session.observer);
            starts.push((plan.steps as u64, found.as_ref().map_or(0, |state| state.step as u64)));
            states.push(found);
        }
        let (total, done) = starts.iter().fold((0, 0), |(a, b), (steps, at)| (a + steps, b + at));
        let mut metrics = MetricsFile::open(directory, &configuration.runs, &states)?;
        session.observer.begin(total, done);
        let mut outcome = Ok(());
        let mut finished = Vec::new();
        for (run, state) in configuration.runs.iter().zip(states) {
            let plan = Plan::new(run).map_err(|error| run.locate(error))?;
            let state = match state {
                Some(state) => state,
                None => State::start(&plan),
            };
            match train(&plan, state, directory, &mut metrics, session) {
                Ok(state) => finished.push((run, state)),
                Err(error) => {
                    outcome = Err(run.locate(error));
                    break;
                }
            }
        }
        session.observer.end();
        metrics.sync()?;
        if let Err(Error::NotFinite(_)) = &outcome {
            // A report of the run so far; without results.json the run stays unfinished.
            let results = results::assemble(configuration, &finished, session.threads);
            let _ = crate::report::write_unfinished(self, directory, &results);
        }
        outcome?;
        results::write_arrays(directory, &finished)?;
        directory.write_results(&results::assemble(configuration, &finished, session.threads))
    }

    fn report(&self, results: &Value, directory: &RunDirectory) -> Result<Vec<Section>, Error> {
        report::sections(results, directory)
    }

    fn template(&self) -> &'static str {
        include_str!("template.toml")
    }
}

/// Trains one run to its end, from where its state is.
fn train(
    plan: &Plan,
    mut state: State,
    directory: &RunDirectory,
    metrics: &mut MetricsFile,
    session: &mut Session,
) -> Result<State, Error> {
    let Run { name, config, .. } = plan.run;
    let train = config.train();
    let started = std::time::Instant::now();
    let seconds_before = state.seconds;
    let mut trainer = step::trainer(plan, session.threads);
    let mut saved_at = state.step;
    if state.step == 0 {
        checkpoint::save(directory, plan, &state)?;
    }
    while state.step < plan.steps && !state.stopped_early {
        let mut rows = Vec::new();
        let outcome = guarded(config, || trainer.advance(&mut state, &mut rows));
        let (from, to) = (state.seconds, seconds_before + started.elapsed().as_secs_f64());
        state.seconds = to;
        let count = rows.len() as f64;
        for (index, row) in rows.iter_mut().enumerate() {
            row.seconds = from + (to - from) * (index + 1) as f64 / count;
            metrics.write(name, plan, row)?;
        }
        session.observer.advance(rows.len() as u64);
        if let Some(row) = rows.last() {
            session.observer.now(&describe(name, row));
        }
        for warning in rows.iter().filter_map(|row| row.warning.as_ref()) {
            session.observer.say(&format!("note: {name}: {warning}"));
        }
        if let Err(error) = outcome {
            metrics.sync()?;
            if matches!(error, Error::NotFinite(_)) {
                // The state is that of the last good step.
                checkpoint::save(directory, plan, &state)?;
            }
            return Err(error);
        }
        let stop = session.stop.is_requested();
        if stop || state.step.is_multiple_of(train.checkpoint_every) {
            metrics.sync()?;
            checkpoint::save(directory, plan, &state)?;
            saved_at = state.step;
        }
        if stop && state.step < plan.steps {
            return Err(Error::Interrupted(String::new()));
        }
    }
    if saved_at != state.step || state.stopped_early {
        metrics.sync()?;
        checkpoint::save(directory, plan, &state)?;
    }
    Ok(state)
}

fn describe(run: &str, row: &step::Row) -> String {
    let name = if run == "main" { String::new() } else { format!("{run}  ") };
    let error = row
        .dictionary_error
        .map_or(String::new(), |error| format!("  dictionary error {error:.4}"));
    format!("{name}loss {:.5}{error}", row.loss)
}
