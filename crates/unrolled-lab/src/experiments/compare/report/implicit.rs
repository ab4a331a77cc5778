//! Unrolled, cut off and implicit side by side: how far each estimator of least squares is from the gradient through the
//! solution, and what it costs.

use super::view::RunView;
use super::words::{at, list};
use super::{chosen, symbol};
use crate::report::Figures;
use crate::report::chart::{Chart, Series};
use crate::report::table::{Cell, escape, number, table, unbroken};

/// The relative error from which on a gradient is called that of the solution.
const NEAR: f64 = 0.01;

/// A section where any run has errors to the implicit gradient.
pub(super) fn section(runs: &[RunView], figures: &mut Figures) -> Option<String> {
    let parts: Vec<String> = runs.iter().filter_map(|run| part(run, figures)).collect();
    (!parts.is_empty()).then(|| {
        format!(
            "{}<p>The implicit gradient is the derivative of the reconstruction ½‖x − D ẑ(D)‖² through the lasso’s \
             code ẑ, by the conditions of optimality. Errors are relative to its norm, times as in the chart of times \
             below.</p>\n",
            parts.concat()
        )
    })
}

fn part(run: &RunView, figures: &mut Figures) -> Option<String> {
    let names = compared(run);
    if names.is_empty() {
        return None;
    }
    let (label, of) = match run.label() {
        "main" => (String::new(), ""),
        label => (format!("<b>{}</b>: ", escape(label)), label),
    };
    let words = format!("<div class=\"finding\">\n<p>{label}{}</p>\n</div>\n", words(run));
    if run.implicit_norm().is_none() {
        return Some(words);
    }
    let chart = figures.add(&against_time(run, &names), of);
    let table = numbers(run, &names);
    Some(format!("{words}<div class=\"figures\">\n{chart}<div>{table}</div></div>\n"))
}

/// The estimators that are held against the implicit gradient.
fn compared<'r>(run: &'r RunView) -> Vec<&'r str> {
    let mut names = run.estimators();
    names.retain(|name| !run.curve(name, "error_to_implicit").is_empty());
    names
}

fn relative(run: &RunView, name: &str, at: usize) -> f64 {
    run.curve(name, "relative_error_to_implicit").get(at).copied().unwrap_or(f64::NAN)
}

/// The position from which on an estimator is near at every T that was looked at.
fn near_from(run: &RunView, name: &str) -> Option<usize> {
    let far = |at: &usize| {
        let error = relative(run, name, *at);
        error.is_nan() || error > NEAR
    };
    let from = (0..=run.last()).rev().find(far).map_or(0, |last_far| last_far + 1);
    (from <= run.last()).then_some(from)
}

/// The findings.
pub(super) fn words(run: &RunView) -> String {
    if run.implicit_norm().is_none() {
        return "The implicit gradient at the lasso’s code ẑ is not a number, or not in every repeat: atoms that ẑ uses \
                depend on each other, so its linear system is singular. Errors to it are not known."
            .to_owned();
    }
    let last = run.last();
    let mut sentences = Vec::new();
    let (near, far): (Vec<&str>, Vec<&str>) =
        compared(run).into_iter().partition(|name| near_from(run, name).is_some());
    let mean = if run.repeats() > 1 { " (means over repeats)" } else { "" };
    if !near.is_empty() {
        let each = near.iter().map(|name| match near_from(run, name) {
            Some(from) if from > 0 => format!("{} from {} on", symbol(name), t(run, from)),
            _ => format!("{} at every T that was looked at", symbol(name)),
        });
        sentences.push(format!(
            "Within 1\u{a0}% of the implicit gradient{mean}: {}.",
            each.collect::<Vec<_>>().join(", ")
        ));
    }
    for name in far {
        let error = relative(run, name, last);
        let why = match (error.is_nan(), kind(name)) {
            (true, _) => continue,
            (_, Kind::Unrolled) => ": these iterations, or those of ẑ, have not converged",
            (_, Kind::CutOff) => ": it goes back through the last iterations only",
            (_, Kind::Implicit) => ": its codes, or ẑ, are not yet the solution",
            (_, Kind::Other) => "",
        };
        sentences.push(format!(
            "{} is {} away from it at {}, the largest T{why}.",
            symbol(name),
            percent(error),
            t(run, last)
        ));
    }
    let first = |wanted| compared(run).into_iter().find(|name| kind(name) == wanted);
    if let (Some(unrolled), Some(implicit)) = (first(Kind::Unrolled), first(Kind::Implicit)) {
        sentences.extend(nearer(run, unrolled, implicit));
        sentences.push(cheaper(run, unrolled, implicit));
    }
    sentences.join(" ")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unrolled,
    CutOff,
    Implicit,
    Other,
}

fn kind(name: &str) -> Kind {
    match name {
        "g_ae_ls" => Kind::Unrolled,
        name if name.starts_with("g_implicit") => Kind::Implicit,
        name if name.starts_with("g_truncated") || name.starts_with("g_one_step") => Kind::CutOff,
        _ => Kind::Other,
    }
}

/// Which of two is the nearer at the same T.
fn nearer(run: &RunView, unrolled: &str, implicit: &str) -> Option<String> {
    let error = |name: &str, at: usize| run.curve(name, "error_to_implicit")[at];
    let where_nearer = |a: &str, b: &str| -> Vec<usize> {
        (0..=run.last()).filter(|at| error(a, *at) < error(b, *at)).collect()
    };
    let sides = [(implicit, unrolled), (unrolled, implicit)];
    let found = sides.map(|(name, other)| (name, where_nearer(name, other)));
    let found = found.iter().filter(|(_, positions)| !positions.is_empty());
    let each: Vec<String> = found
        .map(|(name, positions)| match positions.len() > run.last() {
            true => format!("{} at every T", symbol(name)),
            false => format!("{} at {}", symbol(name), list(run, positions)),
        })
        .collect();
    (!each.is_empty())
        .then(|| format!("At the same T the nearer of the two is {}.", each.join(", ")))
}

/// What each takes to come near, or at the largest T.
fn cheaper(run: &RunView, unrolled: &str, implicit: &str) -> String {
    let [of_unrolled, of_implicit] = [unrolled, implicit].map(|name| near_from(run, name));
    let (us, is) = (symbol(unrolled), symbol(implicit));
    let last = run.last();
    match (of_unrolled, of_implicit) {
        (Some(from), Some(own)) => {
            let ratios = ratios(run, (unrolled, from), (implicit, own));
            format!(
                "To come within 1\u{a0}%, {is} at {} takes {ratios} {us} at {}.",
                t(run, own),
                t(run, from)
            )
        }
        (None, Some(own)) => {
            let ratios = ratios(run, (unrolled, last), (implicit, own));
            format!(
                "{is} at {} takes {ratios} {us} at {}, where that is not within 1\u{a0}%.",
                t(run, own),
                t(run, last)
            )
        }
        (Some(from), None) => {
            let ratios = ratios(run, (unrolled, from), (implicit, last));
            format!(
                "{is} at {}, not within 1\u{a0}% there, takes {ratios} {us} at {}.",
                t(run, last),
                t(run, from)
            )
        }
        (None, None) => {
            let ratios = ratios(run, (unrolled, last), (implicit, last));
            format!("At {}, {is} takes {ratios} {us}.", t(run, last))
        }
    }
}

/// "0.6 times as long (3 ms for 5 ms) and 0.2 times the memory (1 MB for 5 MB) of"
fn ratios(run: &RunView, (them, at): (&str, usize), (us, own): (&str, usize)) -> String {
    let pair = |figure: &str, unit: f64| -> Option<(f64, f64)> {
        let value = |name: &str, at: usize| run.curve(name, figure).get(at).map(|v| v * unit);
        let (ours, theirs) = (value(us, own)?, value(them, at)?);
        (ours.is_finite() && theirs > 0.0).then_some((ours, theirs))
    };
    let [time, memory] =
        [("milliseconds", 1.0, "the time", "ms"), ("peak_bytes", 1e-6, "the memory", "MB")].map(
            |(figure, factor, what, unit)| {
                let (ours, theirs) = pair(figure, factor)?;
                let values =
                    unbroken(&format!("{} against {} {unit}", number(ours), number(theirs)));
                Some(format!("{} times {what} ({values})", number(ours / theirs)))
            },
        );
    let parts: Vec<String> = time.into_iter().chain(memory).collect();
    match parts.is_empty() {
        true => "an unknown share of the time of".to_owned(),
        false => format!("{} of", parts.join(" and ")),
    }
}

fn t(run: &RunView, position: usize) -> String {
    at(run.iterations()[position])
}

fn percent(value: f64) -> String {
    format!("{}\u{a0}%", number(100.0 * value))
}

/// Error against time, at a handful of T: to the left and below is better.
fn against_time<'c>(run: &RunView, names: &[&str]) -> Chart<'c> {
    let positions = chosen(run.iterations());
    let series = names.iter().map(|name| {
        // The colours that they have in the other charts.
        let index = run.estimators().iter().position(|other| other == name).unwrap_or(0);
        let point = |at: &usize| {
            let time = run.curve(name, "milliseconds").get(*at).copied().unwrap_or(f64::NAN);
            (time, relative(run, name, *at))
        };
        let points = positions.iter().map(point).collect();
        Series::new(symbol(name), points, (index, index))
    });
    let run_name = escape(&run.run.name);
    Chart {
        title: "Error to the implicit gradient against time.".to_owned(),
        caption: "Relative error, and milliseconds over all examples, at a handful of T: from one point of a curve to the \
                  next T grows. Nearer is lower, cheaper is to the left."
            .to_owned(),
        numbers: format!(
            "<code>results.json</code>, <code>runs.{run_name}.estimators.NAME.relative_error_to_implicit</code> and \
             <code>…milliseconds</code>"
        ),
        x: "milliseconds",
        y: "relative error",
        log_y: true,
        series: series.collect(),
        marks: Vec::new(),
        level: None,
    }
}

fn numbers(run: &RunView, names: &[&str]) -> String {
    let heads = ["T".to_owned()].into_iter().chain(names.iter().map(|name| symbol(name)));
    let row = |at: &usize| -> Vec<Cell> {
        let errors: Vec<f64> = names.iter().map(|name| relative(run, name, *at)).collect();
        let least = errors.iter().copied().fold(f64::MAX, f64::min);
        let cells = names.iter().zip(&errors).map(|(name, error)| {
            let time = run.curve(name, "milliseconds").get(*at).copied().unwrap_or(f64::NAN);
            let text = match error.is_nan() {
                true => number(f64::NAN),
                false => percent(*error),
            };
            let small = unbroken(&format!("{} ms", number(time)));
            (format!("{text}<br><small>{small}</small>"), *error == least)
        });
        [(run.iterations()[*at].to_string(), false)].into_iter().chain(cells).collect()
    };
    let rows: Vec<Vec<Cell>> = chosen(run.iterations()).iter().map(row).collect();
    table(&heads.collect::<Vec<_>>(), &rows)
}
