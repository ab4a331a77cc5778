//! The kinds of experiment. A new kind is one module that implements [`Experiment`] and one line in
//! [`ALL`] and [`NAMES`].

use serde_json::Value;

use crate::check::Estimate;
use crate::compare::CompareGradients;
use crate::learn::LearnDictionary;
use crate::progress::{Observer, Stop};
use crate::report::page::Section;
use crate::{Configuration, Error, RunDirectory};

/// How to run an experiment.
pub struct Session<'a> {
    /// Threads of the CPU to use. Results do not depend on it.
    pub threads: usize,
    /// Who is told of progress.
    pub observer: &'a mut dyn Observer,
    /// Whether to stop.
    pub stop: &'a Stop,
}

/// A kind of experiment.
pub trait Experiment: Sync {
    /// Its name in configurations.
    fn name(&self) -> &'static str;

    /// Everything that can be checked before computing, and what the run will take. Warnings are for
    /// the user to read; errors end the command with nothing written.
    fn check(&self, configuration: &Configuration, threads: usize) -> Result<Estimate, Error>;

    /// Runs every run that is not finished yet and writes all files but the report.
    fn run(
        &self,
        configuration: &Configuration,
        directory: &RunDirectory,
        session: &mut Session,
    ) -> Result<(), Error>;

    /// The sections of the report for the results of one run directory.
    fn report(&self, results: &Value, directory: &RunDirectory) -> Result<Vec<Section>, Error>;

    /// A commented configuration to start from.
    fn template(&self) -> &'static str;
}

/// Every kind.
pub const ALL: [&dyn Experiment; 2] = [&CompareGradients, &LearnDictionary];

/// Their names.
pub const NAMES: [&str; 2] = ["compare-gradients", "learn-dictionary"];

/// The experiment of that name.
pub fn named(name: &str) -> Option<&'static dyn Experiment> {
    ALL.into_iter().find(|experiment| experiment.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_experiments_agree() {
        assert_eq!(ALL.map(|experiment| experiment.name()), NAMES);
    }
}
