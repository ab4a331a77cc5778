//! How far a dictionary and codes are from a stationary point.

use ndarray::Array2;

use super::Shares;
use crate::dictionary::AnyDictionary;
use crate::prox::Sided;
use crate::tensors::to_array;

/// Of `½‖X − Z Dᵀ‖² + λ‖Z‖₁ + ω/2 ‖D‖²`, sums over all examples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stationarity {
    /// The largest entry of `(Z Dᵀ − X)ᵀ Z + ω D`, the derivative by D.
    pub gradient: f64,
    /// The largest violation of the conditions of the lasso over all codes: `|dⱼᵀ(D z − x) + λ sign zⱼ|` where zⱼ is not 0, else
    /// how far `|dⱼᵀ(D z − x)|` exceeds λ.
    pub kkt: f64,
    /// The value.
    pub objective: f64,
}

impl Stationarity {
    /// Of X `[n, m]`, D `[m, p]` and Z `[n, p]`. One-sided codes are 0 or more.
    pub fn of(
        x: &Array2<f64>,
        dictionary: &Array2<f64>,
        codes: &Array2<f64>,
        [penalty, ridge]: [f64; 2],
        sided: Sided,
    ) -> Self {
        let residual = codes.dot(&dictionary.t()) - x;
        let slopes = (residual.t().dot(codes) + ridge * dictionary, residual.dot(dictionary));
        Self::from_slopes(slopes, (&residual, dictionary), codes, [penalty, ridge], sided)
    }

    /// The same of any dictionary, and codes `[n, q]`.
    pub fn of_dictionary(
        dictionary: &AnyDictionary,
        x: &Array2<f64>,
        codes: &Array2<f64>,
        [penalty, ridge]: [f64; 2],
        sided: Sided,
    ) -> Self {
        let shares = Shares::new(dictionary, x, codes, ridge);
        let atoms = to_array(&dictionary.columns()).reversed_axes();
        let residual = shares.residual();
        let slopes = (shares.gradient(), shares.adjoint(&residual));
        Self::from_slopes(slopes, (&residual, &atoms), codes, [penalty, ridge], sided)
    }

    fn from_slopes(
        (by_dictionary, by_codes): (Array2<f64>, Array2<f64>),
        (residual, atoms): (&Array2<f64>, &Array2<f64>),
        codes: &Array2<f64>,
        [penalty, ridge]: [f64; 2],
        sided: Sided,
    ) -> Self {
        let violation = |(slope, code): (&f64, &f64)| match (sided, *code != 0.0) {
            (_, true) => (slope + penalty * code.signum()).abs(),
            (Sided::Two, false) => slope.abs() - penalty,
            (Sided::One, false) => -slope - penalty,
        };
        let squares = |a: &Array2<f64>| a.iter().map(|v| v * v).sum::<f64>();
        Self {
            gradient: by_dictionary.iter().fold(0.0, |most: f64, v| most.max(v.abs())),
            kkt: by_codes.iter().zip(codes).map(violation).fold(0.0, f64::max),
            objective: 0.5 * squares(residual)
                + penalty * codes.iter().map(|z| z.abs()).sum::<f64>()
                + 0.5 * ridge * squares(atoms),
        }
    }
}
