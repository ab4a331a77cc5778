//! Which files are meant.

use std::path::{Path, PathBuf};

use super::shard::is_readable_name;
use crate::DataError;

/// The file of this name; or the files of a folder that have the ending of a format that is read; or those of which
/// the names fit a pattern with `*`, `?` or `[…]`. In the order of their names, byte by byte.
pub(super) fn files(path: &Path) -> Result<Vec<PathBuf>, DataError> {
    let none = |what: &str| DataError::NoShards { path: path.to_owned(), what: what.to_owned() };
    let unreadable = |reason: String| DataError::Unreadable { path: path.to_owned(), reason };
    let text = path.to_string_lossy();
    let mut files: Vec<PathBuf> = if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(|error| unreadable(error.to_string()))?;
        let files = entries.map(|entry| entry.map(|entry| entry.path()));
        let files: Result<Vec<_>, _> = files.collect();
        let files = files.map_err(|error| unreadable(error.to_string()))?;
        files.into_iter().filter(|file| file.is_file() && is_readable_name(file)).collect()
    } else if !path.exists() && text.contains(['*', '?', '[']) {
        let found = glob::glob(&text).map_err(|error| none(&format!("is no pattern ({error})")))?;
        let found: Result<Vec<_>, _> = found.collect();
        let found = found.map_err(|error| unreadable(error.to_string()))?;
        found.into_iter().filter(|file| file.is_file()).collect()
    } else {
        return Ok(vec![path.to_owned()]);
    };
    files.sort();
    match (files.is_empty(), path.is_dir()) {
        (false, _) => Ok(files),
        (true, true) => Err(none("the folder has no such file")),
        (true, false) => Err(none("no file has a name like that")),
    }
}
