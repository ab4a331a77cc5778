//! Unrolled, cut off and implicit side by side: how far each estimator of least squares is from the gradient through the
//! solution, and what it costs.

mod words;

use super::view::RunView;
use super::{chosen, symbol};
use crate::report::Figures;
use crate::report::chart::{Chart, MOST_STROKES, Series};
use crate::report::table::{Cell, escape, number, table, unbroken};

/// A section where any run has errors to the implicit gradient.
pub(super) fn section(runs: &[RunView], figures: &mut Figures) -> Option<String> {
    let runs: Vec<&RunView> = runs.iter().filter(|run| !compared(run).is_empty()).collect();
    if runs.is_empty() {
        return None;
    }
    let findings = runs.iter().map(|run| match run.label() {
        "main" => format!("<p>{}</p>\n", words::of(run)),
        label => format!("<p><b>{}</b>: {}</p>\n", escape(label), words::of(run)),
    });
    let findings: String = findings.collect();
    let known: Vec<&RunView> =
        runs.iter().copied().filter(|run| run.implicit_norm().is_some()).collect();
    let groups: Vec<&[&RunView]> = match known.len() <= MOST_STROKES {
        true => vec![&known[..]],
        false => known.chunks(1).collect(),
    };
    let mut charts = String::new();
    for group in groups {
        // One curve is in the table.
        let chart = against_time(group);
        if chart.series.len() > 1 {
            let of = if group.len() < known.len() { group[0].label() } else { "" };
            charts.push_str(&figures.add(&chart, of));
        }
    }
    let tables: String = known
        .iter()
        .map(|run| match run.label() {
            "main" => numbers(run),
            label => format!("<h3>{}</h3>\n{}", escape(label), numbers(run)),
        })
        .collect();
    Some(format!(
        "<div class=\"finding\">\n{findings}</div>\n<p>The implicit gradient is the derivative of the reconstruction \
         ½‖x − D ẑ(D)‖² through the lasso’s code ẑ, by the conditions of optimality. Errors are relative to its norm; \
         times are those of the charts of time below.</p>\n<div class=\"figures\">\n{charts}<div>\n{tables}</div></div>\n"
    ))
}

/// The estimators that are held against the implicit gradient.
fn compared<'r>(run: &'r RunView) -> Vec<&'r str> {
    let mut names = run.estimators();
    names.retain(|name| !run.curve(name, "error_to_implicit").is_empty());
    names
}

/// A figure of an estimator at a position of T; not a number where there is none.
fn figure(run: &RunView, name: &str, figure: &str, at: usize) -> f64 {
    run.curve(name, figure).get(at).copied().unwrap_or(f64::NAN)
}

fn relative(run: &RunView, name: &str, at: usize) -> f64 {
    figure(run, name, "relative_error_to_implicit", at)
}

fn percent(value: f64) -> String {
    format!("{}\u{a0}%", number(100.0 * value))
}

/// Error against time, at a handful of T: to the left and below is better.
fn against_time<'c>(runs: &[&RunView]) -> Chart<'c> {
    let mut series = Vec::new();
    for (stroke, run) in runs.iter().enumerate() {
        for name in compared(run) {
            // The colours that they have in the other charts.
            let colour = runs[0].estimators().iter().position(|other| *other == name);
            let colour = colour.unwrap_or_else(|| runs[0].estimators().len());
            let points = chosen(run.iterations()).into_iter();
            let points = points
                .map(|at| (figure(run, name, "milliseconds", at), relative(run, name, at)))
                .collect();
            let (label, stroke) = match runs.len() {
                1 => (symbol(name), colour),
                _ => (format!("{}, {}", symbol(name), escape(run.label())), stroke),
            };
            series.push(Series::new(label, points, (colour, stroke)));
        }
    }
    let run = match runs {
        [run] => escape(&run.run.name),
        _ => "RUN".to_owned(),
    };
    Chart {
        title: "Error to the implicit gradient against time.".to_owned(),
        caption: "Relative error, and milliseconds over all examples, at a handful of T: along a curve T grows. Nearer \
                  is lower, cheaper is to the left."
            .to_owned(),
        numbers: format!(
            "<code>results.json</code>, <code>runs.{run}.estimators.NAME.relative_error_to_implicit</code> and \
             <code>….milliseconds</code>"
        ),
        x: "milliseconds",
        y: "relative error",
        log_y: true,
        series,
        marks: Vec::new(),
        level: None,
    }
}

fn numbers(run: &RunView) -> String {
    let names = compared(run);
    let heads = ["T".to_owned()].into_iter().chain(names.iter().map(|name| symbol(name)));
    let row = |at: &usize| -> Vec<Cell> {
        let errors: Vec<f64> = names.iter().map(|name| relative(run, name, *at)).collect();
        let least = errors.iter().copied().fold(f64::MAX, f64::min);
        let cells = names.iter().zip(&errors).map(|(name, error)| {
            let time = number(figure(run, name, "milliseconds", *at));
            let text = if error.is_nan() { number(*error) } else { percent(*error) };
            let small = unbroken(&format!("{time} ms"));
            // The least of one says nothing.
            (format!("{text}<br><small>{small}</small>"), *error == least && names.len() > 1)
        });
        [(run.iterations()[*at].to_string(), false)].into_iter().chain(cells).collect()
    };
    let rows: Vec<Vec<Cell>> = chosen(run.iterations()).iter().map(row).collect();
    table(&heads.collect::<Vec<_>>(), &rows)
}
