//! The sections of a learning run's report, drawn from metrics.csv and results.json.

use serde_json::Value;

use crate::report::chart::{Chart, Series};
use crate::report::page::Section;
use crate::report::pictures::mosaic;
use crate::report::table::{Cell, escape, number, table};
use crate::run_directory::FAILED;
use crate::statistics::mean_and_std;
use crate::{Error, RunDirectory};

/// metrics.csv: the columns of every run.
struct Metrics {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Metrics {
    fn read(directory: &RunDirectory) -> Result<Self, Error> {
        let path = directory.path().join("metrics.csv");
        let mut reader =
            csv::Reader::from_path(&path).map_err(|error| Error::reading(&path, &error))?;
        let headers = reader.headers().map_err(|error| Error::reading(&path, &error))?;
        let columns = headers.iter().map(str::to_owned).collect();
        let rows = reader
            .records()
            .flatten()
            .map(|record| record.iter().map(str::to_owned).collect())
            .collect();
        Ok(Self { columns, rows })
    }

    /// The names of the runs, in the order they come.
    fn runs(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for row in &self.rows {
            if names.last() != Some(&row[0].as_str()) && !names.contains(&row[0].as_str()) {
                names.push(&row[0]);
            }
        }
        names
    }

    /// A column of a run against its steps; where it is empty, there is no point.
    fn curve(&self, run: &str, column: &str) -> Vec<(f64, f64)> {
        let Some(index) = self.columns.iter().position(|name| name == column) else {
            return Vec::new();
        };
        let rows = self.rows.iter().filter(|row| row[0] == run);
        rows.filter_map(|row| Some((row[1].parse().ok()?, row[index].parse().ok()?))).collect()
    }
}

/// More points than this are not told apart on a chart.
const MOST_POINTS: usize = 400;

fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let every = points.len().div_ceil(MOST_POINTS).max(1);
    let last = points.len().saturating_sub(1);
    let keep = |index: usize| index.is_multiple_of(every) || index == last;
    points.into_iter().enumerate().filter(|(index, _)| keep(*index)).map(|(_, p)| p).collect()
}

/// Column, title, rest of the caption, axis, logarithmic.
const CHARTS: [(&str, &str, &str, &str, bool); 9] = [
    (
        "dictionary_error",
        "Dictionary error.",
        "‖D* − D‖<sub>F</sub>/‖D*‖<sub>F</sub>, atoms compared as they stand.",
        "relative dictionary error",
        true,
    ),
    ("loss", "Loss.", "The loss that each run descends, on the batch of the step.", "loss", true),
    (
        "reconstruction",
        "Reconstruction.",
        "½ mean ‖x − D z‖² on the batch.",
        "reconstruction",
        true,
    ),
    ("code_error", "Code error.", "Mean ‖z<sub>T</sub> − z*‖ on the batch.", "code error", true),
    ("validation_loss", "Validation loss.", "The loss on the examples held out.", "loss", true),
    (
        "dictionary_error_aligned",
        "Dictionary error after matching.",
        "Atoms matched to the true ones, one to one, signs free.",
        "relative dictionary error",
        true,
    ),
    (
        "duality_gap_mean",
        "Optimality of the codes.",
        "Mean relative duality gap of the lasso; 0 is its solution.",
        "relative duality gap",
        true,
    ),
    (
        "nonzeros",
        "Sparsity.",
        "Mean number of non-zero entries of a code.",
        "non-zero entries",
        false,
    ),
    (
        "dead_atoms",
        "Dead atoms.",
        "Atoms that no code has used since the last measurement.",
        "atoms",
        false,
    ),
];

/// All sections.
pub(super) fn sections(results: &Value, directory: &RunDirectory) -> Result<Vec<Section>, Error> {
    let metrics = Metrics::read(directory)?;
    let runs = metrics.runs();
    let mut charts = String::new();
    for (column, title, rest, axis, log_y) in CHARTS {
        let curves = runs.iter().enumerate().map(|(style, run)| Series {
            name: escape(run),
            points: thinned(metrics.curve(run, column)),
            spread: None,
            style,
        });
        let series: Vec<Series> = curves.filter(|series| !series.points.is_empty()).collect();
        let flat = series.iter().flat_map(|s| &s.points).all(|point| point.1 == 0.0);
        if series.is_empty() || flat {
            continue;
        }
        let caption = (title, rest.to_owned());
        let chart = Chart { caption, x: "step", y: axis, log_y, series, marks: Vec::new() };
        charts.push_str(&chart.figure());
    }
    let mut sections = vec![
        Section {
            title: "What came out".to_owned(),
            html: format!(
                "{}{}{}",
                finding(results, &runs),
                finals(&metrics, &runs),
                spread_over_seeds(&metrics, &runs)
            ),
        },
        Section {
            title: "As training went on".to_owned(),
            html: format!("<div class=\"figures\">\n{charts}</div>\n"),
        },
    ];
    let pictures = pictures(results, directory);
    if !pictures.is_empty() {
        sections.push(Section { title: "The atoms".to_owned(), html: pictures });
    }
    let title = "What you see".to_owned();
    sections.push(Section { title, html: EXPLANATION.to_owned() });
    Ok(sections)
}

/// The learned atoms of every run whose examples are pictures.
fn pictures(results: &Value, directory: &RunDirectory) -> String {
    let runs = results["runs"].as_object().into_iter().flatten();
    runs.filter_map(|(name, run)| {
        let side = |index: usize| run["feature_shape"][index].as_u64().map(|side| side as usize);
        let shape = [side(0)?, side(1)?];
        let path = directory.path().join("arrays.safetensors");
        let read = |array: &str| unrolled_data::read_matrix(&path, &format!("{name}/{array}")).ok();
        let caption = |what: &str| format!("<b>{}</b>: {what} atoms; zero is grey.", escape(name));
        let learned = mosaic(&read("dictionary")?, shape, &caption("learned"));
        let truth = read("true_dictionary").map(|atoms| mosaic(&atoms, shape, &caption("true")));
        Some(format!("<div class=\"figures\">\n{learned}{}</div>\n", truth.unwrap_or_default()))
    })
    .collect()
}

const EXPLANATION: &str = "<p>Every step codes a batch by T unrolled iterations, takes the gradient of \
    the dictionary that the run names, moves the dictionary with the optimiser, and puts its atoms back \
    into their constraint. Loss, reconstruction and code error are those of the step’s batch before \
    it; the dictionary error is that after it. The other figures are taken every so many steps, on \
    examples of the batch coded anew.</p>\n\
    <p>The estimators are described in B. Tolooshams and D. Ba, <i>Stable and Interpretable Unrolled \
    Dictionary Learning</i>, Transactions on Machine Learning Research, 2022 (arXiv 2106.00058).</p>\n";

fn finding(results: &Value, runs: &[&str]) -> String {
    let failed = results["runs"].as_object().into_iter().flatten();
    let failed: Vec<String> = failed
        .filter_map(|(name, run)| Some((name, run[FAILED].as_str()?)))
        .map(|(name, why)| {
            let why = why.strip_prefix(&format!("run `{name}`: ")).unwrap_or(why);
            format!("<p><b>{}</b> failed: {}.</p>\n", escape(name), escape(why))
        })
        .collect();
    let done = results["runs"].as_object().map_or(0, |runs| runs.len() - failed.len());
    let mut unfinished = failed.concat();
    if runs.len() > done {
        unfinished += "<p>Not every run has come to its end: these are the figures so far.</p>\n";
    }
    let errors: Vec<(&str, f64)> = runs
        .iter()
        .filter_map(|run| Some((*run, results["runs"][run]["dictionary_error"]["final"].as_f64()?)))
        .collect();
    let best = errors.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    let sentence = match (best, errors.len()) {
        (None, _) => String::new(),
        (Some((_, error)), 1) => {
            format!("<p>The dictionary ends at a relative error of {}.</p>\n", number(*error))
        }
        (Some((run, error)), _) => format!(
            "<p>The dictionary closest to the truth is that of <b>{}</b>, at a relative error of {}.</p>\n",
            escape(run),
            number(*error)
        ),
    };
    match (unfinished.as_str(), sentence.as_str()) {
        ("", "") => String::new(),
        _ => format!("<div class=\"finding\">\n{unfinished}{sentence}</div>\n"),
    }
}

/// The last value of every column that has one.
fn finals(metrics: &Metrics, runs: &[&str]) -> String {
    let columns = [
        ("step", "steps"),
        ("loss", "loss"),
        ("reconstruction", "reconstruction"),
        ("code_error", "code error"),
        ("dictionary_error", "dictionary error"),
        ("dictionary_error_aligned", "after matching"),
        ("sine_distance", "sine distance"),
        ("support_precision", "support precision"),
        ("support_recall", "support recall"),
        ("nonzeros", "non-zero entries"),
        ("duality_gap_mean", "duality gap"),
        ("validation_loss", "validation loss"),
        ("dead_atoms", "dead atoms"),
        ("duplicate_atoms", "duplicates"),
    ];
    let last = |run: &str, column: &str| metrics.curve(run, column).last().map(|point| point.1);
    let shown: Vec<_> = columns
        .into_iter()
        .filter(|(c, _)| runs.iter().any(|run| last(run, c).is_some()))
        .collect();
    let heads: Vec<String> = std::iter::once("run")
        .chain(shown.iter().map(|(_, head)| *head))
        .map(str::to_owned)
        .collect();
    let rows: Vec<Vec<Cell>> = runs
        .iter()
        .map(|run| {
            let name = std::iter::once((escape(run), false));
            let cells = shown.iter().map(|(column, _)| {
                let text = match last(run, column) {
                    None => String::new(),
                    Some(value) if value.fract() == 0.0 && value.abs() < 1e9 => value.to_string(),
                    Some(value) => number(value),
                };
                (text, false)
            });
            name.chain(cells).collect()
        })
        .collect();
    table(&heads, &rows)
}

/// Mean and spread of the last figures of runs that differ in the seed alone, as a sweep names them.
fn spread_over_seeds(metrics: &Metrics, runs: &[&str]) -> String {
    let without_seed = |run: &str| -> String {
        let parts = run.split(',').filter(|part| !part.starts_with("seed="));
        parts.collect::<Vec<_>>().join(",")
    };
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for run in runs.iter().filter(|run| run.contains("seed=")) {
        let name = without_seed(run);
        match groups.iter_mut().find(|(other, _)| *other == name) {
            Some((_, members)) => members.push(run),
            None => groups.push((name, vec![run])),
        }
    }
    let columns = [("dictionary_error", "dictionary error"), ("loss", "loss")];
    let rows: Vec<Vec<Cell>> = groups
        .iter()
        .filter(|(_, members)| members.len() > 1)
        .map(|(name, members)| {
            let name = if name.is_empty() { "all" } else { name };
            let cells = columns.iter().map(|(column, _)| {
                let last = |run: &&str| metrics.curve(run, column).last().map(|point| [point.1]);
                let values: Vec<[f64; 1]> = members.iter().filter_map(last).collect();
                let curves: Vec<&[f64]> = values.iter().map(|value| value.as_slice()).collect();
                match mean_and_std(&curves) {
                    (mean, Some(std)) => format!("{} ± {}", number(mean[0]), number(std[0])),
                    _ => String::new(),
                }
            });
            let head = [escape(name), members.len().to_string()];
            head.into_iter().chain(cells).map(|text| (text, false)).collect()
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let heads = ["over seeds", "seeds"].into_iter().chain(columns.iter().map(|(_, head)| *head));
    table(&heads.map(str::to_owned).collect::<Vec<_>>(), &rows)
}
