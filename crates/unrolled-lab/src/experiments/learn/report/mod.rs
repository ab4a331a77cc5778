//! The sections of a learning run's report, drawn from metrics.csv and results.json.

mod atoms;
mod charts;
mod headline;
mod rows;
mod settings;
mod tables;

use serde::Deserialize;

use super::used::Used;
use crate::Error;
use crate::report::page::Section;
use crate::report::pictures::drawable;
use crate::report::table::escape;
use crate::report::{Figures, Finished, Metrics, ReportedRun, Subject, differences, facts};

/// A run, with the metrics of its directory.
struct Learned<'a> {
    found: &'a Finished,
    run: &'a ReportedRun,
    metrics: &'a Metrics,
    stored: Stored,
    /// Colour and stroke.
    style: (usize, usize),
}

/// What is read of the figures of a run; the names are those of the contract.
#[derive(Deserialize)]
struct Stored {
    failed: Option<String>,
    feature_shape: Option<[usize; 2]>,
    image_shape: Option<[usize; 3]>,
    sample: Option<Sample>,
}

/// The examples that losses were measured on, the same for every run of the same data.
#[derive(Deserialize, PartialEq)]
struct Sample {
    examples: usize,
    /// "validation" or "training".
    of: String,
}

/// Which examples those are, in words.
fn sample(runs: &[Learned]) -> String {
    let samples: Vec<&Sample> = runs.iter().filter_map(|run| run.stored.sample.as_ref()).collect();
    match samples[..] {
        [first, ..] if samples.iter().all(|other| *other == first) => {
            format!("the same {} {} rows", first.examples, escape(&first.of))
        }
        _ => "a fixed sample of the rows of each run".to_owned(),
    }
}

impl Learned<'_> {
    /// A column against the steps; where it is empty, there is no point.
    fn curve(&self, column: &str) -> Vec<(f64, f64)> {
        self.metrics.curve(&self.run.name, column)
    }

    /// Channels, height and width of a row that can be drawn.
    fn shape(&self) -> Option<[usize; 3]> {
        drawable(self.stored.feature_shape, self.stored.image_shape)
    }

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
            runs.push(Learned { found, run, metrics, stored: found.figures(run)?, style });
        }
    }
    let mut sections = Vec::new();
    let mut add = |title: &str, html: String| {
        sections.push(Section { title: title.to_owned(), html });
    };
    let settings: Vec<_> = runs.iter().map(settings::of).collect();
    add("What was learned", facts(&settings) + &differences(subject));
    let tables = [tables::finals(&runs), tables::spread_over_seeds(&runs)].concat();
    add("What came out", headline::of(&runs) + &tables);
    let charts = charts::of(&runs, subject.is_joint(), figures);
    add("As training went on", format!("<div class=\"figures\">\n{charts}</div>\n"));
    let used: Vec<_> = runs.iter().map(used_by).collect::<Result<_, _>>()?;
    let atoms = atoms::of(&runs, &used, figures)?;
    if !atoms.is_empty() {
        add("The atoms", atoms);
    }
    let rows = rows::of(&runs, &used, figures)?;
    if !rows.is_empty() {
        add("Rows and their reconstructions", rows);
    }
    add("What you see", EXPLANATION.to_owned());
    Ok(sections)
}

/// What a run makes of the sample; `None` where it failed.
fn used_by(run: &Learned) -> Result<Option<Used>, Error> {
    match run.stored.failed {
        Some(_) => Ok(None),
        None => Used::read(&run.found.path.join("arrays.safetensors"), &run.run.name),
    }
}

const EXPLANATION: &str = "<p>Every step codes a batch by T unrolled iterations, takes the gradient of \
    the dictionary that the run names, moves the dictionary with the optimiser, and puts its atoms back \
    into their constraint. Loss, reconstruction and code error are those of the step’s batch before \
    it; the dictionary error is that after it. The other figures are taken every so many steps: the \
    losses on the sample, and what else there is on examples of the batch, coded anew.</p>\n\
    <p>The estimators are described in B. Tolooshams and D. Ba, <i>Stable and Interpretable Unrolled \
    Dictionary Learning</i>, Transactions on Machine Learning Research, 2022 (arXiv 2106.00058).</p>\n";
