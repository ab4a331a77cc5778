//! The settings at the top of a page.

use super::table::escape;

/// A line of settings, each a symbol or name and its value, as text; those of every run. A setting that differs shows
/// its values where they are few.
pub fn facts(runs: &[Vec<(String, String)>]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in runs.iter().flatten() {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let items = names.iter().map(|name| {
        let mut values: Vec<&str> = Vec::new();
        for run in runs {
            let value = run.iter().find(|(other, _)| other == name);
            let value = value.map_or("none", |(_, value)| value.as_str());
            if !values.contains(&value) {
                values.push(value);
            }
        }
        let text = match values.len() {
            0..=4 => values.join(" | "),
            many => format!("{many} values"),
        };
        let class = if text.chars().count() > 40 { " class=\"long\"" } else { "" };
        format!("<li{class}>{}\u{a0}=\u{a0}{}</li>\n", escape(name), escape(&text))
    });
    format!("<ul class=\"facts\">\n{}</ul>\n", items.collect::<String>())
}
