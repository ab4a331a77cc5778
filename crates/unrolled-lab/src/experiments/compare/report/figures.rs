//! The charts of a run, or of several runs side by side.

use super::view::{Reference, RunView};
use super::{chosen, symbol};
use crate::report::Figures;
use crate::report::chart::{Chart, MOST_STROKES, Series, numbered};
use crate::report::table::escape;

/// What a chart shows of every run.
struct Shown {
    title: &'static str,
    caption: String,
    /// The figure's key in results.json, below the run.
    key: &'static str,
    y: &'static str,
    log_y: bool,
    /// Vertical lines, and a horizontal one.
    marks: Vec<f64>,
    level: Option<f64>,
    /// A curve for each name.
    curves: Vec<String>,
    /// The figure of a name in a run, and its standard deviation.
    figure: fn(&RunView, name: &str, key: &str) -> Curve,
    /// At a handful of T only.
    few: bool,
    /// What one of the file's units is in those of the axis.
    unit: f64,
}

type Curve = (Vec<f64>, Vec<f64>);

fn of_estimator(run: &RunView, name: &str, key: &str) -> Curve {
    let curve = |key: &str| run.curve(name, key).to_vec();
    (curve(key), curve(&format!("{key}_std")))
}

fn of_codes(run: &RunView, name: &str, _: &str) -> Curve {
    let curve = |key: &str| run.code_error(key).to_vec();
    (curve(name), curve(&format!("{name}_std")))
}

/// All charts. Their files are named after what they are `of`.
pub(super) fn charts(runs: &[&RunView], of: &str, figures: &mut Figures) -> String {
    shown(runs)
        .iter()
        .flat_map(|shown| panels(shown, runs))
        .map(|chart| figures.add(&chart, of))
        .collect()
}

fn shown(runs: &[&RunView]) -> Vec<Shown> {
    let alone = match runs {
        [run] => Some(*run),
        _ => None,
    };
    let mut estimators: Vec<String> = Vec::new();
    for name in runs.iter().flat_map(|run| run.estimators()) {
        if !estimators.iter().any(|other| other == name) {
            estimators.push(name.to_owned());
        }
    }
    let repeats = runs.iter().map(|run| run.repeats()).max().unwrap_or(1);
    let band = match alone {
        Some(_) if repeats > 1 => " Bands: one standard deviation over the repeats.",
        _ => "",
    };
    let has_truth = runs.iter().any(|run| run.reference() == Reference::Truth);
    let reference = if has_truth { Reference::Truth } else { Reference::Lasso };
    let error = |of: Reference, what: &str| {
        let marks: Vec<f64> = match alone.filter(|run| run.reference() == of) {
            Some(run) => {
                let crossovers = run.crossovers().iter();
                crossovers.map(|c| (c.last as f64 * c.first as f64).sqrt()).collect()
            }
            None => Vec::new(),
        };
        // The zero gradient is as far away as the reference is long.
        let level = alone.filter(|run| run.reference() == of && exceeds_norm(run));
        let level = level.and_then(|run| run.norm(of));
        let symbol = of.symbol();
        let marked = match marks.is_empty() {
            true => "",
            false => " Dashed vertical line: the closest estimator in the mean changes.",
        };
        let zero = match level {
            None => String::new(),
            Some(_) => format!(
                " Dashed horizontal line: ‖{symbol}‖<sub>F</sub>, the error of the zero gradient; a gradient above \
                 it is farther from {symbol} than that."
            ),
        };
        (format!("‖g − {symbol}‖<sub>F</sub>{what}.{marked}{zero}{band}"), marks, level)
    };
    let plain = |title, caption: String, key, y, log_y| Shown {
        title,
        caption,
        key,
        y,
        log_y,
        marks: Vec::new(),
        level: None,
        curves: estimators.clone(),
        figure: of_estimator,
        few: false,
        unit: 1.0,
    };
    let mut shown = Vec::new();
    if has_truth {
        let (caption, marks, level) = error(Reference::Truth, "");
        let title = "Error to the true gradient.";
        let chart = plain(title, caption, "error_to_truth", "error to the true gradient", true);
        shown.push(Shown { marks, level, ..chart });
    }
    let (caption, marks, level) = error(Reference::Lasso, ", the gradient at the lasso’s code");
    let title = "Error to the lasso gradient.";
    let chart = plain(title, caption, "error_to_lasso", "error to the lasso gradient", true);
    shown.push(Shown { marks, level, ..chart });
    let caption = format!(
        "‖g − g<sub>implicit</sub>(ẑ)‖<sub>F</sub> of the estimators of least squares, to the derivative of the \
         reconstruction through the lasso’s solution ẑ.{band}"
    );
    let title = "Error to the implicit gradient.";
    let y = "error to the implicit gradient";
    shown.push(plain(title, caption, "error_to_implicit", y, true));
    let (caption, curves) = match has_truth {
        true => (
            "Mean over examples of ‖z<sub>T</sub> − ẑ‖ and ‖z<sub>T</sub> − z*‖.",
            vec!["to_lasso".to_owned(), "to_truth".to_owned()],
        ),
        false => ("Mean over examples of ‖z<sub>T</sub> − ẑ‖.", vec!["to_lasso".to_owned()]),
    };
    let caption = format!("{caption}{band}");
    let chart = plain("Error of the codes.", caption, "code_error", "mean distance of codes", true);
    shown.push(Shown { curves, figure: of_codes, ..chart });
    let caption = format!(
        "Cosine of the angle between each gradient and {}; 1 is the same direction.{band}",
        reference.symbol()
    );
    let key = if has_truth { "cosine_to_truth" } else { "cosine_to_lasso" };
    shown.push(plain("Direction.", caption, key, "cosine", false));
    let noise = match (repeats, alone) {
        (1, _) => {
            "Measured once, on a machine that may have had other work: read the trend, not single points.".to_owned()
        }
        (repeats, alone) => format!(
            "Mean of {repeats} repeats{}, on a machine that may have had other work: read the trend, not single points.",
            if alone.is_some() { ", the band one standard deviation" } else { " at most" }
        ),
    };
    let caption = format!(
        "Of each estimator alone at that T, forward pass included, over all examples on the threads of the run; with \
         the fused engine, taken on one block of examples and scaled up. At a handful of T. {noise}"
    );
    let chart = plain("Time.", caption, "milliseconds", "milliseconds", true);
    shown.push(Shown { few: true, ..chart });
    let caption =
        "The peak of each estimator alone on one block of examples, beyond the data.".to_owned();
    let chart = plain("Memory.", caption, "peak_bytes", "megabytes", true);
    shown.push(Shown { unit: 1e-6, ..chart });
    shown
}

/// Whether any error to the reference of the ranking is larger than the reference.
fn exceeds_norm(run: &RunView) -> bool {
    let figure = format!("error_to_{}", run.reference().name());
    run.norm(run.reference()).is_some_and(|norm| {
        run.estimators().iter().any(|name| run.curve(name, &figure).iter().any(|v| *v > norm))
    })
}

/// One chart, or one of each curve where the runs are too many to be told apart by their stroke.
fn panels<'c>(shown: &'c Shown, runs: &[&RunView]) -> Vec<Chart<'c>> {
    let chart = |title: String, series: Vec<Series>| Chart {
        title,
        caption: shown.caption.clone(),
        numbers: numbers(shown, runs),
        x: "iterations T",
        y: shown.y,
        log_y: shown.log_y,
        series,
        marks: shown.marks.clone(),
        level: shown.level,
    };
    let named = runs.len() > 1;
    let series = |(colour, name): (usize, &String), (stroke, run): (usize, &&RunView)| {
        let (curve, spread) = (shown.figure)(run, name, shown.key);
        if curve.is_empty() {
            return None;
        }
        let positions = match shown.few {
            true => chosen(run.iterations()),
            false => (0..curve.len()).collect(),
        };
        let point = |at: &usize| (run.iterations()[*at] as f64, curve[*at] * shown.unit);
        let points = positions.iter().map(point).collect();
        // Many bands hide each other.
        let spread = (!named && !spread.is_empty())
            .then(|| positions.iter().map(|at| spread[*at] * shown.unit).collect());
        let mut label = legend(name);
        if named {
            label = format!("{label}, {}", escape(run.label()));
        }
        let stroke = if named { stroke } else { colour };
        Some(Series { name: label, points, spread, range: None, colour, stroke })
    };
    let each = || runs.iter().enumerate();
    let names = || shown.curves.iter().enumerate();
    if runs.len() <= MOST_STROKES {
        let all: Vec<Series> =
            names().flat_map(|name| each().filter_map(move |run| series(name, run))).collect();
        return if all.is_empty() { Vec::new() } else { vec![chart(shown.title.to_owned(), all)] };
    }
    let of_name = |name: (usize, &String)| {
        let series: Vec<Series> = each()
            .filter_map(|run| {
                let Series { name, points, .. } = series(name, run)?;
                Some(Series::new(name, points, numbered(run.0)))
            })
            .collect();
        let title = format!("{}: {}.", shown.title.trim_end_matches('.'), name.1);
        (!series.is_empty()).then(|| chart(title, series))
    };
    names().filter_map(of_name).collect()
}

fn legend(name: &str) -> String {
    match name {
        "to_lasso" => "to the lasso’s code ẑ".to_owned(),
        "to_truth" => "to the true code z*".to_owned(),
        name => symbol(name),
    }
}

/// Where the numbers of a chart are.
fn numbers(shown: &Shown, runs: &[&RunView]) -> String {
    let run = match runs {
        [run] => escape(&run.run.name),
        _ => "RUN".to_owned(),
    };
    let key = match shown.key {
        "code_error" => "code_error".to_owned(),
        key => format!("estimators.NAME.{key}"),
    };
    let key = format!("<code>results.json</code>, <code>runs.{run}.{key}</code>");
    match runs.len() {
        1 => key,
        _ => format!("{key} of each run"),
    }
}
