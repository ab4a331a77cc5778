//! Which keys of a configuration hold paths. They begin at the folder of the configuration: that is settled once, where
//! the document is read, for every section, run and sweep.

use std::path::Path;

use toml::Value;

/// Keys of `[data]` that hold the path of a file or a folder, beside `path`, which does so wherever it stands.
const OF_DATA: [&str; 4] = ["train", "validation", "test", "images"];

/// Whether the last parts of a dotted key say that it holds a path.
fn holds_path(key: &str) -> bool {
    let mut parts = key.rsplit('.');
    match (parts.next(), parts.next()) {
        (Some("path"), _) => true,
        (Some(last), Some("data")) => OF_DATA.contains(&last),
        _ => false,
    }
}

/// The dotted key of a child.
pub fn under(key: &str, child: &str) -> String {
    if key.is_empty() { child.to_owned() } else { format!("{key}.{child}") }
}

/// Makes relative paths in the value under a key begin at a folder.
pub fn anchor(key: &str, value: &mut Value, folder: &Path) {
    match value {
        Value::String(path) if holds_path(key) && !path.is_empty() => {
            *path = folder.join(&*path).to_string_lossy().into_owned();
        }
        Value::Array(values) => values.iter_mut().for_each(|value| anchor(key, value, folder)),
        Value::Table(table) => {
            table.iter_mut().for_each(|(child, value)| anchor(&under(key, child), value, folder))
        }
        _ => {}
    }
}

/// A value as the names of runs show it: of a path, what its file is called.
pub fn shown(key: &str, value: &Value) -> Value {
    let mut value = value.clone();
    match &mut value {
        Value::String(path) if holds_path(key) => {
            if let Some(name) = Path::new(&*path).file_name() {
                *path = name.to_string_lossy().into_owned();
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| *value = shown(key, value)),
        Value::Table(table) => {
            table.iter_mut().for_each(|(child, value)| *value = shown(&under(key, child), value));
        }
        _ => {}
    }
    value
}
