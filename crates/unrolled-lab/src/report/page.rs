//! The page around the sections: style, title, how to run it again.

use super::subject::{Finished, Subject};
use super::table::{escape, unbroken};
use crate::words::duration;

/// A part of the page under a heading.
#[derive(Clone, Debug)]
pub struct Section {
    /// The heading, as text.
    pub title: String,
    /// The content, as HTML.
    pub html: String,
}

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub(crate) fn render(kind: &str, subject: &Subject, sections: &[Section]) -> String {
    let name = |found: &Finished| match subject.is_joint() {
        true => found.label.clone(),
        false => found.result("name").unwrap_or_default(),
    };
    let names: Vec<String> = subject.directories.iter().map(name).collect();
    let title = escape(&names.join(", "));
    let count = match subject.directories.len() {
        1 => String::new(),
        count => format!(" of {count} run directories"),
    };
    let parts: String = subject
        .directories
        .iter()
        .map(|found| match subject.is_joint() {
            true => format!("<h3>{}</h3>\n{}", escape(&found.label), how_it_was_run(found)),
            false => how_it_was_run(found),
        })
        .collect();
    let how = Section {
        title: "How it was run".to_owned(),
        html: format!(
            "{parts}\
             <p>To run it again, save a configuration below as <code>again.toml</code> and type \
             <code>unrolled run again.toml --out again</code>. On a CPU the figures come out the same \
             whatever the number of threads; times do not.</p>\n{}",
            configurations(subject)
        ),
    };
    let sections: Vec<Section> = sections.iter().cloned().chain([how]).collect();
    document(&format!("{}{count}", escape(kind)), &title, &sections)
}

/// A page with this look, from its kind and its title, as HTML, and its sections.
pub(crate) fn document(kind: &str, title: &str, sections: &[Section]) -> String {
    let sections: String = sections
        .iter()
        .map(|Section { title, html }| {
            format!("<section><h2>{}</h2>\n{html}</section>\n", escape(title))
        })
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>{title} · unrolled</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <header><p class=\"kind\">{kind}</p><h1>{title}</h1></header>\n{sections}\
         </main>\n</body>\n</html>\n"
    )
}

fn how_it_was_run(found: &Finished) -> String {
    let text = |key: &str| escape(&found.result(key).unwrap_or("?".to_owned()));
    // Runs that differ are listed.
    let of_runs = |key: &str| {
        let mut values: Vec<String> = Vec::new();
        for value in found.runs.iter().filter_map(|run| run.figure(key)) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        if values.is_empty() { text(key) } else { escape(&values.join(", ")) }
    };
    // Not every kind has forms to choose from.
    let form = match found.runs.iter().any(|run| run.figure("form").is_some()) {
        true => format!(" ({} form)", of_runs("form")),
        false => String::new(),
    };
    let seconds = found.results.get("wall_seconds").and_then(serde_json::Value::as_f64);
    format!(
        "<dl><dt>device</dt><dd>{}, {}, {} CPU threads</dd><dt>seed</dt><dd>{}</dd>\
         <dt>engine</dt><dd>{}{form}</dd>\
         <dt>versions</dt><dd>unrolled {}, Burn {}</dd><dt>time</dt><dd>{}</dd></dl>\n",
        of_runs("device"),
        of_runs("precision"),
        text("threads"),
        of_runs("seed"),
        of_runs("engine"),
        text("version"),
        text("burn_version"),
        unbroken(&duration(seconds.unwrap_or(0.0))),
    )
}

fn configurations(subject: &Subject) -> String {
    let of = |found: &Finished| match subject.is_joint() {
        true => format!(" of {}", escape(&found.label)),
        false => String::new(),
    };
    let each = subject.directories.iter().map(|found| {
        format!(
            "<details><summary>The effective configuration{}</summary>\n<pre>{}</pre></details>\n",
            of(found),
            escape(&found.config)
        )
    });
    each.collect()
}
