//! Which files are meant.

use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern, glob_with};

use super::locate::is_readable_name;
use crate::DataError;

/// A file of this name beside shards says that some are still missing.
pub const INCOMPLETE: &str = "codes.unfinished";

/// The file of this name; or the files of a folder that have the ending of a format that is read; or those of which
/// the names fit a pattern with `*`, `?` or `[…]`; hidden ones are not meant. In the order of their names, byte by byte.
pub(super) fn files(path: &Path) -> Result<Vec<PathBuf>, DataError> {
    let none = |what: &str| DataError::NoShards { path: path.to_owned(), what: what.to_owned() };
    let unreadable = |reason: String| DataError::Unreadable { path: path.to_owned(), reason };
    let (mut files, what): (Vec<PathBuf>, _) = if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(|error| unreadable(error.to_string()))?;
        let files = entries.map(|entry| entry.map(|entry| entry.path()));
        let files: Result<Vec<_>, _> = files.collect();
        let files = files.map_err(|error| unreadable(error.to_string()))?;
        let is_meant = |file: &PathBuf| file.is_file() && is_readable_name(file);
        (files.into_iter().filter(is_meant).collect(), "the folder has no such file")
    } else if let Some(pattern) = pattern(path) {
        let options = MatchOptions { require_literal_leading_dot: true, ..MatchOptions::new() };
        let found = glob_with(&pattern, options);
        let found = found.map_err(|error| none(&format!("is no pattern ({error})")))?;
        let found: Result<Vec<_>, _> = found.collect();
        let found = found.map_err(|error| unreadable(error.to_string()))?;
        let found = found.into_iter().filter(|file| file.is_file());
        (found.collect(), "no file has a name like that")
    } else {
        return Ok(vec![path.to_owned()]);
    };
    files.sort();
    if files.is_empty() {
        return Err(none(what));
    }
    match files.iter().map(|file| file.with_file_name(INCOMPLETE)).find(|mark| mark.exists()) {
        None => Ok(files),
        Some(mark) => Err(DataError::Incomplete { mark }),
    }
}

/// A path that begins with what is there, whatever its name, and goes on as a pattern.
fn pattern(path: &Path) -> Option<String> {
    let mut there = PathBuf::new();
    let mut rest = path.components().peekable();
    while let Some(component) = rest.peek() {
        let next = there.join(component);
        if !next.exists() {
            break;
        }
        there = next;
        rest.next();
    }
    let rest: PathBuf = rest.collect();
    let rest = rest.to_string_lossy();
    let is_pattern = rest.contains(['*', '?', '[']);
    let there = Pattern::escape(&there.to_string_lossy());
    is_pattern.then(|| Path::new(&there).join(&*rest).to_string_lossy().into_owned())
}
