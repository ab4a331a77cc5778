//! The charts of one run.

use super::{RunView, symbol};
use crate::report::chart::{Chart, Series};

/// All charts of a run with several T.
pub(super) fn charts(run: &RunView) -> String {
    let iterations = run.iterations();
    let marks: Vec<f64> = run.value["ranking"]["crossovers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|c| Some((c["last"].as_f64()? * c["first"].as_f64()?).sqrt()))
        .collect();
    let points = |curve: &[f64]| -> Vec<(f64, f64)> {
        iterations.iter().zip(curve).map(|(t, v)| (*t as f64, *v)).collect()
    };
    let series = |name: String, keys: &[&str], style: usize| -> Option<Series> {
        let curve = run.curve(keys);
        let (last, parents) = keys.split_last()?;
        let spread_key = format!("{last}_std");
        let mut spread_keys = parents.to_vec();
        spread_keys.push(&spread_key);
        let spread = run.curve(&spread_keys);
        (!curve.is_empty()).then(|| Series {
            name,
            points: points(&curve),
            spread: (!spread.is_empty()).then_some(spread),
            style,
        })
    };
    let of_estimators = |figure: &str| -> Vec<Series> {
        let estimators = run.estimators();
        let each = estimators.iter().enumerate();
        each.filter_map(|(style, name)| series(symbol(name), &["estimators", name, figure], style))
            .collect()
    };
    let repeats = run.number("repeats").unwrap_or(1.0);
    let band = if repeats > 1.0 { " Bands: one standard deviation over the repeats." } else { "" };
    let marked = match (marks.is_empty(), run.reference()) {
        (true, _) => String::new(),
        (false, _) => " Dashed vertical line: the closest estimator changes.".to_owned(),
    };
    let iterations_label = "iterations T";
    let mut html = String::new();
    let mut chart =
        |title: &str, rest: String, y: &str, log_y, series: Vec<Series>, marks: &[f64]| {
            if series.is_empty() {
                return;
            }
            let chart = Chart {
                caption: (title, rest),
                x: iterations_label,
                y,
                log_y,
                series,
                marks: marks.to_vec(),
            };
            html.push_str(&chart.figure());
        };
    let truth_marks: &[f64] = if run.reference() == "truth" { &marks } else { &[] };
    let lasso_marks: &[f64] = if run.reference() == "lasso" { &marks } else { &[] };
    let note = |marks: &[f64]| {
        if marks.is_empty() { "" } else { marked.as_str() }
    };
    chart(
        "Error to the true gradient.",
        format!("‖g − g*‖<sub>F</sub>.{}{band}", note(truth_marks)),
        "error to the true gradient",
        true,
        of_estimators("error_to_truth"),
        truth_marks,
    );
    chart(
        "Error to the lasso gradient.",
        format!(
            "‖g − ĝ‖<sub>F</sub>, the gradient at the lasso’s code.{}{band}",
            note(lasso_marks)
        ),
        "error to the lasso gradient",
        true,
        of_estimators("error_to_lasso"),
        lasso_marks,
    );
    let codes = [
        series("to the lasso’s code ẑ".to_owned(), &["code_error", "to_lasso"], 0),
        series("to the true code z*".to_owned(), &["code_error", "to_truth"], 1),
    ];
    chart(
        "Error of the codes.",
        format!("Mean over examples of ‖z<sub>T</sub> − ẑ‖ and ‖z<sub>T</sub> − z*‖.{band}"),
        "mean distance of codes",
        true,
        codes.into_iter().flatten().collect(),
        &[],
    );
    let (cosine, to) = match run.reference() {
        "truth" => ("cosine_to_truth", "g*"),
        _ => ("cosine_to_lasso", "ĝ"),
    };
    chart(
        "Direction.",
        format!(
            "Cosine of the angle between each gradient and {to}; 1 is the same direction.{band}"
        ),
        "cosine",
        false,
        of_estimators(cosine),
        &[],
    );
    chart(
        "Time.",
        "Of each estimator alone at that T, forward pass included, over all examples on the threads of \
         this run; with the fused engine, taken on one block of examples and scaled up."
            .to_owned(),
        "milliseconds",
        true,
        of_estimators("milliseconds"),
        &[],
    );
    let megabytes = of_estimators("peak_bytes").into_iter().map(|mut series| {
        series.points.iter_mut().for_each(|point| point.1 /= 1e6);
        series.spread = None;
        series
    });
    chart(
        "Memory.",
        "The peak of each estimator alone on one block of examples, beyond the data.".to_owned(),
        "megabytes",
        true,
        megabytes.collect(),
        &[],
    );
    html
}
