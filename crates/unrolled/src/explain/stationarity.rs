//! How far a dictionary and codes are from a stationary point.

use ndarray::Array2;

use crate::prox::Sided;

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
        let by_dictionary = residual.t().dot(codes) + ridge * dictionary;
        let by_codes = residual.dot(dictionary);
        let violation = |(slope, code): (&f64, &f64)| match (sided, *code != 0.0) {
            (_, true) => (slope + penalty * code.signum()).abs(),
            (Sided::Two, false) => slope.abs() - penalty,
            (Sided::One, false) => -slope - penalty,
        };
        let squares = |a: &Array2<f64>| a.iter().map(|v| v * v).sum::<f64>();
        Self {
            gradient: by_dictionary.iter().fold(0.0, |most: f64, v| most.max(v.abs())),
            kkt: by_codes.iter().zip(codes).map(violation).fold(0.0, f64::max),
            objective: 0.5 * squares(&residual)
                + penalty * codes.iter().map(|z| z.abs()).sum::<f64>()
                + 0.5 * ridge * squares(dictionary),
        }
    }
}
