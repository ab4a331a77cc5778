//! `explain`: which training examples the atoms of a dictionary, and the reconstructions of new examples, are made of.

mod codes;
mod config;
mod explained;
mod plan;
mod report;
mod results;
mod table;

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::learn;
use super::sequence::{Sequence, Trains};
use crate::arrays::Arrays;
use crate::check::Estimate;
use crate::config::{Kind, Reader, Run};
use crate::devices::guarded;
use crate::experiment::{Experiment, Plan as Planned, Session};
use crate::report::page::Section;
use crate::report::{Figures, Subject};
use crate::training::{MetricsFile, Saved};
use crate::workers::on_threads;
use crate::{Configuration, Error, RunDirectory};
use plan::Plan;

/// The experiment.
#[derive(Debug)]
pub struct Explain;

impl Kind for Explain {
    fn name(&self) -> &'static str {
        "explain"
    }

    fn sections(&self, reader: &mut Reader) -> Arc<dyn crate::config::Sections> {
        Arc::new(config::Sections::read(reader))
    }
}

impl Experiment for Explain {
    fn plan<'a>(&self, configuration: &'a Configuration) -> Result<Box<dyn Planned + 'a>, Error> {
        let shelf = Arc::new(learn::Shelf::of_whole_data());
        let plan = |run| Plan::new(run, shelf.clone());
        let columns = [learn::COLUMNS, learn::MEASURED];
        Ok(Box::new(Tabled(Sequence::new(&Explain, configuration, columns, plan)?)))
    }

    fn report(&self, subject: &Subject, figures: &mut Figures) -> Result<Vec<Section>, Error> {
        report::sections(subject, figures)
    }

    fn template(&self) -> &'static str {
        include_str!("template.toml")
    }
}

/// What a run that has learned a dictionary was configured with.
pub(crate) fn learning(run: &Run) -> &learn::Sections {
    match run.config.experiment {
        "explain" => &run.config.sections::<config::Sections>().learning,
        _ => run.config.sections(),
    }
}

/// A checksum of the examples of a run that has learned a dictionary, as they are now.
pub(crate) fn fingerprint(run: &Run) -> Result<u32, Error> {
    let shelf = match run.config.experiment {
        "explain" => learn::Shelf::of_whole_data(),
        _ => learn::Shelf::default(),
    };
    let plan = learn::Plan::new(run, learning(run), Arc::new(shelf))?;
    Ok(plan.lesson()?.prepared.fingerprint)
}

/// Runs, and then a table of all of them.
struct Tabled<'a>(Sequence<'a, Plan<'a>>);

impl Planned for Tabled<'_> {
    fn estimate(&self, threads: usize) -> Result<Estimate, Error> {
        self.0.estimate(threads)
    }

    fn check_resume(&self, folder: &Path) -> Result<Vec<String>, Error> {
        self.0.check_resume(folder)
    }

    fn files(&self) -> Vec<&'static str> {
        [self.0.files(), vec![table::FILE]].concat()
    }

    fn run(&mut self, directory: &RunDirectory, session: &mut Session) -> Result<(), Error> {
        self.0.run(directory, session)?;
        table::write(directory)
    }
}

impl Trains for Plan<'_> {
    fn run(&self) -> &Run {
        self.learning.run
    }

    fn steps(&self) -> usize {
        self.learning.steps()
    }

    fn note_on_resume(&self, folder: &Path, done: usize) -> Option<String> {
        self.learning.note_on_resume(folder, done)
    }

    fn estimate(&self, threads: usize, estimate: &mut Estimate) -> Result<(), Error> {
        self.estimate_explanation(threads, estimate)
    }

    fn train(
        &self,
        saved: Option<Saved>,
        directory: &RunDirectory,
        metrics: &mut MetricsFile,
        session: &mut Session,
        arrays: &mut Arrays,
    ) -> Result<(Value, f64), Error> {
        let lesson = self.learning.lesson()?;
        let state = self.learning.training(&lesson).run(saved, directory, metrics, session)?;
        let started = std::time::Instant::now();
        session.observer.now(&format!("{}  codes and contributions", self.run().name));
        let config = self.learning.config();
        let stop = session.stop;
        let explained = guarded(&config.device, || {
            on_threads(session.threads, || explained::explain(self, &lesson, &state, stop))
        })?;
        learn::put_arrays(&self.learning, &lesson, &state, arrays);
        let figures =
            on_threads(session.threads, || results::figures(self, &lesson, &state, &explained))?;
        let dictionary = &state.network.dictionary;
        results::put_arrays(self, &lesson, (&explained, &figures), dictionary, arrays);
        Ok((figures, state.seconds + started.elapsed().as_secs_f64()))
    }
}
