//! Runs that differ in the penalty: how errors grow with λ.

use super::{RunView, symbol};
use crate::report::chart::{Chart, Series};
use crate::report::page::Section;
use crate::report::table::{Cell, number, table};

/// A section where at least three penalties were compared at the same T. That all else is alike is the
/// caller's to know.
pub(super) fn section(runs: &[RunView]) -> Option<Section> {
    let mut runs: Vec<&RunView> = runs.iter().collect();
    runs.sort_by(|a, b| a.number("penalty").partial_cmp(&b.number("penalty")).expect("numbers"));
    let penalties: Vec<f64> = runs.iter().filter_map(|run| run.number("penalty")).collect();
    let distinct = penalties.windows(2).all(|pair| pair[0] < pair[1]) && penalties.first()? > &0.0;
    let last = *runs.first()?.iterations().last()?;
    let alike = runs.iter().all(|run| {
        run.iterations().last() == Some(&last) && run.estimators() == runs[0].estimators()
    });
    if runs.len() < 3 || !distinct || !alike || runs[0].reference() != "truth" {
        return None;
    }
    let at_last = |keys: &[&str]| -> Vec<f64> {
        runs.iter().filter_map(|run| run.curve(keys).last().copied()).collect()
    };
    let mut curves = vec![("code error".to_owned(), at_last(&["code_error", "to_truth"]))];
    for name in runs[0].estimators() {
        curves.push((symbol(name), at_last(&["estimators", name, "error_to_truth"])));
    }
    let series = curves.iter().enumerate().map(|(style, (name, curve))| Series {
        name: name.clone(),
        points: penalties.iter().copied().zip(curve.iter().copied()).collect(),
        spread: None,
        // The estimators keep the colours that they have elsewhere.
        style: if style == 0 { 3 } else { style - 1 },
    });
    let chart = Chart {
        caption: ("Error to the truth against the penalty", format!("at T = {last}.")),
        x: "penalty λ",
        y: "error",
        log_y: true,
        series: series.collect(),
        marks: Vec::new(),
    };
    let mut heads = vec!["slope of log error in log λ".to_owned()];
    heads.extend(curves.iter().map(|(name, _)| name.clone()));
    let last_one = penalties.len() - 1;
    // Neighbours, then from each to the largest.
    let neighbours = (1..penalties.len()).map(|i| (i - 1, i));
    let intervals = neighbours.chain((0..last_one - 1).rev().map(|i| (i, last_one)));
    let rows: Vec<Vec<Cell>> = intervals
        .map(|(from, to)| {
            let mut row = vec![(format!("λ {} to {}", penalties[from], penalties[to]), false)];
            row.extend(curves.iter().map(|(_, curve)| {
                let slope = (curve[to] / curve[from]).ln() / (penalties[to] / penalties[from]).ln();
                (number(slope), false)
            }));
            row
        })
        .collect();
    Some(Section {
        title: "How the bias grows with the penalty".to_owned(),
        html: format!(
            "<div class=\"figures\">\n{}<div>{}<p>A slope of 1 means that the error grows in proportion \
             to λ, a slope of 2 that it grows like λ².</p></div></div>\n",
            chart.figure(),
            table(&heads, &rows)
        ),
    })
}
