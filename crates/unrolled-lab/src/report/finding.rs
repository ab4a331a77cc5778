//! What came out, in a box of sentences.

use super::ReportedRun;
use super::table::escape;

/// The sentences in a box; nothing where there is nothing to say.
pub fn finding(sentences: &[String]) -> String {
    match sentences.concat() {
        nothing if nothing.is_empty() => nothing,
        sentences => format!("<div class=\"finding\">\n{sentences}</div>\n"),
    }
}

/// Runs that failed, and why.
pub fn failures<'a>(failed: impl Iterator<Item = (&'a ReportedRun, &'a str)>) -> String {
    let sentence = |(run, why): (&ReportedRun, &'a str)| {
        let why = why.strip_prefix(&format!("run `{}`: ", run.name)).unwrap_or(why);
        format!("<p><b>{}</b> failed: {}.</p>\n", escape(&run.label), escape(why))
    };
    let mut text: String = failed.map(sentence).collect();
    if !text.is_empty() {
        text += "<p>Not every run has come to its end: these are the figures so far.</p>\n";
    }
    text
}
