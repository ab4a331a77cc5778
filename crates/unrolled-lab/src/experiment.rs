//! Experiments: what a kind of experiment is, and a list of kinds.

use std::path::Path;

use serde_json::Value;
use unrolled_data::Rows;

use crate::check::Estimate;
use crate::config::{Kind, Overrides};
use crate::progress::{Observer, Stop};
use crate::report::page::{self, Section};
use crate::report::{Figures, Subject};
use crate::run_directory::FIGURES;
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

    /// The sections of a report on runs of this kind: those of one run directory, or of several that are drawn side by
    /// side. What cannot stand side by side is refused in one sentence. Charts go through `figures`, which writes each
    /// to a file too.
    fn report(&self, subject: &Subject, figures: &mut Figures) -> Result<Vec<Section>, Error>;

    /// A commented configuration to start from.
    fn template(&self) -> &'static str;

    /// One that is made for the rows of a file, where the kind has such a thing.
    fn template_for(&self, _path: &Path, _key: &str, _rows: &Rows) -> Result<String, Error> {
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
        let rows = rows.map_err(|error| Error::Config(vec![error.to_string()]))?;
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        experiment.template_for(&path, key, &rows)
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
        let page = directory.path().join("report.html");
        self.draw(std::slice::from_ref(directory), &page, FIGURES)
    }

    /// The sections of the report of one run directory, and its figures.
    ///
    /// # Errors
    /// When the directory is of no kind that is known, or damaged.
    pub fn sections(&self, directory: &RunDirectory) -> Result<(Vec<Section>, Figures), Error> {
        let results = directory.results()?;
        let experiment = self.known(results["experiment"].as_str().unwrap_or_default())?;
        let subject = Subject::read(experiment, vec![(directory, results)])?;
        let mut figures = Figures::new(FIGURES);
        let sections = experiment.report(&subject, &mut figures)?;
        Ok((sections, figures))
    }

    /// Draws one report of run directories of the same kind to `page`; its figures go beside it.
    pub fn report_combined(&self, directories: &[RunDirectory], page: &Path) -> Result<(), Error> {
        let stem = page.file_stem().unwrap_or_default().to_string_lossy();
        self.draw(directories, page, &format!("{stem}-{FIGURES}"))
    }

    fn draw(&self, directories: &[RunDirectory], page: &Path, folder: &str) -> Result<(), Error> {
        let mut experiment: Option<(&'static dyn Experiment, &RunDirectory)> = None;
        let mut found = Vec::new();
        for directory in directories {
            let results = directory.results()?;
            let kind = results["experiment"].as_str().unwrap_or_default();
            let this = self.named(kind).ok_or_else(|| {
                let path = directory.path().join("results.json");
                Error::damaged(&path, &format!("its `experiment` is \"{kind}\""))
            })?;
            let (first, of) = *experiment.get_or_insert((this, directory));
            if first.name() != this.name() {
                return Err(Error::RunDirectory(format!(
                    "{} holds {} and {} holds {}, which cannot be compared; draw a report of each",
                    of.path().display(),
                    first.name(),
                    directory.path().display(),
                    this.name()
                )));
            }
            found.push((directory, results));
        }
        match experiment {
            Some((experiment, _)) => draw(experiment, found, page, folder),
            None => Err(Error::RunDirectory("there is no run directory to report on".to_owned())),
        }
    }
}

/// Draws the report of runs of which some did not come to their end, from the results so far.
pub fn write_unfinished(
    experiment: &dyn Experiment,
    directory: &RunDirectory,
    results: Value,
) -> Result<(), Error> {
    let page = directory.path().join("report.html");
    draw(experiment, vec![(directory, results)], &page, FIGURES)
}

fn draw(
    experiment: &dyn Experiment,
    found: Vec<(&RunDirectory, Value)>,
    page: &Path,
    folder: &str,
) -> Result<(), Error> {
    for (directory, _) in &found {
        let inputs = ["config.toml", "results.json", "metrics.csv", "arrays.safetensors"];
        let is_page =
            |name| directory.path().join(name).canonicalize().ok() == page.canonicalize().ok();
        if page.exists() && inputs.into_iter().any(is_page) {
            return Err(Error::RunDirectory(format!(
                "{}: is one of the inputs; name another file",
                page.display()
            )));
        }
    }
    let subject = Subject::read(experiment, found)?;
    let mut figures = Figures::new(folder);
    let sections = experiment.report(&subject, &mut figures)?;
    let html = page::render(experiment.name(), &subject, &sections);
    crate::files::write_whole(page, html.as_bytes())?;
    figures.write(page.parent().unwrap_or(Path::new("")))
}
