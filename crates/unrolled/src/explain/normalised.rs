//! The variants that the reference's figures use.

use ndarray::{Array1, Array2, Axis};

use super::Contributions;

/// Weights from codes of norm 1: `G = Z̄ Z̄ᵀ + ω I` with every code divided by its norm (a code that is 0 stays 0), columns of G⁻¹
/// divided by their norms, and every column of weights by its own.
///
/// As in the figures of the reference's code, which takes ω = 10⁻³ and computes G⁻¹ from a singular value decomposition with its
/// factors in the wrong places; here G⁻¹ is the inverse.
#[derive(Clone, Debug)]
pub struct Normalised {
    /// Z̄, `[n, p]`.
    codes: Array2<f64>,
    contributions: Contributions,
    ridge: f64,
    /// ‖G⁻¹ e_i‖ of every example.
    norms: Array1<f64>,
}

/// What is added to a norm before it divides.
const TINY: f64 = 1e-14;

impl Normalised {
    /// The ω of the reference's figures.
    pub const RIDGE: f64 = 1e-3;

    /// From Z `[n, p]` and ω. `None` where ω is not above 0.
    pub fn new(codes: &Array2<f64>, ridge: f64) -> Option<Self> {
        if !(ridge > 0.0 && ridge.is_finite()) {
            return None;
        }
        let codes = unit_rows(codes);
        let gram = codes.t().dot(&codes);
        let contributions = Contributions::from_gram(&gram, ridge)?;
        // G⁻¹ = (I − Z̄ S⁻¹ Z̄ᵀ)/ω, so that ω²‖G⁻¹ e_i‖² = 1 − 2 z̄ᵢᵀ S⁻¹ z̄ᵢ + z̄ᵢᵀ S⁻¹ Z̄ᵀZ̄ S⁻¹ z̄ᵢ.
        let solved = contributions.solve(&codes);
        let through = solved.dot(&gram);
        let rows = codes.rows().into_iter().zip(solved.rows()).zip(through.rows());
        let norms = rows.map(|((code, solved), through)| {
            (1.0 - 2.0 * code.dot(&solved) + solved.dot(&through)).max(0.0).sqrt() / ridge
        });
        let norms = norms.collect();
        Some(Self { contributions, ridge, norms, codes })
    }

    /// Cosines of the codes of the training examples with new ones ẑ `[k, p]`: `[k, n]`.
    pub fn code_cosines(&self, new: &Array2<f64>) -> Array2<f64> {
        unit_rows(new).dot(&self.codes.t())
    }

    /// Weights of the training examples for new codes ẑ `[k, p]`, each row of norm 1: `[k, n]`.
    pub fn to_reconstructions(&self, new: &Array2<f64>) -> Array2<f64> {
        let weighed = self.code_cosines(new) / &self.norms;
        let inside = self.contributions.solve(&weighed.dot(&self.codes)).dot(&self.codes.t());
        let mut weights = (weighed - inside) / self.ridge;
        for mut row in weights.rows_mut() {
            let norm = row.dot(&row).sqrt();
            row /= norm + TINY;
        }
        weights
    }

    /// Weights for the atoms, `[n, p]`, divided by the norm of each column.
    pub fn of_atoms(mut contributions: Array2<f64>) -> Array2<f64> {
        for mut column in contributions.axis_iter_mut(Axis(1)) {
            let norm = column.dot(&column).sqrt();
            column /= norm + TINY;
        }
        contributions
    }
}

/// Every row divided by its norm; rows that are 0 stay so.
fn unit_rows(codes: &Array2<f64>) -> Array2<f64> {
    let mut unit = codes.clone();
    for mut row in unit.rows_mut() {
        let norm = row.dot(&row).sqrt();
        if norm > 0.0 {
            row /= norm;
        }
    }
    unit
}
