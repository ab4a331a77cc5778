//! What must not be overlooked: gradients that are no numbers, codes that are not solved.

use super::symbol;
use super::view::{Reference, RunView};
use super::words::{at, list};
use crate::report::table::number;

/// Which gradients are no numbers, where, and why.
pub(super) fn not_numbers(run: &RunView) -> String {
    let of_estimator = |name: &str| {
        let is_nan = |at: &usize| run.error(name, Reference::Lasso, *at).0.is_nan();
        let positions: Vec<usize> = (0..=run.last()).filter(is_nan).collect();
        let symbol = symbol(name);
        match positions.is_empty() {
            true => String::new(),
            false if name.starts_with("g_implicit") => format!(
                " {symbol} is not a number at {}: atoms that a code uses there depend on each other, so its linear \
                 system is singular.",
                list(run, &positions)
            ),
            false => format!(" {symbol} is not a number at {}.", list(run, &positions)),
        }
    };
    run.estimators().into_iter().map(of_estimator).collect()
}

/// A mean of counts.
fn count(mean: f64) -> String {
    format!("{mean:.1}").trim_end_matches(".0").to_owned()
}

/// Where a solver has not solved all codes.
pub(super) fn unsolved(run: &RunView) -> String {
    let unsolved = run.unsolved();
    let tolerance = match run.run.setting("encoder.tolerance").and_then(|t| t.parse().ok()) {
        Some(tolerance) => format!("a tolerance of {}", number(tolerance)),
        None => "the tolerance".to_owned(),
    };
    let positions: Vec<usize> = (0..unsolved.len()).filter(|at| unsolved[*at] > 0.0).collect();
    let Some(last) = positions.last() else {
        return match unsolved.is_empty() {
            true => String::new(),
            false => format!(" All codes are solved to {tolerance} at every T that was looked at."),
        };
    };
    let of = run.examples().map_or(String::new(), |examples| format!(" of {examples}"));
    let mean = if run.repeats() > 1 { ", in the mean over repeats," } else { "" };
    format!(
        " Not all codes are solved to {tolerance} at {}: at {}, {}{of} examples{mean} are not, and gradients there are \
         not those of the solution.",
        list(run, &positions),
        at(run.iterations()[*last]),
        count(unsolved[*last])
    )
}
