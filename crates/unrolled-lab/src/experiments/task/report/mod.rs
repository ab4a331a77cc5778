//! The sections of a report on task-driven runs, drawn from results.json, metrics.csv and arrays.safetensors.

mod atoms;
mod charts;
mod headline;
mod pairs;
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

    fn has_failed(&self) -> bool {
        self.stored.failed.is_some()
    }
}

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
    let settings: Vec<_> = runs.iter().map(settings::of).collect();
    add("What was learned", facts(&settings) + &differences(subject));
    let tables = [tables::finals(&runs), tables::spread_over_seeds(&runs)].concat();
    add("What came out", headline::of(&runs) + &tables);
    let charts = charts::of(&runs, subject.is_joint(), figures);
    add("As training went on", format!("<div class=\"figures\">\n{charts}</div>\n"));
    add("Which class was taken for which", tables::confusions(&runs));
    add("What the task changed in the atoms", atoms::changes(&runs, figures)?);
    add("The atoms", atoms::all(&runs, figures)?);
    add("What you see", EXPLANATION.to_owned());
    Ok(sections)
}

const EXPLANATION: &str = "<p>Every step codes a batch, hands the codes z to a linear model with scores \
    s = z W + b, and takes the gradient of (1 − β) reconstruction + β task. The task is the mean loss of the \
    scores against the labels, with a ridge on W and b. With β = 1 the task alone moves the atoms, through the \
    codes; with β = 0 they are those of the reconstruction, and the linear model learns on their codes. \
    Loss, task loss and accuracy of a step are those of its batch before it. What is held out has no part in \
    training: neither in the start of the dictionary nor in what is done to the rows.</p>\n\
    <p>J. Mairal, F. Bach and J. Ponce, <i>Task-Driven Dictionary Learning</i>, IEEE Transactions on Pattern \
    Analysis and Machine Intelligence, 2012 (arXiv 1009.5358). Q. Bertrand and others, <i>Implicit \
    differentiation for fast hyperparameter selection in non-smooth convex learning</i>, Journal of Machine \
    Learning Research, 2022.</p>\n";
