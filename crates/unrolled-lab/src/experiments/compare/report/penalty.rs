//! Runs that differ in the penalty: how errors grow with λ.

use super::symbol;
use super::view::{Reference, RunView};
use crate::report::Figures;
use crate::report::chart::{Chart, Series};
use crate::report::table::{Cell, number, table, unbroken};

/// A section where at least three penalties were compared at the same T. That all else is alike is the
/// caller's to know.
pub(super) fn section(runs: &[RunView], figures: &mut Figures) -> Option<String> {
    let mut runs: Vec<(f64, &RunView)> =
        runs.iter().filter_map(|run| Some((run.penalty()?, run))).collect();
    runs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let penalties: Vec<f64> = runs.iter().map(|(penalty, _)| *penalty).collect();
    let distinct = penalties.windows(2).all(|pair| pair[0] < pair[1]) && penalties.first()? > &0.0;
    let first = runs.first()?.1;
    let last = *first.iterations().last()?;
    let alike = runs.iter().all(|(_, run)| {
        run.iterations().last() == Some(&last)
            && run.estimators() == first.estimators()
            && run.reference() == Reference::Truth
            && !run.code_error("to_truth").is_empty()
    });
    if runs.len() < 3 || !distinct || !alike {
        return None;
    }
    let at_last = |figure: &dyn Fn(&RunView) -> f64| -> Vec<f64> {
        runs.iter().map(|(_, run)| figure(run)).collect()
    };
    let code_error = |run: &RunView| run.code_error("to_truth")[run.last()];
    let mut curves = vec![("code error".to_owned(), at_last(&code_error))];
    for name in first.estimators() {
        let error = |run: &RunView| run.error(name, Reference::Truth, run.last()).0;
        curves.push((symbol(name), at_last(&error)));
    }
    let series = curves.iter().enumerate().map(|(index, (name, curve))| {
        // The estimators keep the colours that they have elsewhere.
        let style = if index == 0 { 3 } else { index - 1 };
        let points = penalties.iter().copied().zip(curve.iter().copied()).collect();
        Series::new(name.clone(), points, (style, style))
    });
    let chart = Chart {
        title: "Error to the truth against the penalty".to_owned(),
        caption: format!("at {}.", unbroken(&format!("T = {last}"))),
        numbers: "<code>results.json</code>, the last entries of \
                  <code>runs.RUN.estimators.NAME.error_to_truth</code> and \
                  <code>runs.RUN.code_error.to_truth</code>"
            .to_owned(),
        x: "penalty λ",
        y: "error",
        log_y: true,
        series: series.collect(),
        marks: Vec::new(),
        level: None,
    };
    let mut heads = vec!["slope of log error in log λ".to_owned()];
    heads.extend(curves.iter().map(|(name, _)| name.clone()));
    let last_one = penalties.len() - 1;
    // Neighbours, then from each to the largest.
    let neighbours = (1..penalties.len()).map(|i| (i - 1, i));
    let intervals = neighbours.chain((0..last_one - 1).rev().map(|i| (i, last_one)));
    let rows: Vec<Vec<Cell>> = intervals
        .map(|(from, to)| {
            let between = format!("λ {} to {}", penalties[from], penalties[to]);
            let mut row = vec![(unbroken(&between), false)];
            row.extend(curves.iter().map(|(_, curve)| {
                let slope = (curve[to] / curve[from]).ln() / (penalties[to] / penalties[from]).ln();
                (number(slope), false)
            }));
            row
        })
        .collect();
    Some(format!(
        "<div class=\"figures\">\n{}<div>{}<p>A slope of 1 means that the error grows in proportion \
         to λ, a slope of 2 that it grows like λ².</p></div></div>\n",
        figures.add(&chart, ""),
        table(&heads, &rows)
    ))
}
