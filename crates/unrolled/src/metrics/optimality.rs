//! How close codes are to the lasso's solution.

use ndarray::{Array2, Axis};

use crate::prox::Sided;

/// The relative duality gap of every code, `(primal − dual) / primal`.
///
/// With `r = x − D z` and `θ = s r`, s ≤ 1 the largest factor for which ‖Dᵀθ‖_∞ ≤ λ (one-sided:
/// Dᵀθ ≤ λ), the primal is `½‖r‖² + λ‖z‖₁` and the dual `½‖x‖² − ½‖x − θ‖²`. It bounds the relative
/// excess of the primal over its minimum, and is 0 at the solution. D is `[m, p]`, x `[n, m]`, codes
/// `[n, p]`.
pub fn duality_gaps(
    dictionary: &Array2<f64>,
    x: &Array2<f64>,
    codes: &Array2<f64>,
    penalty: f64,
    sided: Sided,
) -> Vec<f64> {
    let residual = x - &codes.dot(&dictionary.t());
    let correlations = residual.dot(dictionary);
    let rows = residual.axis_iter(Axis(0)).zip(correlations.axis_iter(Axis(0)));
    rows.zip(x.axis_iter(Axis(0)).zip(codes.axis_iter(Axis(0))))
        .map(|((r, correlation), (x, z))| {
            let l1 = z.iter().map(|v| v.abs()).sum();
            relative_gap(r.dot(&r), x.dot(&r), l1, correlation.iter(), penalty, sided)
        })
        .collect()
}

/// The gap of one code from ‖r‖², ⟨x, r⟩, ‖z‖₁ and Dᵀr.
pub(crate) fn relative_gap<'a>(
    squares: f64,
    product: f64,
    l1: f64,
    correlations: impl Iterator<Item = &'a f64>,
    penalty: f64,
    sided: Sided,
) -> f64 {
    let largest = correlations.fold(0.0f64, |largest, v| match sided {
        Sided::Two => largest.max(v.abs()),
        Sided::One => largest.max(*v),
    });
    let scale = if largest > penalty { penalty / largest } else { 1.0 };
    let primal = 0.5 * squares + penalty * l1;
    // ½‖x‖² − ½‖x − s r‖² = s⟨x, r⟩ − ½ s²‖r‖².
    let dual = scale * product - 0.5 * scale * scale * squares;
    if primal > 0.0 { ((primal - dual) / primal).max(0.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_gap_vanishes_at_the_solution_and_nowhere_else() {
        let dictionary = array![[1.0, 0.0], [0.0, 1.0]];
        let x = array![[1.0, -0.05]];
        let solution = array![[0.9, 0.0]];
        for sided in [Sided::Two, Sided::One] {
            let gap = duality_gaps(&dictionary, &x, &solution, 0.1, sided)[0];
            assert!(gap < 1e-14, "{gap}");
            let off = duality_gaps(&dictionary, &x, &array![[0.5, 0.0]], 0.1, sided)[0];
            assert!(off > 0.1, "{off}");
        }
        let zero =
            duality_gaps(&dictionary, &array![[0.0, 0.0]], &array![[0.0, 0.0]], 0.1, Sided::Two);
        assert_eq!(zero, [0.0]);
    }
}
