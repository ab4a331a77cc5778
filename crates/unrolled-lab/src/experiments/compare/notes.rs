//! What is said of a finished comparison on the command line.

use super::curves::Repeat;
use super::plan::Plan;
use super::ranges::ranges;

/// Gradients that are no numbers, and codes that are not solved.
pub(super) fn of(plans: &[Plan], repeats: &[Vec<Repeat>]) -> Vec<String> {
    let each = plans.iter().zip(repeats).flat_map(|(plan, repeats)| {
        let name = match plan.run.name.as_str() {
            "main" => String::new(),
            name => format!("{name}: "),
        };
        let found = singular(plan, repeats).into_iter().chain(unsolved(plan, repeats));
        found.map(move |note| format!("{name}{note}"))
    });
    each.collect()
}

/// Positions of the T where any repeat is so.
fn positions(plan: &Plan, repeats: &[Repeat], is: impl Fn(&Repeat, usize) -> bool) -> Vec<usize> {
    let all = 0..plan.iterations().len();
    all.filter(|at| repeats.iter().any(|repeat| is(repeat, *at))).collect()
}

fn singular(plan: &Plan, repeats: &[Repeat]) -> Vec<String> {
    let of_label = |label: &String| {
        let is_singular = |repeat: &Repeat, at: usize| {
            let curve = repeat.estimators.get(label).and_then(|all| all.get("error_to_lasso"));
            curve.is_some_and(|curve| curve.0[at].is_nan())
        };
        let positions = positions(plan, repeats, is_singular);
        (!positions.is_empty()).then(|| {
            format!(
                "{label} is not a number at T = {}: atoms that a code uses there depend on each other, and its system \
                 is singular; look at larger T, or add a `ridge`",
                ranges(plan.iterations(), &positions)
            )
        })
    };
    plan.labels.iter().filter_map(of_label).collect()
}

fn unsolved(plan: &Plan, repeats: &[Repeat]) -> Option<String> {
    let count = |repeat: &Repeat, at: usize| repeat.shared.get("unsolved").map_or(0.0, |c| c.0[at]);
    let positions = positions(plan, repeats, |repeat, at| count(repeat, at) > 0.0);
    let last = *positions.last()?;
    let most = repeats.iter().map(|repeat| count(repeat, last)).fold(0.0, f64::max);
    Some(format!(
        "not all codes are solved to the tolerance at T = {} (at T = {}, {most} of {} are not); a larger T would solve more",
        ranges(plan.iterations(), &positions),
        plan.iterations()[last],
        plan.sizes[0]
    ))
}
