//! What a report is about: the runs of one directory, or of several side by side.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::chart::{MOST_COLOURS, MOST_STROKES, numbered};
use crate::config::{Kind, Overrides};
use crate::{Configuration, Error, RunDirectory};

/// The runs of one run directory, or of several that are to be compared.
#[derive(Debug)]
pub struct Subject {
    /// One or more.
    pub directories: Vec<Finished>,
}

/// A run directory, read.
#[derive(Debug)]
pub struct Finished {
    /// The folder.
    pub path: PathBuf,
    /// What it is called on the page: the end of its path, as much as tells it from the others.
    pub label: String,
    /// results.json.
    pub results: Map<String, Value>,
    /// config.toml, as text.
    pub config: String,
    /// Its runs, in the order of results.json.
    pub runs: Vec<ReportedRun>,
}

/// A run, read.
#[derive(Debug)]
pub struct ReportedRun {
    /// Its name in results.json, metrics.csv and arrays.
    pub name: String,
    /// What it is called on the page, as text.
    pub label: String,
    /// Its part of results.json.
    pub figures: Value,
    /// Its effective configuration: dotted keys and values, in the order of the file.
    pub settings: Vec<(String, String)>,
}

impl Subject {
    /// Reads run directories of one kind, each with its results.
    pub(crate) fn read(kind: &dyn Kind, found: Vec<(&RunDirectory, Value)>) -> Result<Self, Error> {
        let paths: Vec<PathBuf> =
            found.iter().map(|(directory, _)| directory.path().to_owned()).collect();
        let labels = labels(&paths)?;
        let read = found.into_iter().zip(labels);
        let directories = read
            .map(|((directory, results), label)| Finished::read(kind, directory, results, label))
            .collect::<Result<Vec<_>, _>>()?;
        let mut subject = Self { directories };
        subject.name_runs();
        Ok(subject)
    }

    /// Whether there are several directories.
    pub fn is_joint(&self) -> bool {
        self.directories.len() > 1
    }

    /// All runs, each with its directory.
    pub fn runs(&self) -> Vec<(&Finished, &ReportedRun)> {
        let each = self.directories.iter();
        each.flat_map(|found| found.runs.iter().map(move |run| (found, run))).collect()
    }

    /// Colour and stroke of the curve of every run. Where directories have runs of the same names, a name keeps its colour
    /// and a directory its stroke, if there are enough of both.
    pub fn styles(&self) -> Vec<(usize, usize)> {
        let runs = self.runs();
        let mut names: Vec<&str> = runs.iter().map(|(_, run)| run.name.as_str()).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        let directories = self.directories.len();
        let shared = names.len() > 1 && names.len() < all;
        if !shared || names.len() > MOST_COLOURS || directories > MOST_STROKES {
            return (0..all).map(numbered).collect();
        }
        let mut seen: Vec<&str> = Vec::new();
        let mut styles = Vec::new();
        for (stroke, found) in self.directories.iter().enumerate() {
            for run in &found.runs {
                let colour = seen.iter().position(|name| *name == run.name).unwrap_or_else(|| {
                    seen.push(&run.name);
                    seen.len() - 1
                });
                styles.push((colour, stroke));
            }
        }
        styles
    }

    /// Where several directories are compared, a run without a name of its own is called as its directory is, and one
    /// whose name another directory has too is called by both.
    fn name_runs(&mut self) {
        if !self.is_joint() {
            return;
        }
        let names: Vec<String> = self.runs().iter().map(|(_, run)| run.name.clone()).collect();
        for Finished { label, runs, .. } in &mut self.directories {
            for run in runs {
                let same = names.iter().filter(|name| **name == run.name).count();
                run.label = match (run.name.as_str(), same) {
                    ("main", _) => label.clone(),
                    (name, 1) => name.to_owned(),
                    (name, _) => format!("{label}/{name}"),
                };
            }
        }
        let labels: Vec<String> = self.runs().iter().map(|(_, run)| run.label.clone()).collect();
        for Finished { label, runs, .. } in &mut self.directories {
            for run in runs {
                if labels.iter().filter(|other| **other == run.label).count() > 1 {
                    run.label = format!("{label}/{}", run.name);
                }
            }
        }
    }
}

impl Finished {
    fn read(
        kind: &dyn Kind,
        directory: &RunDirectory,
        results: Value,
        label: String,
    ) -> Result<Self, Error> {
        let path = directory.path().to_owned();
        let damaged = |what: &str| Error::damaged(&path.join("results.json"), &what);
        let Value::Object(results) = results else {
            return Err(damaged("it is not an object"));
        };
        if !results.get("name").is_some_and(Value::is_string) {
            return Err(damaged("its `name` is not a text"));
        }
        let Some(found) = results.get("runs").and_then(Value::as_object) else {
            return Err(damaged("its `runs` is not an object with a member for each run"));
        };
        if found.is_empty() {
            return Err(damaged("it holds no run"));
        }
        let (config, configured) = configuration(kind, &path)?;
        let run = |(name, figures): (&String, &Value)| {
            if !figures.is_object() {
                return Err(damaged(&format!("its `runs.{name}` is not an object")));
            }
            let settings = configured.iter().find(|(other, _)| other == name);
            let Some((_, settings)) = settings else {
                return Err(damaged(&format!("it holds the run `{name}`, config.toml does not")));
            };
            let (name, settings) = (name.clone(), settings.clone());
            Ok(ReportedRun { label: name.clone(), name, figures: figures.clone(), settings })
        };
        let runs = found.iter().map(run).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { path, label, results, config, runs })
    }

    /// The figures of one of its runs, checked for their types.
    pub fn figures<F: DeserializeOwned>(&self, run: &ReportedRun) -> Result<F, Error> {
        serde_path_to_error::deserialize(&run.figures).map_err(|error| {
            let key = format!("runs.{}.{}", run.name, error.path());
            self.damaged(&format!("`{key}`: {}", error.inner()))
        })
    }

    /// An error about its results.json.
    pub fn damaged(&self, what: &str) -> Error {
        Error::damaged(&self.path.join("results.json"), &what)
    }

    /// A value at the top of results.json, as text.
    pub fn result(&self, key: &str) -> Option<String> {
        self.results.get(key).and_then(plain)
    }
}

impl ReportedRun {
    /// The value of a key of its configuration.
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.settings.iter().find(|(other, _)| other == key).map(|(_, value)| value.as_str())
    }

    /// A value among its figures, as text.
    pub fn figure(&self, key: &str) -> Option<String> {
        self.figures.get(key).and_then(plain)
    }
}

/// A text or a number.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

type Configured = Vec<(String, Vec<(String, String)>)>;

/// The text of a run directory's configuration, and the settings of every run in it.
fn configuration(kind: &dyn Kind, folder: &Path) -> Result<(String, Configured), Error> {
    let path = folder.join("config.toml");
    let text = std::fs::read_to_string(&path).map_err(|error| Error::damaged(&path, &error))?;
    let parsed = Configuration::parse(&text, &path, &Overrides::default(), &[kind]);
    let parsed = parsed.map_err(|error| {
        Error::damaged(&path, &error.to_string().lines().next().unwrap_or_default())
    })?;
    let settings = parsed.runs.iter().map(|run| {
        let mut settings = Vec::new();
        flatten("", &toml::Value::Table(run.config.table()), &mut settings);
        (run.name.clone(), settings)
    });
    let settings = settings.collect();
    Ok((text, settings))
}

fn flatten(path: &str, value: &toml::Value, into: &mut Vec<(String, String)>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&path, value, into);
            }
        }
        toml::Value::String(text) => into.push((path.to_owned(), text.clone())),
        other => into.push((path.to_owned(), other.to_string())),
    }
}

/// The end of every path, as much of it as tells them apart.
fn labels(paths: &[PathBuf]) -> Result<Vec<String>, Error> {
    let real: Vec<PathBuf> =
        paths.iter().map(|path| path.canonicalize().unwrap_or_else(|_| path.clone())).collect();
    for (index, path) in real.iter().enumerate() {
        if real[..index].contains(path) {
            return Err(Error::RunDirectory(format!(
                "{}: is named twice; name every run directory once",
                paths[index].display()
            )));
        }
    }
    let end = |path: &PathBuf, count: usize| -> String {
        let parts: Vec<_> =
            path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        parts[parts.len().saturating_sub(count)..].join("/")
    };
    let longest = real.iter().map(|path| path.components().count()).max().unwrap_or(1);
    let ends = |count| -> Vec<String> { real.iter().map(|path| end(path, count)).collect() };
    let differ = |labels: &Vec<String>| {
        labels.iter().enumerate().all(|(index, label)| !labels[..index].contains(label))
    };
    Ok((1..=longest).map(ends).find(differ).unwrap_or_else(|| ends(longest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_as_short_as_it_can_be() {
        let of = |paths: &[&str]| labels(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(of(&["/none/x/a", "/none/x/b"]).unwrap(), ["a", "b"]);
        assert_eq!(of(&["/none/x/a", "/none/y/a"]).unwrap(), ["x/a", "y/a"]);
        assert!(of(&["/none/x", "/none/x"]).is_err());
    }
}
