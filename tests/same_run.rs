//! What "the same run" means: everything but times.

use std::path::Path;

use serde_json::Value;

/// Results without what may differ between two runs: times, and the number of threads.
pub fn timeless(mut results: Value) -> Value {
    fn strip(value: &mut Value) {
        if let Value::Object(map) = value {
            map.retain(|key, _| !key.starts_with("milliseconds") && key != "seconds");
            map.values_mut().for_each(strip);
        }
    }
    strip(&mut results);
    if let Value::Object(map) = &mut results {
        map.remove("wall_seconds");
        map.remove("threads");
    }
    results
}

/// Where two results differ, a line each.
pub fn differing(a: &Value, b: &Value) -> Vec<String> {
    fn differences(path: &str, a: &Value, b: &Value, found: &mut Vec<String>) {
        match (a, b) {
            (Value::Object(x), Value::Object(y)) if x.len() == y.len() => {
                for (key, value) in x {
                    differences(&format!("{path}.{key}"), value, &y[key], found);
                }
            }
            _ if a != b => found.push(format!("{path}: {a} and {b}")),
            _ => {}
        }
    }
    let mut found = Vec::new();
    differences("", a, b, &mut found);
    found
}

/// A table without its columns of times.
fn timeless_table(text: &str) -> Vec<Vec<String>> {
    let head = cells(text.lines().next().unwrap_or_default());
    let is_time = |at: usize| {
        head.get(at).is_some_and(|column| column.contains("milliseconds") || column == "seconds")
    };
    let row = |line: &str| {
        let cells = cells(line).into_iter().enumerate().filter(|(at, _)| !is_time(*at));
        cells.map(|(_, cell)| cell).collect()
    };
    text.lines().map(row).collect()
}

/// The cells of a line; in quotation marks a comma is one of the text.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        quoted ^= c == '"';
        match cells.last_mut() {
            Some(cell) if c != ',' || quoted => cell.push(c),
            _ => cells.push(String::new()),
        }
    }
    cells
}

/// Why two run directories do not hold the same run; `None` where they do.
pub fn differences(a: &Path, b: &Path) -> Option<String> {
    let both = |name: &str| [a, b].map(|folder| std::fs::read(folder.join(name)).ok());
    let [x, y] = both("arrays.safetensors");
    if x != y {
        return Some("arrays.safetensors differs".to_owned());
    }
    let [x, y] = both("metrics.csv")
        .map(|bytes| timeless_table(&String::from_utf8_lossy(&bytes.unwrap_or_default())));
    if x != y {
        let row = x.iter().zip(&y).position(|(x, y)| x != y);
        return Some(format!("metrics.csv differs at row {row:?} of {} and {}", x.len(), y.len()));
    }
    let [x, y] = both("results.json").map(|bytes| {
        serde_json::from_slice(&bytes.unwrap_or_default()).map_or(Value::Null, timeless)
    });
    let found = differing(&x, &y);
    (x.is_null() || !found.is_empty())
        .then(|| format!("results.json differs: {}", found.join("; ")))
}
