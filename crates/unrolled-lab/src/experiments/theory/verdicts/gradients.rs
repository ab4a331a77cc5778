//! Theorem II.3: the gradients.

use super::{Focus, Verdict, has_converged, place, short, slope};
use crate::experiments::theory::measure::near_truth::{NearTruth, with_noise, with_penalty};

/// Their equivalence, how their biases grow with λ, which is nearer, and where that is the other way round.
pub(super) fn all(focus: Focus, near: &[NearTruth]) -> Vec<Verdict> {
    vec![equivalence(focus, near), growth(focus, near), few(focus, near), many(focus, near)]
}

/// `g_ae_lasso` and `g_dec` are the same where they differ by less than this part of the bias that they share.
const SAME: f64 = 0.01;

fn last_of(curve: &[f64]) -> f64 {
    curve.last().copied().unwrap_or(f64::NAN)
}

fn to_truth(near: &NearTruth, estimator: &str) -> f64 {
    near.estimators.get(estimator).map_or(f64::NAN, |errors| last_of(&errors.error_to_truth))
}

fn focused<'a>(focus: Focus, near: &'a [NearTruth]) -> Option<&'a NearTruth> {
    let found = with_penalty(near, focus.penalty);
    found.into_iter().find(|near| near.at.dictionary_noise == focus.dictionary_noise)
}

fn nothing(says: &str) -> Verdict {
    Verdict::new("II.3", says, "Nothing was measured there.".to_owned(), false)
}

fn equivalence(focus: Focus, near: &[NearTruth]) -> Verdict {
    let says = "g_ae_lasso and g_dec tend to the same gradient, that of the lasso’s code: differentiating the iterations changes nothing once \
                they have converged.";
    let Some(found) = focused(focus, near) else { return nothing(says) };
    let listed: Vec<String> = focus
        .iterations
        .iter()
        .zip(&found.lasso_to_decoder)
        .rev()
        .take(4)
        .map(|(t, difference)| format!("{} at T = {t}", short(*difference)))
        .collect();
    let bias = found.lasso_gradient_error_to_truth;
    let measured = format!(
        "‖g_ae_lasso − g_dec‖ is {}; the bias ‖ĝ − g*‖ that they share is {}.",
        listed.into_iter().rev().collect::<Vec<_>>().join(", "),
        short(bias)
    );
    let part =
        |near: &NearTruth| last_of(&near.lasso_to_decoder) / near.lasso_gradient_error_to_truth;
    let last = focus.iterations.last().copied().unwrap_or(0);
    let mut verdict = Verdict::new("II.3", says, measured, part(found) < SAME);
    for near in near.iter().filter(|near| part(near) >= SAME) {
        verdict.counter_examples.push(format!(
            "{}: still {} of the bias at T = {last}, where ‖z_T − ẑ‖ is {}{}",
            place(near),
            short(part(near)),
            short(last_of(&near.code_error_to_lasso)),
            if has_converged(near) { "" } else { ", not converged" }
        ));
    }
    verdict
}

fn growth(focus: Focus, near: &[NearTruth]) -> Verdict {
    let says = "With the true dictionary and many iterations, the bias of g_dec grows about like λ, and that of g_ae_ls about like λ².";
    let at_truth = with_noise(near, 0.0);
    let fitted = |estimator: &str| {
        // Codes that have not converged have another error.
        let converged = at_truth.iter().filter(|near| has_converged(near));
        let points: Vec<(f64, f64)> =
            converged.map(|near| (near.at.penalty, to_truth(near, estimator))).collect();
        (slope(&points), points)
    };
    let (decoder, points) = fitted("g_dec");
    let (least_squares, of_least_squares) = fitted("g_ae_ls");
    if points.len() < 2 {
        let measured =
            "The codes have not converged at the last T for two penalties; a larger T would tell.";
        return Verdict::new("II.3", says, measured.to_owned(), false);
    }
    let list = |points: &[(f64, f64)]| {
        points.iter().map(|(_, error)| short(*error)).collect::<Vec<_>>().join(", ")
    };
    let penalties: Vec<String> = points.iter().map(|(penalty, _)| penalty.to_string()).collect();
    let measured = format!(
        "At D*, T = {}, λ = {}: ‖g_dec − g*‖ = {}, a slope of {}; ‖g_ae_ls − g*‖ = {}, a slope of {}.",
        focus.iterations.last().copied().unwrap_or(0),
        penalties.join(", "),
        list(&points),
        short(decoder),
        list(&of_least_squares),
        short(least_squares)
    );
    let agrees = (0.7..=1.1).contains(&decoder) && (1.7..=2.3).contains(&least_squares);
    Verdict::new("II.3", says, measured, agrees)
}

fn few(focus: Focus, near: &[NearTruth]) -> Verdict {
    let says = "With few iterations g_dec is nearest to the true gradient: what goes back through them is small or wrong as long as the codes are.";
    let Some(found) = focused(focus, near) else { return nothing(says) };
    let curve = |name: &str| found.estimators.get(name).map(|errors| &errors.error_to_truth);
    let (Some(decoder), Some(lasso), Some(least_squares)) =
        (curve("g_dec"), curve("g_ae_lasso"), curve("g_ae_ls"))
    else {
        return nothing(says);
    };
    // The T from which on it stays so.
    let farther = decoder.iter().zip(least_squares).rposition(|(decoder, ls)| ls >= decoder);
    let from = farther.map_or(0, |last| last + 1);
    let crossing = match focus.iterations.get(from) {
        Some(t) => format!("g_ae_ls is nearer than g_dec from T = {t} on"),
        None => "g_ae_ls is not nearer than g_dec at the last T".to_owned(),
    };
    let measured = format!(
        "At T = {} the errors to g* are {} (g_dec), {} (g_ae_lasso) and {} (g_ae_ls); {crossing}.",
        focus.iterations[0],
        short(decoder[0]),
        short(lasso[0]),
        short(least_squares[0])
    );
    Verdict::new("II.3", says, measured, decoder[0] < least_squares[0].min(lasso[0]))
}

/// How much larger the code error is than λ alone makes it.
fn beyond_penalty(near: &NearTruth, at_truth: &[&NearTruth]) -> f64 {
    let alone = at_truth.iter().find(|other| other.at.penalty == near.at.penalty);
    near.lasso_code_error_to_truth / alone.map_or(f64::NAN, |near| near.lasso_code_error_to_truth)
}

fn many(focus: Focus, near: &[NearTruth]) -> Verdict {
    let says = "With many iterations g_ae_ls is nearer to the true gradient than g_dec, where the error of the codes is that of the penalty.";
    let Some(found) = focused(focus, near) else { return nothing(says) };
    let at_truth = with_noise(near, 0.0);
    let reversed = |near: &NearTruth| to_truth(near, "g_ae_ls") >= to_truth(near, "g_dec");
    // Elsewhere the error of the codes is that of too few iterations.
    let (converged, others): (Vec<&NearTruth>, Vec<&NearTruth>) =
        near.iter().partition(|near| has_converged(near));
    let ratios = |of: bool| {
        let of = converged.iter().filter(move |near| reversed(near) == of);
        of.map(|near| beyond_penalty(near, &at_truth))
    };
    let most = ratios(false).fold(1.0, f64::max);
    let least = ratios(true).fold(f64::INFINITY, f64::min);
    let mut measured = format!(
        "At T = {}, dictionary noise {}, λ = {}: {} (g_ae_ls) against {} (g_dec).",
        focus.iterations.last().copied().unwrap_or(0),
        focus.dictionary_noise,
        focus.penalty,
        short(to_truth(found, "g_ae_ls")),
        short(to_truth(found, "g_dec"))
    );
    measured += &match least {
        least if least.is_infinite() => {
            " The order holds at every place that was looked at.".to_owned()
        }
        least if least > most => format!(
            " The order holds where the code error is at most {} times what λ alone makes of it, and reverses where it is {} times that and \
             more.",
            short(most),
            short(least)
        ),
        least => format!(
            " The order reverses at some places where the code error is {} times what λ alone makes of it, and holds at others up to {} \
             times.",
            short(least),
            short(most)
        ),
    };
    if !others.is_empty() {
        measured +=
            &format!(" Left out are {} places whose codes have not converged.", others.len());
    }
    let mut verdict = Verdict::new("II.3", says, measured, !reversed(found));
    verdict.counter_examples = converged
        .iter()
        .filter(|near| reversed(near))
        .map(|near| {
            format!(
                "{}: {} (g_ae_ls) against {} (g_dec), the code error {} times that of λ alone",
                place(near),
                short(to_truth(near, "g_ae_ls")),
                short(to_truth(near, "g_dec")),
                short(beyond_penalty(near, &at_truth))
            )
        })
        .collect();
    verdict
}
