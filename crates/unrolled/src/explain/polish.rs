//! Towards a stationary point.

use ndarray::Array2;

use super::{Contributions, Stationarity};
use crate::lasso::Lasso;
use crate::prox::Sided;

/// A dictionary and codes after some rounds.
#[derive(Clone, Debug)]
pub struct Polished {
    /// D, `[m, p]`.
    pub dictionary: Array2<f64>,
    /// Z, `[n, p]`.
    pub codes: Array2<f64>,
    /// How far they are from a stationary point.
    pub stationarity: Stationarity,
    /// Rounds made.
    pub rounds: usize,
}

/// Relative duality gap of the codes of a round: what rounding allows.
const GAP: f64 = 1e-15;

/// Passes over all atoms for an example, at most.
const PASSES: usize = 10_000;

/// Alternates exact steps, the lasso's codes of D and then the best D for these codes, `rounds` times at most, or until
/// neither the gradient nor the conditions of the lasso are violated by more than `tolerance`, or `go_on` says no.
///
/// Every step lowers the objective, which may have other stationary points. The codes that are given back are those of the
/// dictionary that is. `None` where ω is 0 and the system of a step is singular.
pub fn polish(
    x: &Array2<f64>,
    dictionary: &Array2<f64>,
    [penalty, ridge]: [f64; 2],
    sided: Sided,
    (rounds, tolerance): (usize, f64),
    go_on: &dyn Fn() -> bool,
) -> Option<Polished> {
    let code = |dictionary: &Array2<f64>| {
        Lasso::new(dictionary, penalty, sided).solve(x, GAP, PASSES, go_on).codes
    };
    let judge = |dictionary: &Array2<f64>, codes: &Array2<f64>| {
        Stationarity::of(x, dictionary, codes, [penalty, ridge], sided)
    };
    let mut dictionary = dictionary.clone();
    let mut codes = code(&dictionary);
    let mut stationarity = judge(&dictionary, &codes);
    let mut made = 0;
    while made < rounds && stationarity.gradient.max(stationarity.kkt) > tolerance && go_on() {
        dictionary = Contributions::new(&codes, ridge)?.dictionary(x, &codes);
        codes = code(&dictionary);
        stationarity = judge(&dictionary, &codes);
        made += 1;
    }
    Some(Polished { dictionary, codes, stationarity, rounds: made })
}
