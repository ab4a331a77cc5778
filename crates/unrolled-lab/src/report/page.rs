//! The page around the sections: style, title, how to run it again.

use serde_json::Value;

use super::table::escape;
use crate::words::duration;

/// A part of the page under a heading.
#[derive(Clone, Debug)]
pub struct Section {
    /// The heading, as text.
    pub title: String,
    /// The content, as HTML.
    pub html: String,
}

/// What one run directory contributes.
pub struct Part {
    pub sections: Vec<Section>,
    pub config: String,
    pub results: Value,
}

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub(crate) fn render(parts: &[Part]) -> String {
    let text = |part: &Part, key: &str| part.results[key].as_str().unwrap_or("?").to_owned();
    let names: Vec<String> = parts.iter().map(|part| text(part, "name")).collect();
    let title = escape(&names.join(", "));
    let mut body = String::new();
    for part in parts {
        let experiment = escape(&text(part, "experiment"));
        let name = escape(&text(part, "name"));
        body.push_str(&format!(
            "<header><p class=\"kind\">{experiment}</p><h1>{name}</h1></header>\n"
        ));
        for section in &part.sections {
            body.push_str(&format!(
                "<section><h2>{}</h2>\n{}</section>\n",
                escape(&section.title),
                section.html
            ));
        }
        body.push_str(&how_it_was_run(part));
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>{title} · unrolled</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         {body}</main>\n</body>\n</html>\n"
    )
}

fn how_it_was_run(part: &Part) -> String {
    let text = |key: &str| match &part.results[key] {
        Value::String(text) => escape(text),
        other => other.to_string(),
    };
    // Runs that differ are listed.
    let of_runs = |key: &str| {
        let runs = part.results["runs"].as_object().into_iter().flatten();
        let mut values: Vec<String> = runs
            .map(|(_, run)| match &run[key] {
                Value::String(text) => escape(text),
                other => other.to_string(),
            })
            .filter(|value| value != "null")
            .collect();
        values.dedup();
        if values.is_empty() { text(key) } else { values.join(", ") }
    };
    let seconds = part.results["wall_seconds"].as_f64().unwrap_or(0.0);
    format!(
        "<section><h2>How it was run</h2>\n\
         <dl><dt>device</dt><dd>{}, {}, {} CPU threads</dd><dt>seed</dt><dd>{}</dd>\
         <dt>engine</dt><dd>{} ({} form)</dd>\
         <dt>versions</dt><dd>unrolled {}, Burn {}</dd><dt>time</dt><dd>{}</dd></dl>\n\
         <p>To run it again, save the text below as <code>again.toml</code> and type \
         <code>unrolled run again.toml --out again</code>. On a CPU the figures come out the same \
         whatever the number of threads; times do not.</p>\n\
         <details><summary>The effective configuration</summary>\n<pre>{}</pre></details></section>\n",
        of_runs("device"),
        of_runs("precision"),
        text("threads"),
        of_runs("seed"),
        of_runs("engine"),
        of_runs("form"),
        text("version"),
        text("burn_version"),
        duration(seconds),
        escape(&part.config),
    )
}
