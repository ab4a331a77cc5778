//! Writes the effective configuration.

use toml::Value;

use super::Config;
use super::variants::Variants;

/// The first line of every effective configuration: how a run directory is told from another folder.
pub(crate) const HEADER: &str = "# The effective configuration: every default is written out.";

/// The shared values as tables, then the runs as dotted keys, so that what replaced an inline table
/// replaces it again.
pub(super) fn write(base: &Config, variants: &Variants) -> String {
    let mut text = format!("{HEADER}\n");
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
