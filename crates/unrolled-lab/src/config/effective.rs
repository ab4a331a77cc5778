//! Writes the effective configuration.

use toml::Value;

use super::Config;
use super::variants::Variants;

/// The shared values as tables, then the runs as dotted keys, so that what replaced an inline table
/// replaces it again.
pub(super) fn write(base: &Config, variants: &Variants) -> String {
    let mut text = "# The effective configuration: every default is written out.\n".to_owned();
    text.push_str(&toml::to_string(&base.table()).expect("a table is valid TOML"));
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
