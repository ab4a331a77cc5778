//! Which keys of a configuration hold paths. They begin at the folder of the configuration: that is settled once, where
//! the document is read, for every section, run and sweep.

use std::path::Path;

use toml::Value;

/// Keys that hold the path of a file or a folder, wherever they stand.
const PATHS: [&str; 4] = ["path", "train", "validation", "test"];

/// Whether the last part of a dotted key says that it holds a path.
fn holds_path(key: &str) -> bool {
    key.rsplit('.').next().is_some_and(|last| PATHS.contains(&last))
}

/// Makes relative paths in the value under a key begin at a folder.
pub fn anchor(key: &str, value: &mut Value, folder: &Path) {
    match value {
        Value::String(path) if holds_path(key) && !path.is_empty() => {
            *path = folder.join(&*path).to_string_lossy().into_owned();
        }
        Value::Array(values) => values.iter_mut().for_each(|value| anchor(key, value, folder)),
        Value::Table(table) => table.iter_mut().for_each(|(key, value)| anchor(key, value, folder)),
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
        Value::Table(table) => table.iter_mut().for_each(|(key, value)| *value = shown(key, value)),
        _ => {}
    }
    value
}
