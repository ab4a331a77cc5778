//! report.html: one self-contained page, drawn from config.toml and results.json alone.

pub(crate) mod chart;
pub mod page;
pub(crate) mod pictures;
pub(crate) mod table;

use std::path::Path;

use serde_json::Value;

use crate::experiment::{Experiment, named};
use crate::{Error, RunDirectory};

/// Draws the report of one run directory into it.
pub fn write(directory: &RunDirectory) -> Result<(), Error> {
    let html = render(std::slice::from_ref(directory))?;
    directory.write("report.html", html.as_bytes())
}

/// Draws the report of a run that did not come to its end, from the results so far.
pub(crate) fn write_unfinished(
    experiment: &dyn Experiment,
    directory: &RunDirectory,
    results: &Value,
) -> Result<(), Error> {
    let part = page::Part {
        sections: experiment.report(results, directory)?,
        config: directory.config()?,
        results: results.clone(),
    };
    directory.write("report.html", page::render(&[part]).as_bytes())
}

/// Draws one report of several run directories to `path`.
pub fn write_combined(directories: &[RunDirectory], path: &Path) -> Result<(), Error> {
    crate::files::write_whole(path, render(directories)?.as_bytes())
}

fn render(directories: &[RunDirectory]) -> Result<String, Error> {
    let mut parts = Vec::new();
    for directory in directories {
        let results = directory.results()?;
        let kind = results["experiment"].as_str().unwrap_or_default();
        let experiment = named(kind).ok_or_else(|| {
            Error::reading(directory.path(), &format!("it holds the experiment \"{kind}\""))
        })?;
        parts.push(page::Part {
            sections: experiment.report(&results, directory)?,
            config: directory.config()?,
            results,
        });
    }
    Ok(page::render(&parts))
}
