//! The tables of learning runs.

use super::headline::{Course, digits};
use super::{Learned, sample};
use crate::report::over_seeds;
use crate::report::table::{Cell, number, number_to, table};
use crate::statistics::mean_and_std;

/// The last value of every column that has one, and the best of those that a run is judged by.
pub(super) fn finals(runs: &[Learned]) -> String {
    let columns = [
        ("dictionary_error", "dictionary error"),
        ("dictionary_error_aligned", "after matching"),
        ("sine_distance", "sine distance"),
        ("sample_reconstruction", "reconstruction<br>on the sample"),
        ("sample_lasso", "lasso<br>on the sample"),
        ("objective", "objective<br>on the sample"),
        ("code_error", "code error<br>on the last batch"),
        ("shifted_cosine", "cosine up to<br>shift and sign"),
        ("filters_recovered", "filters<br>recovered"),
        ("support_precision", "support precision"),
        ("support_recall", "support recall"),
        ("nonzeros", "non-zero entries"),
        ("duality_gap_mean", "duality gap"),
        ("dead_atoms", "dead atoms"),
        ("duplicate_atoms", "duplicates"),
    ];
    let last = |run: &Learned, column: &str| run.curve(column).last().map(|point| point.1);
    let written = |value: Option<f64>| match value {
        None => String::new(),
        Some(value) if value.fract() == 0.0 && value.abs() < 1e9 => value.to_string(),
        Some(value) => number(value),
    };
    let mut heads = vec!["run".to_owned(), "steps".to_owned()];
    let mut cells: Vec<Vec<Cell>> = runs
        .iter()
        .map(|run| {
            let steps = written(run.metrics.steps(&run.run.name));
            let failed = if run.stored.failed.is_some() { ", failed" } else { "" };
            vec![(run.label(), false), (format!("{steps}{failed}"), false)]
        })
        .collect();
    for (column, head) in columns {
        let values: Vec<Option<f64>> = runs.iter().map(|run| last(run, column)).collect();
        if values.iter().all(Option::is_none) {
            continue;
        }
        heads.push(head.to_owned());
        for (row, value) in cells.iter_mut().zip(values) {
            let text = match (column, value) {
                ("objective", Some(value)) => number_to(value, digits(column)),
                _ => written(value),
            };
            row.push((text, false));
        }
        if ["dictionary_error", "sample_reconstruction", "sample_lasso", "objective"]
            .contains(&column)
        {
            heads.push("its best<br>(at step)".to_owned());
            for (row, run) in cells.iter_mut().zip(runs) {
                let course = Course::of(run, column);
                let text = course.map(|course| {
                    format!("{} ({})", number_to(course.best, digits(column)), course.step)
                });
                row.push((text.unwrap_or_default(), false));
            }
        }
    }
    let missing: Vec<String> = runs
        .iter()
        .filter(|run| run.metrics.steps(&run.run.name).is_none())
        .map(Learned::label)
        .collect();
    let missing = match missing.is_empty() {
        true => String::new(),
        false => format!("<p>metrics.csv has no rows of {}.</p>\n", missing.join(", ")),
    };
    let measured = heads.iter().any(|head| head.contains("on the sample"));
    let note = match measured {
        true => format!("<p>The sample: {}.</p>\n", sample(runs)),
        false => String::new(),
    };
    [table(&heads, &cells), note, missing].concat()
}

/// Mean and spread of the last figures of runs that differ in the seed alone.
pub(super) fn spread_over_seeds(runs: &[Learned]) -> String {
    let runs: Vec<&Learned> = runs.iter().filter(|run| run.stored.failed.is_none()).collect();
    let pairs: Vec<_> = runs.iter().map(|run| (run.found, run.run)).collect();
    let columns = [
        ("dictionary_error", "dictionary error"),
        ("sample_reconstruction", "reconstruction<br>on the sample"),
        ("sample_lasso", "lasso<br>on the sample"),
        ("objective", "objective<br>on the sample"),
    ];
    let rows: Vec<Vec<Cell>> = over_seeds(&pairs)
        .into_iter()
        .map(|(name, group)| {
            let cells = columns.iter().map(|(column, _)| {
                let last = |at: &usize| runs[*at].curve(column).last().map(|point| [point.1]);
                let values: Vec<[f64; 1]> = group.iter().filter_map(last).collect();
                let curves: Vec<&[f64]> = values.iter().map(|value| value.as_slice()).collect();
                match mean_and_std(&curves) {
                    (mean, Some(std)) => format!("{} ± {}", number(mean[0]), number(std[0])),
                    _ => String::new(),
                }
            });
            let head = [name, group.len().to_string()];
            head.into_iter().chain(cells).map(|text| (text, false)).collect()
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let heads = ["over seeds", "seeds"].into_iter().chain(columns.iter().map(|(_, head)| *head));
    let table = table(&heads.map(str::to_owned).collect::<Vec<_>>(), &rows);
    format!("{table}<p>“±” is the standard deviation over the seeds (n − 1).</p>\n")
}
