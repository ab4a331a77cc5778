//! Theorem II.4: the dictionary as a sum of its training data.

use super::{Verdict, short};
use crate::experiments::theory::measure::stationarity::Round;

/// A dictionary and Xᵀ G⁻¹ Z are the same where they differ by less.
const SAME: f64 = 1e-3;

/// Towards a stationary point.
pub(super) fn way(rounds: &[Round]) -> Verdict {
    let says = "At a stationary point the dictionary is Xᵀ G⁻¹ Z, G = Z Zᵀ + ω I: a weighted sum of training examples.";
    let (Some(first), Some(last)) = (rounds.first(), rounds.last()) else {
        return Verdict::new("II.4", says, "Nothing was measured there.".to_owned(), false);
    };
    let mut measured = format!(
        "‖D − Xᵀ G⁻¹ Z‖/‖D‖ falls from {} to {} in {} rounds of exact steps, while the largest entry of the derivative by D falls from {} to {}.",
        short(first.difference),
        short(last.difference),
        last.rounds,
        short(first.gradient),
        short(last.gradient)
    );
    if last.difference >= SAME {
        measured += " That is not yet a stationary point: more `rounds` would say more.";
    }
    let mut verdict = Verdict::new("II.4", says, measured, last.difference < SAME);
    if first.difference >= SAME {
        verdict.counter_examples.push(format!(
            "away from one, as at the start, the sum differs from the dictionary by {} of its size",
            short(first.difference)
        ));
    }
    verdict
}
