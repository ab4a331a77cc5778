//! Theorem II.1: the code error.

use super::{Focus, Verdict, short, slope};
use crate::experiments::theory::measure::near_truth::{NearTruth, with_noise, with_penalty};

/// What the penalty, the iterations and the dictionary leave of it.
pub(super) fn all(focus: Focus, near: &[NearTruth]) -> Vec<Verdict> {
    vec![penalty(near), iterations(focus, near), dictionary(focus, near)]
}

fn penalty(near: &[NearTruth]) -> Verdict {
    let at_truth = with_noise(near, 0.0);
    let points: Vec<(f64, f64)> =
        at_truth.iter().map(|near| (near.at.penalty, near.lasso_code_error_to_truth)).collect();
    let slope = slope(&points);
    let errors: Vec<String> = points.iter().map(|(_, error)| short(*error)).collect();
    let penalties: Vec<String> = points.iter().map(|(penalty, _)| penalty.to_string()).collect();
    let measured = format!(
        "With D = D*, λ = {} leave ‖ẑ − z*‖ = {}: a slope of {} in log λ.",
        penalties.join(", "),
        errors.join(", "),
        short(slope)
    );
    let says = "With the true dictionary, the code that the iterations tend to has a bias in proportion to λ.";
    Verdict::new("II.1", says, measured, (0.9..=1.1).contains(&slope))
}

/// A code error is at its end where it is within so much of it.
const AT_ITS_END: f64 = 0.01;

fn iterations(focus: Focus, near: &[NearTruth]) -> Verdict {
    let says = "With every iteration the code comes nearer to that of the lasso by a factor below 1; what is left of the distance to \
                the true code does not depend on T.";
    let found = with_penalty(near, focus.penalty);
    let found = found.iter().find(|near| near.at.dictionary_noise == focus.dictionary_noise);
    let Some(found) = found else {
        return Verdict::new("II.1", says, "Nothing was measured there.".to_owned(), false);
    };
    let (t, errors) = (focus.iterations, &found.code_error_to_lasso);
    let factor = |from: usize| {
        let iterations = (t[from + 1] - t[from]) as f64;
        (errors[from + 1] / errors[from]).powf(1.0 / iterations)
    };
    // Below that, rounding is all there is.
    let meaningful = |from: &usize| errors[*from] > 1e-12 * found.code_error_to_truth[0];
    let factors: Vec<(usize, f64)> =
        (0..t.len() - 1).filter(meaningful).map(|from| (from, factor(from))).collect();
    let falls = factors.iter().all(|(_, factor)| *factor < 1.0);
    let (last, rate) = factors.last().copied().unwrap_or((0, f64::NAN));
    let end = found.lasso_code_error_to_truth;
    let off = |error: &f64| (error / end - 1.0).abs() < AT_ITS_END;
    let settled = t.iter().zip(&found.code_error_to_truth).find(|(_, error)| off(error));
    let settles = match settled {
        Some((t, _)) => {
            format!("‖z_T − z*‖ is within a hundredth of its end, {}, from T = {t} on", short(end))
        }
        None => format!(
            "at T = {} ‖z_T − z*‖ is {}, and not yet within a hundredth of its end, {}",
            t[t.len() - 1],
            short(found.code_error_to_truth[t.len() - 1]),
            short(end)
        ),
    };
    let measured = format!(
        "‖z_T − ẑ‖ falls by a factor of {} an iteration between T = {} and {}; {settles}.",
        short(rate),
        t[last],
        t[last + 1]
    );
    Verdict::new("II.1", says, measured, falls && settled.is_some())
}

/// Twice as much as in proportion between the nearest dictionary and another counts as a counter-example.
const BEYOND_PROPORTION: f64 = 2.0;

fn dictionary(focus: Focus, near: &[NearTruth]) -> Verdict {
    let says = "What the error of the dictionary adds to the code error is in proportion to it, for as long as the supports are found.";
    let found = with_penalty(near, focus.penalty);
    let [at_truth, others @ ..] = &found[..] else {
        return Verdict::new("II.1", says, "Nothing was measured there.".to_owned(), false);
    };
    // Bias and what the dictionary adds point in unrelated directions: their squares add up.
    let alone = at_truth.lasso_code_error_to_truth;
    let added =
        |near: &NearTruth| (near.lasso_code_error_to_truth.powi(2) - alone.powi(2)).max(0.0).sqrt();
    let told = others.iter().map(|near| (*near, (near.dictionary_error, added(near))));
    let (others, points): (Vec<_>, Vec<(f64, f64)>) =
        told.filter(|(_, point)| point.1 > 0.0).unzip();
    if points.len() < 2 {
        let measured = "What the dictionary adds cannot be told from what λ leaves; larger values of `dictionary_noise` would tell.";
        return Verdict::new("II.1", says, measured.to_owned(), false);
    }
    let ratio = |point: &(f64, f64)| point.1 / point.0;
    let slope = slope(&points[..2]);
    let listed: Vec<String> = points
        .iter()
        .map(|point| format!("{} at {}", short(ratio(point)), short(point.0)))
        .collect();
    let measured = format!(
        "At λ = {} the dictionary adds, in units of its error: {}; a slope of {} between the two nearest.",
        focus.penalty,
        listed.join(", "),
        short(slope)
    );
    let mut verdict = Verdict::new("II.1", says, measured, (0.8..=1.2).contains(&slope));
    for (near, point) in others.iter().zip(&points).skip(1) {
        if ratio(point) > BEYOND_PROPORTION * ratio(&points[0]) {
            verdict.counter_examples.push(format!(
                "{}: {} times as much as in proportion",
                super::place(near),
                short(ratio(point) / ratio(&points[0]))
            ));
        }
    }
    verdict
}
