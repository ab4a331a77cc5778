//! Theorem II.2: the dictionary error.

use super::{Verdict, short};
use crate::experiments::theory::measure::contraction::Contraction;

/// Its fall, and what it ends at.
pub(super) fn all(descents: &[Contraction]) -> Vec<Verdict> {
    vec![fall(descents), floor(descents)]
}

/// A descent is at its floor where the last tenth of its steps changes the error by less than this part of its whole fall.
const STILL: f64 = 0.01;

fn is_at_floor(descent: &Contraction) -> bool {
    let errors = &descent.dictionary_error;
    let before = errors[errors.len() - 1 - (errors.len() / 10).max(1)];
    let fall = errors[0] - descent.floor();
    fall > 0.0 && (before - descent.floor()).abs() < STILL * fall
}

fn fall(descents: &[Contraction]) -> Verdict {
    let says = "From a start near the truth, gradient descent brings the dictionary nearer with every step, by a factor below 1, until it \
                reaches a floor.";
    let factor = |descent: &Contraction| {
        let errors = &descent.dictionary_error;
        // As far as half of the way to the floor.
        let half = 0.5 * (errors[0] + descent.floor());
        let steps = errors.iter().position(|error| *error < half).unwrap_or(errors.len() - 1);
        (steps, (errors[steps] / errors[0]).powf(1.0 / steps as f64))
    };
    let listed: Vec<String> = descents
        .iter()
        .map(|descent| {
            let (steps, factor) = factor(descent);
            format!("{} over {steps} steps at λ = {}", short(factor), descent.penalty)
        })
        .collect();
    let first = descents.first().map_or(f64::NAN, |descent| descent.dictionary_error[0]);
    let measured = format!(
        "From ‖D* − D‖/‖D*‖ = {}, the error falls by a factor a step of {}.",
        short(first),
        listed.join(", ")
    );
    // Up to the floor, every step.
    let falls = |descent: &Contraction| {
        let errors = &descent.dictionary_error;
        let reached = errors.iter().position(|error| *error < 1.05 * descent.floor());
        let steps = &errors[..=reached.unwrap_or(errors.len() - 1)];
        steps.len() > 1 && steps.windows(2).all(|pair| pair[1] < pair[0])
    };
    Verdict::new("II.2", says, measured, descents.iter().all(falls))
}

fn floor(descents: &[Contraction]) -> Verdict {
    let says = "The floor grows with the penalty.";
    let floors: Vec<String> = descents
        .iter()
        .map(|descent| format!("{} at λ = {}", short(descent.floor()), descent.penalty))
        .collect();
    let ratios: Vec<f64> = descents
        .windows(2)
        .map(|pair| {
            let doublings = (pair[1].penalty / pair[0].penalty).log2();
            (pair[1].floor() / pair[0].floor()).powf(1.0 / doublings)
        })
        .collect();
    let listed: Vec<String> = ratios.iter().map(|ratio| short(*ratio)).collect();
    let still: Vec<&Contraction> =
        descents.iter().filter(|descent| !is_at_floor(descent)).collect();
    let mut measured = format!(
        "The descents end at {}: each doubling of λ multiplies the floor by {}.",
        floors.join(", "),
        listed.join(", ")
    );
    if !still.is_empty() {
        let penalties: Vec<String> = still.iter().map(|d| d.penalty.to_string()).collect();
        measured += &format!(
            " With λ = {} the error still changes in the last tenth of the steps: more `steps` would say more.",
            penalties.join(", ")
        );
    }
    let agrees = still.is_empty() && ratios.iter().all(|ratio| *ratio > 1.0);
    Verdict::new("II.2", says, measured, agrees)
}
