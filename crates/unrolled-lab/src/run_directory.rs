//! The folder that a run writes: see the README for its files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::config::{fixed_lines, name_of};
use crate::files::{UNFINISHED, remove_all_unfinished, write_whole};
use crate::lock::Lock;
use crate::{Configuration, Error, figure_files};

/// What to do with a folder that is already there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Refuse it unless it is empty.
    Refuse,
    /// Go on with the run in it.
    Resume,
    /// Delete the run in it.
    Overwrite,
}

/// The folder of a run.
#[derive(Clone, Debug)]
pub struct RunDirectory {
    path: PathBuf,
    /// Held for as long as a run goes on in it.
    _lock: Option<Arc<Lock>>,
}

const CONFIG: &str = "config.toml";
const RESULTS: &str = "results.json";
const FILES: [&str; 6] =
    [CONFIG, RESULTS, "metrics.csv", "arrays.safetensors", "contributions.csv", "report.html"];

/// How a folder that a run has written to is known from any other.
const MARK: &str = ".unrolled";
const MARKED: &[u8] = b"A run of `unrolled run` is in this folder, which --overwrite replaces.\n";

impl RunDirectory {
    /// Checks that a run with this effective configuration can go to `path`. Writes nothing.
    pub fn check(path: &Path, existing: Existing, effective: &str) -> Result<(), Error> {
        let refuse = |message: String| Err(Error::RunDirectory(message));
        let shown = path.display();
        let found = path.ancestors().find(|path| path.exists());
        if let Some(file) = found.filter(|found| !found.is_dir()) {
            return refuse(match file == path {
                true => format!("{shown}: is a file; name a folder with --out"),
                false => format!(
                    "{shown}: cannot be made, because {} is a file; name another folder with --out",
                    file.display()
                ),
            });
        }
        // What a killed run had begun to write does not count.
        let counts = |entry: std::io::Result<std::fs::DirEntry>| {
            let name = entry.map(|entry| entry.file_name());
            !name.is_ok_and(|name| {
                let name = name.to_string_lossy();
                name == MARK || name.starts_with(UNFINISHED)
            })
        };
        let is_empty = std::fs::read_dir(path).map_or(true, |mut entries| !entries.any(counts));
        let config = path.join(CONFIG);
        match existing {
            Existing::Refuse if !is_empty => refuse(format!(
                "{shown}: is not empty; choose another folder with --out, go on with --resume, or \
                 replace the run in it with --overwrite"
            )),
            Existing::Overwrite if !is_empty && !path.join(MARK).is_file() => refuse(format!(
                "{shown}: was not written by `unrolled run` (no {MARK} in it), so --overwrite leaves it alone; \
                 choose another folder with --out"
            )),
            Existing::Resume if !config.is_file() => refuse(format!(
                "{shown}: holds no run to resume (no {CONFIG}); start it without --resume"
            )),
            Existing::Resume => {
                let before = std::fs::read_to_string(&config)
                    .map_err(|error| Error::reading(&config, &error))?;
                match first_difference(&before, effective) {
                    None => Ok(()),
                    Some((before, now)) => refuse(format!(
                        "{shown}: was started with another configuration (`{before}` there, `{now}` \
                         now); resume with the same one, or start anew with --overwrite"
                    )),
                }
            }
            _ => Ok(()),
        }
    }

    /// Opens the folder, for this process alone: makes it, clears it or goes on in it, and writes the effective
    /// configuration.
    pub fn open(path: &Path, existing: Existing, effective: &str) -> Result<Self, Error> {
        Self::check(path, existing, effective)?;
        std::fs::create_dir_all(path).map_err(|error| Error::writing(path, &error))?;
        let lock = Lock::take(path)?;
        // Another run may have come and gone in between.
        Self::check(path, existing, effective)?;
        remove_left(path);
        if existing == Existing::Overwrite {
            // Only what a run writes: anything else in the folder belongs to somebody else.
            for name in FILES {
                let _ = std::fs::remove_file(path.join(name));
            }
            remove_checkpoints(&path.join(CHECKPOINTS));
            figure_files::remove(&path.join(FIGURES));
        }
        let directory = Self { path: path.to_owned(), _lock: Some(Arc::new(lock)) };
        if !path.join(MARK).is_file() {
            directory.write(MARK, MARKED)?;
        }
        if directory.config().ok().as_deref() != Some(effective) {
            // What was finished under the configuration before is not under this one.
            let _ = std::fs::remove_file(path.join(RESULTS));
            directory.write(CONFIG, effective.as_bytes())?;
        }
        Ok(directory)
    }

    /// A folder that holds a run.
    pub fn existing(path: &Path) -> Result<Self, Error> {
        match path.join(CONFIG).is_file() {
            true => Ok(Self { path: path.to_owned(), _lock: None }),
            false => Err(Error::RunDirectory(format!(
                "{}: holds no run (no {CONFIG}); name a folder that `unrolled run` has written",
                path.display()
            ))),
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the run in it is finished: its results are there, and so are the files that it writes beside them; and none
    /// of its runs has failed.
    pub fn is_finished(&self, files: &[&str]) -> bool {
        let has_failed = |results: Value| {
            results["runs"]
                .as_object()
                .into_iter()
                .flatten()
                .any(|(_, run)| run.get(FAILED).is_some())
        };
        files.iter().all(|name| self.path.join(name).is_file())
            && self.results().is_ok_and(|results| !has_failed(results))
    }

    /// Writes a file, whole.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.path.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| Error::writing(folder, &error))?;
        }
        write_whole(&path, bytes)
    }

    /// Writes results.json, which makes the run finished.
    pub fn write_results(&self, results: &serde_json::Value) -> Result<(), Error> {
        let mut text = serde_json::to_string_pretty(results).expect("results are valid JSON");
        text.push('\n');
        self.write(RESULTS, text.as_bytes())
    }

    /// results.json.
    pub fn results(&self) -> Result<serde_json::Value, Error> {
        let path = self.path.join(RESULTS);
        let bytes = std::fs::read(&path).map_err(|_| {
            Error::RunDirectory(format!(
                "{}: the run is not finished (no {RESULTS}); finish it with `unrolled run … --resume`",
                self.path.display()
            ))
        })?;
        serde_json::from_slice(&bytes).map_err(|error| Error::damaged(&path, &error))
    }

    /// config.toml, as text.
    pub fn config(&self) -> Result<String, Error> {
        let path = self.path.join(CONFIG);
        std::fs::read_to_string(&path).map_err(|error| Error::reading(&path, &error))
    }
}

/// What results.json says of a run that did not come to its end, in place of its figures: why.
pub(crate) const FAILED: &str = "failed";

/// The folder of checkpoints.
pub(crate) const CHECKPOINTS: &str = "checkpoints";

/// The folder of a report's figures.
pub(crate) const FIGURES: &str = "figures";

/// Removes the files that a killed run had begun to write, in its folder and beside its checkpoints.
fn remove_left(folder: &Path) {
    let checkpoints = folder.join(CHECKPOINTS);
    remove_all_unfinished(folder);
    remove_all_unfinished(&checkpoints);
    for entry in std::fs::read_dir(&checkpoints).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_all_unfinished(&entry.path());
        }
    }
}

/// Removes the checkpoints of a run and the folders that are empty then; anything else in them belongs to somebody
/// else. They are `<run>/step-….safetensors`, `<run>-repeat-….json` and `<run>.safetensors`.
fn remove_checkpoints(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            for entry in std::fs::read_dir(&path).into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if name.starts_with("step-") && name.ends_with(".safetensors") {
                    let _ = std::fs::remove_file(entry.path());
                }
            }
            let _ = std::fs::remove_dir(&path);
        } else if name.ends_with(".safetensors") || name.contains("-repeat-") {
            let _ = std::fs::remove_file(path);
        }
    }
    let _ = std::fs::remove_dir(folder);
}

/// results.json of any experiment: what was run, and the figures of its runs.
pub fn results(
    configuration: &Configuration,
    threads: usize,
    seconds: f64,
    runs: Map<String, Value>,
) -> Value {
    let base = &configuration.base;
    json!({
        "experiment": base.experiment,
        "name": base.name,
        "version": env!("CARGO_PKG_VERSION"),
        "burn_version": crate::BURN_VERSION,
        "device": base.device,
        "precision": name_of(base.precision),
        "seed": base.seed,
        "threads": threads,
        "wall_seconds": seconds,
        "runs": runs,
    })
}

/// The first lines that differ, comments and keys that may change aside.
fn first_difference(before: &str, now: &str) -> Option<(String, String)> {
    let (before, now) = (fixed_lines(before), fixed_lines(now));
    let length = before.len().max(now.len());
    let line = |lines: &[String], index| lines.get(index).cloned().unwrap_or("nothing".to_owned());
    (0..length)
        .map(|index| (line(&before, index), line(&now, index)))
        .find(|(before, now)| before != now)
}
