//! The sections of a report on images, drawn from results.json, metrics.csv and arrays.safetensors.

mod charts;
mod explanation;
mod headline;
mod settings;
mod shown;
mod stored;
mod tables;
mod texture;

use crate::Error;
use crate::report::page::Section;
use crate::report::table::{escape, number};
use crate::report::{Figures, Finished, Metrics, ReportedRun, Subject, differences, facts};
use stored::{Scores, Stored, Tested};

/// A run, with the metrics of its directory.
struct Restoration<'a> {
    found: &'a Finished,
    run: &'a ReportedRun,
    metrics: &'a Metrics,
    /// Its figures, or why it failed.
    outcome: Result<Stored, String>,
    /// Colour and stroke.
    style: (usize, usize),
}

impl Restoration<'_> {
    /// A column against the steps; where it is empty, there is no point.
    fn curve(&self, column: &str) -> Vec<(f64, f64)> {
        self.metrics.curve(&self.run.name, column)
    }

    /// Its name on the page, as HTML.
    fn label(&self) -> String {
        escape(&self.run.label)
    }

    fn tested(&self) -> Option<&Tested> {
        self.outcome.as_ref().ok()?.test.as_ref()
    }

    /// Whether its test is the same as another's: noise and measurement of the same kind on images of the same names.
    fn is_tested_as(&self, other: &Self) -> bool {
        let kind = |run: &Self| -> Vec<(String, String)> {
            let counts = |key: &str| IN_A_TEST.iter().any(|start| key.starts_with(start));
            run.run.settings.iter().filter(|(key, _)| counts(key)).cloned().collect()
        };
        let (Some(a), Some(b)) = (self.tested(), other.tested()) else { return false };
        let names = |test: &Tested| test.images.iter().map(|i| i.name.clone()).collect::<Vec<_>>();
        a.noise == b.noise && names(a) == names(b) && kind(self) == kind(other)
    }
}

/// How the keys begin of which figures of a test depend, beside noise and names of the images.
const IN_A_TEST: [&str; 4] = ["measurement.", "data.source", "data.channels", "data.size"];

/// Runs that are tested alike, in the order of the first of each group.
fn tested_alike<'r, 'a>(runs: &'r [Restoration<'a>]) -> Vec<Vec<&'r Restoration<'a>>> {
    let mut groups: Vec<Vec<&Restoration>> = Vec::new();
    for run in runs.iter().filter(|run| run.tested().is_some()) {
        match groups.iter_mut().find(|group| group[0].is_tested_as(run)) {
            Some(group) => group.push(run),
            None => groups.push(vec![run]),
        }
    }
    groups
}

/// What was given to runs, and what they made of it, in a word each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Words {
    given: &'static str,
    made: &'static str,
}

impl Words {
    fn of(runs: &[&Restoration]) -> Self {
        let kind = |run: &&Restoration| run.run.setting("measurement.kind").map(str::to_owned);
        let mut kinds: Vec<_> = runs.iter().filter_map(kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        match kinds.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["none"] => Self { given: "noisy", made: "denoised" },
            ["mask"] => Self { given: "masked", made: "filled in" },
            ["blur"] => Self { given: "blurred", made: "deblurred" },
            _ => Self { given: "measured", made: "restored" },
        }
    }
}

/// A PSNR, without its unit.
fn decibels(value: Option<f64>) -> String {
    match value {
        Some(value) if value.abs() < 1e4 => format!("{value:.2}").replace('-', "−"),
        value => number(value.unwrap_or(f64::NAN)),
    }
}

/// An SSIM.
fn similarity(value: Option<f64>) -> String {
    match value {
        Some(value) if value.abs() < 10.0 => format!("{value:.3}").replace('-', "−"),
        value => number(value.unwrap_or(f64::NAN)),
    }
}

/// How much a restored image is above what was given.
fn gain(scores: &Scores) -> Option<f64> {
    Some(scores.psnr? - scores.psnr_noisy?)
}

/// All sections.
pub(super) fn sections(subject: &Subject, figures: &mut Figures) -> Result<Vec<Section>, Error> {
    let read = |found: &Finished| Metrics::read(&found.path);
    let metrics = subject.directories.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let mut styles = subject.styles().into_iter();
    let mut runs = Vec::new();
    for (found, metrics) in subject.directories.iter().zip(&metrics) {
        for (run, style) in found.runs.iter().zip(&mut styles) {
            runs.push(Restoration {
                found,
                run,
                metrics,
                outcome: stored::read(found, run)?,
                style,
            });
        }
    }
    let mut sections = Vec::new();
    let mut add = |title: &str, html: String| {
        if !html.is_empty() {
            sections.push(Section { title: title.to_owned(), html });
        }
    };
    let settings: Vec<_> = runs.iter().map(settings::of).collect();
    add("What was run", facts(&settings) + &differences(subject));
    let tables = [tables::finals(&runs), tables::spread_over_seeds(&runs)].concat();
    add("What came out", headline::of(&runs) + &tables);
    add("Images", shown::images(&runs)?);
    add("The filters", shown::filters(&runs, figures)?);
    add("As training went on", charts::of(&runs, subject.is_joint(), figures));
    add("Image by image", tables::by_image(&runs));
    add("What you see", explanation::of(&runs));
    Ok(sections)
}
