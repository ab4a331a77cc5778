//! Experiments: what a kind of experiment is, and a list of kinds.

use std::path::Path;

use serde_json::Value;
use unrolled_data::Rows;

use crate::check::Estimate;
use crate::config::{Kind, Overrides};
use crate::progress::{Observer, Stop};
use crate::report::page::{self, Part, Section};
use crate::words::nearest;
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

/// A kind of experiment: its sections of a configuration ([`Kind`]), its plan, its part of a report, its template.
pub trait Experiment: Kind {
    /// Everything that can be checked before computing; what is wrong ends the command with nothing written.
    fn plan<'a>(&self, configuration: &'a Configuration) -> Result<Box<dyn Plan + 'a>, Error>;

    /// The sections of the report for the results of one run directory.
    fn report(&self, results: &Value, directory: &RunDirectory) -> Result<Vec<Section>, Error>;

    /// A commented configuration to start from.
    fn template(&self) -> &'static str;

    /// One that is made for the rows of a file, where the kind has such a thing.
    fn template_for(&self, _path: &Path, _key: &str, _rows: &mut Rows) -> Result<String, Error> {
        Err(Error::Config(vec![format!(
            "there is no configuration of \"{}\" for a file of rows; leave --data out, and set `[data]` in the \
             configuration that is printed",
            self.name()
        )]))
    }
}

/// The runs of a configuration, ready to begin.
pub trait Plan {
    /// What they will take, and what the user should know.
    fn estimate(&self, threads: usize) -> Result<Estimate, Error>;

    /// Whether runs that were begun in a folder can be gone on with, and what the user should know of that.
    fn check_resume(&self, _folder: &Path) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }

    /// The files that runs write beside results.json, configuration and report.
    fn files(&self) -> Vec<&'static str> {
        vec!["metrics.csv"]
    }

    /// Runs every run that is not finished yet and writes all files but the report.
    fn run(&mut self, directory: &RunDirectory, session: &mut Session) -> Result<(), Error>;
}

/// A list of kinds.
#[derive(Clone, Copy)]
pub struct Experiments<'a>(&'a [&'static dyn Experiment]);

impl<'a> Experiments<'a> {
    /// Of at least one kind, the usual one first.
    pub const fn new(kinds: &'a [&'static dyn Experiment]) -> Self {
        Self(kinds)
    }

    /// Their names.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|experiment| experiment.name()).collect()
    }

    /// The experiment of that name.
    pub fn named(&self, name: &str) -> Option<&'static dyn Experiment> {
        self.0.iter().copied().find(|experiment| experiment.name() == name)
    }

    fn kinds(&self) -> Vec<&dyn Kind> {
        self.0.iter().map(|experiment| *experiment as &dyn Kind).collect()
    }

    /// Reads and checks the configuration of any of them.
    pub fn load(&self, source: &Path, overrides: &Overrides) -> Result<Configuration, Error> {
        Configuration::load(source, overrides, &self.kinds())
    }

    /// As [`Self::load`], from text; `source` is the file that it stands for.
    pub fn parse(
        &self,
        text: &str,
        source: &Path,
        overrides: &Overrides,
    ) -> Result<Configuration, Error> {
        Configuration::parse(text, source, overrides, &self.kinds())
    }

    /// The runs of a configuration that [`Self::load`] has read, ready to begin.
    pub fn plan<'c>(&self, configuration: &'c Configuration) -> Result<Box<dyn Plan + 'c>, Error> {
        self.known(configuration.base.experiment)?.plan(configuration)
    }

    /// The commented configuration of an experiment, every default shown.
    pub fn template(&self, experiment: &str) -> Result<&'static str, Error> {
        self.known(experiment).map(Experiment::template)
    }

    /// A commented configuration of an experiment for the rows of a file.
    pub fn template_for(&self, experiment: &str, path: &Path, key: &str) -> Result<String, Error> {
        let experiment = self.known(experiment)?;
        let rows = Rows::open(path, key);
        let mut rows = rows.map_err(|error| Error::Config(vec![error.to_string()]))?;
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        experiment.template_for(&path, key, &mut rows)
    }

    fn known(&self, experiment: &str) -> Result<&'static dyn Experiment, Error> {
        self.named(experiment).ok_or_else(|| {
            let names = self.names();
            let remedy = match nearest(experiment, &names) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("choose one of {}", names.join(", ")),
            };
            Error::Config(vec![format!("there is no experiment \"{experiment}\"; {remedy}")])
        })
    }

    /// Draws the report of one run directory into it.
    pub fn report(&self, directory: &RunDirectory) -> Result<(), Error> {
        let html = self.render(std::slice::from_ref(directory))?;
        directory.write("report.html", html.as_bytes())
    }

    /// Draws one report of several run directories to `path`.
    pub fn report_combined(&self, directories: &[RunDirectory], path: &Path) -> Result<(), Error> {
        crate::files::write_whole(path, self.render(directories)?.as_bytes())
    }

    fn render(&self, directories: &[RunDirectory]) -> Result<String, Error> {
        let parts = directories.iter().map(|directory| {
            let results = directory.results()?;
            let kind = results["experiment"].as_str().unwrap_or_default();
            let experiment = self.named(kind).ok_or_else(|| {
                Error::reading(directory.path(), &format!("it holds the experiment \"{kind}\""))
            })?;
            part(experiment, directory, results)
        });
        Ok(page::render(&parts.collect::<Result<Vec<_>, _>>()?))
    }
}

/// Draws the report of runs of which some did not come to their end, from the results so far.
pub fn write_unfinished(
    experiment: &dyn Experiment,
    directory: &RunDirectory,
    results: Value,
) -> Result<(), Error> {
    let part = part(experiment, directory, results)?;
    directory.write("report.html", page::render(&[part]).as_bytes())
}

fn part(
    experiment: &dyn Experiment,
    directory: &RunDirectory,
    results: Value,
) -> Result<Part, Error> {
    let sections = experiment.report(&results, directory)?;
    Ok(Part { sections, config: directory.config()?, results })
}
