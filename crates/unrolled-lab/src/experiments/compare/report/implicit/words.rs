//! Which is nearer, which is cheaper, and where iterations have not converged.

use super::super::symbol;
use super::super::view::RunView;
use super::super::words::{at, list};
use super::{compared, figure, percent, relative};
use crate::report::table::{number, unbroken};

/// The relative error up to which a gradient is called near.
const NEAR: f64 = 0.01;

/// What an estimator goes back through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Through {
    AllIterations,
    LastIterations,
    Solution,
}

impl Through {
    fn of(name: &str) -> Option<Self> {
        match name {
            "g_ae_ls" => Some(Self::AllIterations),
            name if name.starts_with("g_implicit") => Some(Self::Solution),
            name if name.starts_with("g_truncated") || name.starts_with("g_one_step") => {
                Some(Self::LastIterations)
            }
            _ => None,
        }
    }

    /// Why so many are far at the largest T.
    fn reason(self, count: usize) -> &'static str {
        match (self, count) {
            (Self::AllIterations, _) => ": these iterations, or those of ẑ, have not converged",
            (Self::LastIterations, 1) => "; it goes back through its window of iterations only",
            (Self::LastIterations, _) => "; they go back through their windows of iterations only",
            (Self::Solution, _) => ": its codes, or ẑ, are not yet the solution",
        }
    }
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
pub(super) fn of(run: &RunView) -> String {
    if run.implicit_norm().is_none() {
        return "The implicit gradient at the lasso’s code ẑ is not a number, or not in every repeat: atoms that ẑ uses \
                depend on each other, so its linear system is singular. Errors to it are not known."
            .to_owned();
    }
    let mut sentences = Vec::new();
    let (near, far): (Vec<&str>, Vec<&str>) =
        compared(run).into_iter().partition(|name| near_from(run, name).is_some());
    let mean = if run.repeats() > 1 { " (means over repeats)" } else { "" };
    if !near.is_empty() {
        let each = near.iter().map(|name| match near_from(run, name) {
            Some(from) if from > 0 => format!("{} from {} on", symbol(name), t(run, from)),
            _ => format!("{} at every T that was looked at", symbol(name)),
        });
        let each = each.collect::<Vec<_>>().join(", ");
        sentences.push(format!("Within 1\u{a0}% of the implicit gradient{mean}: {each}."));
    }
    for through in [Through::AllIterations, Through::LastIterations, Through::Solution] {
        sentences.extend(distant(run, &far, through));
    }
    let first = |wanted| compared(run).into_iter().find(|name| Through::of(name) == Some(wanted));
    let implicit = first(Through::Solution);
    if let (Some(unrolled), Some(implicit)) = (first(Through::AllIterations), implicit) {
        sentences.extend(nearer(run, unrolled, implicit));
        sentences.push(cheaper(run, unrolled, implicit));
    } else if let Some((implicit, from)) = implicit.and_then(|i| Some((i, near_from(run, i)?))) {
        let time = number(figure(run, implicit, "milliseconds", from));
        let time = unbroken(&format!("{time} ms"));
        sentences.push(format!("At {}, {} takes {time}.", t(run, from), symbol(implicit)));
    }
    sentences.join(" ")
}

/// Those that are far at the largest T, of one sort.
fn distant(run: &RunView, far: &[&str], through: Through) -> Option<String> {
    let last = run.last();
    let there =
        |name: &&&str| Through::of(name) == Some(through) && relative(run, name, last) > NEAR;
    let names: Vec<&str> = far.iter().filter(there).copied().collect();
    let each = names.iter().map(|name| {
        let away = percent(relative(run, name, last));
        format!("{} is {away}", symbol(name))
    });
    let each = each.collect::<Vec<_>>().join(", ");
    let reason = through.reason(names.len());
    (!names.is_empty()).then(|| format!("At {}, the largest T, {each} away{reason}.", t(run, last)))
}

/// Which of two is the nearer at the same T.
fn nearer(run: &RunView, unrolled: &str, implicit: &str) -> Option<String> {
    let error = |name: &str, at: usize| figure(run, name, "error_to_implicit", at);
    let sides = [(implicit, unrolled), (unrolled, implicit)];
    let each = sides.iter().filter_map(|(name, other)| {
        let is_nearer = |at: &usize| error(name, *at) < error(other, *at);
        let positions: Vec<usize> = (0..=run.last()).filter(is_nearer).collect();
        match positions.len() {
            0 => None,
            count if count > run.last() => Some(format!("{} at every T", symbol(name))),
            _ => Some(format!("{} at {}", symbol(name), list(run, &positions))),
        }
    });
    let each: Vec<String> = each.collect();
    (!each.is_empty()).then(|| {
        let ([unrolled, implicit], each) = ([unrolled, implicit].map(symbol), each.join(", "));
        format!("Of {unrolled} and {implicit} at the same T, the nearer is {each}.")
    })
}

/// What each takes to come near, or at the largest T.
fn cheaper(run: &RunView, unrolled: &str, implicit: &str) -> String {
    let last = run.last();
    let [from, own] = [unrolled, implicit].map(|name| near_from(run, name));
    let takes = takes(run, (implicit, own.unwrap_or(last)), (unrolled, from.unwrap_or(last)));
    let (us, them) = (symbol(implicit), symbol(unrolled));
    match (own, from) {
        (Some(own), Some(from)) => format!(
            "To come within 1\u{a0}%, {us} at {} takes {takes} {them} at {}.",
            t(run, own),
            t(run, from)
        ),
        (Some(own), None) => format!(
            "{us} at {}, within 1\u{a0}%, takes {takes} {them} at {}, which is not.",
            t(run, own),
            t(run, last)
        ),
        (None, Some(from)) => format!(
            "{us} at {}, not within 1\u{a0}%, takes {takes} {them} at {}, which is.",
            t(run, last),
            t(run, from)
        ),
        (None, None) => format!("At {}, {us} takes {takes} {them}.", t(run, last)),
    }
}

/// "0.6 times the time (3 against 5 ms) and 0.2 times the memory (1 against 5 MB) of"
fn takes(run: &RunView, ours: (&str, usize), theirs: (&str, usize)) -> String {
    let kinds = [("milliseconds", 1.0, "time", "ms"), ("peak_bytes", 1e-6, "memory", "MB")];
    let parts = kinds.iter().filter_map(|(key, factor, what, unit)| {
        let [a, b] = [ours, theirs].map(|(name, at)| figure(run, name, key, at) * factor);
        let values = unbroken(&format!("{} against {} {unit}", number(a), number(b)));
        (a.is_finite() && b > 0.0).then(|| format!("{} times the {what} ({values})", number(a / b)))
    });
    let parts: Vec<String> = parts.collect();
    match parts.is_empty() {
        true => "an unknown share of the time of".to_owned(),
        false => format!("{} of", parts.join(" and ")),
    }
}

fn t(run: &RunView, position: usize) -> String {
    at(run.iterations()[position])
}
