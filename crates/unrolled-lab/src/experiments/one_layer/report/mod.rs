//! The sections of a report on one layer, drawn from results.json, metrics.csv and arrays.safetensors.

mod charts;
mod grid;
mod groups;
mod headline;
mod pictures;
mod settings;
mod stored;
mod tables;

use crate::Error;
use crate::report::page::Section;
use crate::report::table::escape;
use crate::report::{Figures, Finished, Metrics, ReportedRun, Subject, differences, facts};
use stored::Stored;

/// A run, with the metrics of its directory.
struct Drawn<'a> {
    found: &'a Finished,
    run: &'a ReportedRun,
    metrics: &'a Metrics,
    stored: Stored,
    /// Colour and stroke.
    style: (usize, usize),
}

impl Drawn<'_> {
    /// A column against the steps; where it is empty, there is no point.
    fn curve(&self, column: &str) -> Vec<(f64, f64)> {
        self.metrics.curve(&self.run.name, column)
    }

    /// Its name on the page, as HTML.
    fn label(&self) -> String {
        escape(&self.run.label)
    }

    /// A setting that is a number.
    fn number(&self, key: &str) -> Option<f64> {
        self.run.setting(key)?.parse().ok()
    }
}

/// More runs than this are not listed one by one.
const MOST_LISTED: usize = 40;

/// All sections.
pub(super) fn sections(subject: &Subject, figures: &mut Figures) -> Result<Vec<Section>, Error> {
    let read = |found: &Finished| Metrics::read(&found.path);
    let metrics = subject.directories.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let mut styles = subject.styles().into_iter();
    let mut runs = Vec::new();
    for (found, metrics) in subject.directories.iter().zip(&metrics) {
        for (run, style) in found.runs.iter().zip(&mut styles) {
            runs.push(Drawn { found, run, metrics, stored: found.figures(run)?, style });
        }
    }
    let mut sections = Vec::new();
    let mut add = |title: &str, html: String| {
        if !html.is_empty() {
            sections.push(Section { title: title.to_owned(), html });
        }
    };
    let figure = |html: String| match html.is_empty() {
        true => html,
        false => format!("<div class=\"figures\">\n{html}</div>\n"),
    };
    let settings: Vec<_> = runs.iter().map(settings::of).collect();
    let listed = if runs.len() <= MOST_LISTED { differences(subject) } else { String::new() };
    add("What was learned", facts(&settings) + &listed);
    add("What came out", headline::of(&runs) + &tables::all(&runs));
    add("The basin of attraction", figure(grid::of(&runs, figures)));
    let joint = subject.is_joint();
    add("As training went on", figure(charts::by_step(&runs, joint, figures)));
    add("By a setting", figure(charts::by_setting(&runs, figures)));
    add("Decoding by the threshold", figure(charts::by_threshold(&runs, figures)));
    add("The rows of W", pictures::all(&runs, figures)?);
    add("What you see", EXPLANATION.to_owned());
    Ok(sections)
}

const EXPLANATION: &str = "<p>Data are x = A h with few non-zero h; a layer codes them as z = φ(W x + b) and \
    reconstructs them as D z, where D is Wᵀ unless the output layer is of its own. The distance of a row is \
    ‖w<sub>i</sub>/‖w<sub>i</sub>‖ − a<sub>i</sub>‖ to the atom it started near, from 0 to 2; of rows that \
    started anywhere, to the atom that they are matched to, one to one, whatever the sign. The cosine is that of \
    −∂W with the way from W to Aᵀ, both at right angles to rows that keep norm 1. A row decodes its atom where it is \
    active with the right sign in at least 9 of 10 test examples that hold the atom.</p>\n\
    <p>What a row is at the end is counted so: <i>dead</i>, where it is active in no test example; an <i>atom</i>, where \
    its cosine with one, whatever the sign, is 0.9 or more and no other row is nearer to it; a <i>duplicate</i>, where \
    another is; else a <i>mixture</i>.</p>\n\
    <p>g_noodl and g_unbiased: S. Arora, R. Ge, T. Ma and A. Moitra, <i>Simple, Efficient, and Neural Algorithms for Sparse \
    Coding</i>, Conference on Learning Theory, 2015 (arXiv 1503.00778): the neurally plausible rule, and the unbiased one.</p>\n";
