//! The sections of a report on the softmax attributor, drawn from results.json, metrics.csv and arrays.safetensors.

mod charts;
mod headline;
mod places;
mod settings;
mod table;

use serde::Deserialize;

use crate::Error;
use crate::report::page::Section;
use crate::report::table::escape;
use crate::report::{Figures, Finished, Metrics, ReportedRun, Subject, differences, facts};

/// A run, with the metrics of its directory.
struct Drawn<'a> {
    found: &'a Finished,
    run: &'a ReportedRun,
    metrics: &'a Metrics,
    stored: Stored,
    /// Colour and stroke.
    style: (usize, usize),
}

/// What is read of the figures of a run.
#[derive(Deserialize)]
struct Stored {
    failed: Option<String>,
    attribution: Option<String>,
    terms: Option<usize>,
    loss: Option<f64>,
    /// The least that shares summing to 1 can reach.
    floor: Option<f64>,
    entropy: Option<f64>,
    largest_share: Option<f64>,
    nonzeros: Option<f64>,
    /// From every mean to the nearest atom.
    distances_to_means: Option<Vec<f64>>,
    std: Option<f64>,
    /// The share of the variance that the plane of the picture shows, where it is not all.
    plane_share: Option<f64>,
}

impl Stored {
    /// The floor, where it is above 0: of shares that can reach everything there is none.
    fn reachable(&self) -> Option<f64> {
        self.floor.filter(|floor| *floor > 1e-12 * self.loss.unwrap_or(1.0))
    }
}

impl Drawn<'_> {
    /// Its name on the page, as HTML.
    fn label(&self) -> String {
        escape(&self.run.label)
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
    add("What came out", headline::of(&runs) + &table::finals(&runs));
    add("The data, and the way of the atoms", places::all(&runs, figures)?);
    let charts = charts::of(&runs, subject.is_joint(), figures);
    add("As training went on", format!("<div class=\"figures\">\n{charts}</div>\n"));
    add("What you see", EXPLANATION.to_owned());
    Ok(sections)
}

const EXPLANATION: &str = "<p>A linear layer gives every atom a score, W x + b; the attribution turns the scores of an \
    example into shares that are 0 or more and sum to 1; the reconstruction is the mean of the atoms with these shares. \
    The loss is the mean of the squares of all entries of x − x̂. D, W and b are trained together.</p>\n\
    <p>Shares that sum to 1 keep every reconstruction in the flat through the atoms: with two atoms, on a line. No such \
    model can do better than the best flat of that dimension, which principal components give: that is the floor. \
    Nothing in the loss asks for atoms at the means of the data, nor for shares that are 0: any two atoms on that line \
    that have the data between them reconstruct as well. An encoder is not bound to the flat, because its codes need not \
    sum to 1; its shares here are |z| over their sum.</p>\n\
    <p>Sparsemax: A. Martins and R. Astudillo, <i>From Softmax to Sparsemax</i>, International Conference on Machine \
    Learning, 2016.</p>\n";
