//! What came out, in words.

use super::numbers::spread;
use super::view::{Reference, RunView};
use super::{symbol, trouble};
use crate::experiments::compare::ranges::ranges;
use crate::experiments::compare::ranking::{Crossover, apart};
use crate::report::table::{escape, number, unbroken};

/// The findings of all runs.
pub(super) fn findings(runs: &[RunView]) -> String {
    let sentences: String = runs
        .iter()
        .map(|run| match run.label() {
            "main" => format!("<p>{}</p>\n", finding(run)),
            label => format!("<p><b>{}</b>: {}</p>\n", escape(label), finding(run)),
        })
        .collect();
    let repeated = match runs.iter().any(|run| run.repeats() > 1) {
        true => {
            "“±” is the standard deviation over the repeats (n − 1); what differs by no more than both deviations \
             together, or not in every repeat, is within the spread over repeats."
        }
        false => "Of one repeat: how much the figures vary with the draw of the data is not known.",
    };
    format!(
        "<div class=\"finding\">\n{sentences}</div>\n<p>{repeated} These are findings about the settings above, \
         not laws: which estimator is closest depends on how far the dictionary is from the truth, on \
         the penalty and on the number of iterations.</p>\n"
    )
}

fn finding(run: &RunView) -> String {
    let (reference, last) = (run.reference(), run.last());
    let target = match reference {
        Reference::Truth => "the true gradient",
        Reference::Lasso => "the lasso gradient",
    };
    let at_last = |name: &str| run.error(name, reference, last);
    let mut order = run.estimators();
    order.retain(|name| !at_last(name).0.is_nan());
    order.sort_by(|a, b| at_last(a).0.total_cmp(&at_last(b).0));
    let repeats = run.repeats();
    let listed: Vec<String> = order
        .iter()
        .map(|name| {
            let (mean, std) = at_last(name);
            let std = if repeats > 1 { format!(" ± {}", spread(std)) } else { String::new() };
            unbroken(&format!("{} {}{std}", symbol(name), number(mean)))
        })
        .collect();
    let at_end = at(run.iterations()[last]);
    let mut text = match listed.is_empty() {
        true => format!("At {at_end}, no gradient is a number"),
        false => format!("At {at_end}, the distance to {target} is {}", listed.join(", ")),
    };
    text.push_str(&match order[..] {
        [first, second, ..] => {
            let (a, b) = (at_last(first).0, at_last(second).0);
            let holds = run.closest_holds_in()[last];
            if b - a < 1e-3 * b {
                "; the first two agree to one part in a thousand.".to_owned()
            } else if is_clear(run, first, last) {
                "; the first is the closest in every repeat, by more than the spread.".to_owned()
            } else if repeats > 1 {
                format!(
                    "; the first is the closest in {holds} of {repeats} repeats, but its lead over the second is \
                     within the spread over repeats."
                )
            } else {
                ".".to_owned()
            }
        }
        _ => ".".to_owned(),
    });
    text.push_str(&match run.crossovers() {
        [] if last > 0 && order.len() > 1 => always(run, order[0]),
        [] => String::new(),
        // Two estimators that tie change places often: the last change is what matters.
        [earlier @ .., change] => changed(run, change, earlier.len()),
    });
    text.push_str(&farther_than_zero(run));
    text.push_str(&trouble::not_numbers(run));
    text.push_str(&trouble::unsolved(run));
    text
}

/// "T = 4", on one line.
pub(super) fn at(t: usize) -> String {
    unbroken(&format!("T = {t}"))
}

/// Whether an estimator is the closest at a position of T in every repeat, by more than the spread. Of one repeat, nobody
/// knows.
fn is_clear(run: &RunView, name: &str, position: usize) -> bool {
    let error = |name: &str| run.error(name, run.reference(), position);
    let ours = error(name);
    let repeats = run.repeats();
    let others = run.estimators().into_iter().filter(|other| *other != name).map(error);
    let others = others.filter(|other| !other.0.is_nan());
    repeats > 1
        && !ours.0.is_nan()
        && run.closest_holds_in()[position] == repeats
        && others.into_iter().all(|other| ours.0 < other.0 && apart(ours, other))
}

/// The same estimator is the closest everywhere.
fn always(run: &RunView, name: &str) -> String {
    let positions: Vec<usize> =
        (0..=run.last()).filter(|position| !is_clear(run, name, *position)).collect();
    let text = format!(" {} is the closest at every T that was looked at", symbol(name));
    match (run.repeats(), positions.len()) {
        (1, _) | (_, 0) => format!("{text}."),
        (_, count) if count > run.last() => {
            format!("{text}, but nowhere by more than the spread over repeats.")
        }
        _ => format!("{text}, but within the spread over repeats at {}.", list(run, &positions)),
    }
}

/// The last change of the closest estimator, and how sure it is.
fn changed(run: &RunView, change: &Crossover, earlier: usize) -> String {
    let Crossover { last, first, before, after } = change;
    let earlier = match earlier {
        0 => String::new(),
        1 => " (there is one earlier change)".to_owned(),
        many => format!(" (there are {many} earlier changes)"),
    };
    let [b, a] = [before, after].map(|name| symbol(name));
    let mean = if run.repeats() > 1 { " in the mean over repeats" } else { "" };
    let text = format!(
        " The ranking{mean} changes between {} and {}: {b} is the closest before, {a} from there on{earlier}.",
        at(*last),
        at(*first)
    );
    let (Some(last), Some(first)) = (run.position(*last), run.position(*first)) else {
        return text;
    };
    if run.repeats() == 1 || (is_clear(run, before, last) && is_clear(run, after, first)) {
        return text;
    }
    let clear = |name: &str, from: usize, to: usize| -> String {
        let positions: Vec<usize> =
            (from..=to).filter(|position| is_clear(run, name, *position)).collect();
        match positions.is_empty() {
            true => "at no T".to_owned(),
            false => format!("at {}", list(run, &positions)),
        }
    };
    format!(
        "{text} This change is within the spread over repeats: beyond it, and in every repeat, {b} is the closest \
         {}, {a} {}.",
        clear(before, 0, last),
        clear(after, first, run.last())
    )
}

/// Where estimators are worse than no gradient at all.
fn farther_than_zero(run: &RunView) -> String {
    let reference = run.reference();
    let Some(norm) = run.norm(reference) else {
        return String::new();
    };
    let sentences = run.estimators().into_iter().filter_map(|name| {
        let exceeds = |position: &usize| run.error(name, reference, *position).0 > norm;
        let positions: Vec<usize> = (0..=run.last()).filter(exceeds).collect();
        let symbol = symbol(name);
        match positions.len() {
            0 => None,
            count if count > run.last() => Some(format!("{symbol} at every T")),
            _ => Some(format!("{symbol} at {}", list(run, &positions))),
        }
    });
    let sentences: Vec<String> = sentences.collect();
    let to = reference.symbol();
    match sentences.is_empty() {
        true => String::new(),
        false => format!(
            " Farther from {to} than the zero gradient, because the error exceeds ‖{to}‖\u{a0}=\u{a0}{}: {}.",
            number(norm),
            sentences.join("; ")
        ),
    }
}

/// Positions of T in words: neighbours are drawn together.
pub(super) fn list(run: &RunView, positions: &[usize]) -> String {
    let ranges = ranges(run.iterations(), positions);
    // A range does not break, a list may.
    format!("T\u{a0}=\u{a0}{}", ranges.replace(" to ", "\u{a0}to\u{a0}"))
}
