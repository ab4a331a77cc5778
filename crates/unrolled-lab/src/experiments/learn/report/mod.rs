//! The sections of a learning run's report, drawn from metrics.csv and results.json.

mod charts;
mod headline;
mod settings;
mod tables;

use ndarray::Array2;
use serde::Deserialize;
use unrolled_data::DataError;

use crate::Error;
use crate::report::page::Section;
use crate::report::pictures::{filters, mosaic};
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
    let pictures = pictures(subject, &runs, figures)?;
    if !pictures.is_empty() {
        add("The atoms", pictures);
    }
    add("What you see", EXPLANATION.to_owned());
    Ok(sections)
}

/// The learned atoms of every run whose examples are pictures.
fn pictures(subject: &Subject, runs: &[Learned], figures: &mut Figures) -> Result<String, Error> {
    let mut html = String::new();
    for found in &subject.directories {
        let path = found.path.join("arrays.safetensors");
        let of_directory = runs.iter().filter(|run| std::ptr::eq(run.found, found));
        let shaped: Vec<_> = of_directory
            .filter_map(|run| Some((run, run.stored.feature_shape?)))
            .filter(|(run, _)| run.stored.failed.is_none())
            .collect();
        if shaped.is_empty() {
            continue;
        }
        let damaged = |what: String| Error::damaged(&path, &what);
        for (run, shape) in shaped {
            let mut picture = |array: &str, what: &str, must: bool| -> Result<String, Error> {
                let key = format!("{}/{array}", run.run.name);
                let found = match unrolled_data::read_array(&path, &key) {
                    Err(DataError::Missing { .. }) if !must => return Ok(String::new()),
                    found => found.map_err(|error| damaged(error.to_string()))?,
                };
                let caption = format!(
                    "<b>{}</b>: {what} atoms; zero is grey. Numbers: <code>arrays.safetensors</code>, \
                     <code>{}</code>.",
                    run.label(),
                    escape(&key)
                );
                let (dimensions, values) = found;
                let picture = match dimensions[..] {
                    [_, _, _, _] => filters(&dimensions, &values, &caption),
                    [rows, columns] => Array2::from_shape_vec((rows, columns), values)
                        .map_err(|error| error.to_string())
                        .and_then(|matrix| mosaic(&matrix, shape, &caption)),
                    _ => Err(format!("is of shape {dimensions:?}, not atoms")),
                };
                let picture = picture.map_err(|what| damaged(format!("`{key}` {what}")))?;
                Ok(figures.mosaic(&picture, &key))
            };
            let learned = picture("dictionary", "learned", true)?;
            let truth = picture("true_dictionary", "true", false)?;
            html.push_str(&format!("<div class=\"figures\">\n{learned}{truth}</div>\n"));
        }
    }
    Ok(html)
}

const EXPLANATION: &str = "<p>Every step codes a batch by T unrolled iterations, takes the gradient of \
    the dictionary that the run names, moves the dictionary with the optimiser, and puts its atoms back \
    into their constraint. Loss, reconstruction and code error are those of the step’s batch before \
    it; the dictionary error is that after it. The other figures are taken every so many steps: the \
    losses on the sample, and what else there is on examples of the batch, coded anew.</p>\n\
    <p>The estimators are described in B. Tolooshams and D. Ba, <i>Stable and Interpretable Unrolled \
    Dictionary Learning</i>, Transactions on Machine Learning Research, 2022 (arXiv 2106.00058).</p>\n";
