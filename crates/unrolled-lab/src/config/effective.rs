//! Writes the effective configuration.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::variants::Variants;
use super::{Config, Run};

/// The shared values as tables, then the runs as dotted keys, so that what replaced an inline table
/// replaces it again.
///
/// A run may be of another kind in some table than the base is. Then it does not know all of the base's keys: those are
/// left out, and are their defaults again, unless somebody wrote them. So are keys of which the other kind has another
/// default.
pub(super) fn write(
    base: &Config,
    runs: &[Run],
    written: &BTreeSet<String>,
    variants: &Variants,
) -> String {
    let runs: Vec<Table> = runs.iter().map(|run| run.config.table()).collect();
    let changed: BTreeSet<String> = match variants {
        Variants::Single => BTreeSet::new(),
        Variants::Listed(runs) => runs
            .iter()
            .flat_map(|(_, overrides)| overrides.leaves())
            .map(|(path, ..)| path.join("."))
            .collect(),
        Variants::Swept(keys) => keys.iter().map(|(key, ..)| key.clone()).collect(),
    };
    let kept: BTreeSet<String> = written.union(&changed).cloned().collect();
    let mut text = "# The effective configuration: every default is written out.\n".to_owned();
    text.push_str(
        &toml::to_string(&shared("", &base.table(), &runs, [written, &kept]))
            .expect("a table is valid TOML"),
    );
    match variants {
        Variants::Single => {}
        Variants::Listed(runs) => {
            for (name, overrides) in runs {
                text.push_str(&format!("\n[[runs]]\nname = {}\n", Value::from(name.as_str())));
                for (path, value, _) in overrides.leaves() {
                    text.push_str(&format!("{} = {value}\n", path.join(".")));
                }
            }
        }
        Variants::Swept(keys) if keys.is_empty() => {}
        Variants::Swept(keys) => {
            text.push_str("\n[sweep]\n");
            for (key, values, _) in keys {
                text.push_str(&format!("\"{key}\" = {}\n", Value::Array(values.clone())));
            }
        }
    }
    text
}

/// What of a table belongs to all runs: what was written, what every run has, and, but for keys that somebody wrote in a
/// run, has alike.
fn shared(
    path: &str,
    base: &Table,
    runs: &[Table],
    [written, kept]: [&BTreeSet<String>; 2],
) -> Table {
    let entry = |(key, value): (&String, &Value)| {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let is_known = runs.iter().all(|run| run.contains_key(key));
        if !is_known && !written.contains(&path) {
            return None;
        }
        let alike = || runs.iter().all(|run| run.get(key) == Some(value));
        if !value.is_table() && !kept.contains(&path) && !alike() {
            return None;
        }
        let value = match value {
            Value::Table(table) => {
                let of_runs = runs.iter().filter_map(|run| run.get(key)?.as_table().cloned());
                let of_runs: Vec<_> = of_runs.collect();
                Value::Table(shared(&path, table, &of_runs, [written, kept]))
            }
            value => value.clone(),
        };
        Some((key.clone(), value))
    };
    base.iter().filter_map(entry).collect()
}

/// Keys that may change from one part of a run to the next; the arrays of a checkpoint are those of any device.
const MAY_CHANGE: [&str; 4] = ["steps = ", "epochs = ", "checkpoint_every = ", "device = "];

/// The lines of a configuration that stay the same for as long as a run is gone on with: neither comments nor keys that
/// may change.
pub(crate) fn fixed_lines(text: &str) -> Vec<String> {
    let counts = |line: &&str| {
        let fixed = !MAY_CHANGE.iter().any(|key| line.starts_with(key));
        !line.is_empty() && !line.starts_with('#') && fixed
    };
    text.lines().map(str::trim).filter(counts).map(str::to_owned).collect()
}
