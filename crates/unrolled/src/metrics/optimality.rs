//! How close codes are to the lasso's solution.

use burn::tensor::Tensor;
use ndarray::{Array2, Axis, LinalgScalar, NdFloat};

use crate::operator::LinearOperator;
use crate::prox::Sided;
use crate::registers::{Loops, on_widest};
use crate::scale::{exponent, scaled, scaled_penalty};
use crate::tensors::to_array;

/// The relative duality gap of every code, `(primal − dual) / primal`.
///
/// With `r = x − D z` and `θ = s r`, s ≤ 1 the largest factor for which ‖Dᵀθ‖_∞ ≤ λ (one-sided:
/// Dᵀθ ≤ λ), the primal is `½‖r‖² + λ‖z‖₁` and the dual `½‖x‖² − ½‖x − θ‖²`. It bounds the relative
/// excess of the primal over its minimum, and is 0 at the solution. D is `[m, p]`, x `[n, m]`, codes
/// `[n, p]`. Infinite where a code is beyond what can be computed with.
pub fn duality_gaps(
    dictionary: &Array2<f64>,
    x: &Array2<f64>,
    codes: &Array2<f64>,
    penalty: f64,
    sided: Sided,
) -> Vec<f64> {
    let judge = Judge::new(dictionary, penalty, sided);
    let exponents = judge.exponents(x);
    let mut codes = codes.clone();
    for (mut row, e) in codes.axis_iter_mut(Axis(0)).zip(&exponents) {
        row.iter_mut().for_each(|z| *z = scaled(*z, -judge.of_codes(*e)));
    }
    judge.judge(&judge.examples(x, &exponents), &codes, &exponents).0
}

/// As [`duality_gaps`], for any operator: computed where its parameters are and in their precision.
pub fn operator_gaps<O: LinearOperator>(
    operator: &O,
    x: &Tensor<2>,
    codes: &Tensor<2>,
    penalty: f64,
    sided: Sided,
) -> Vec<f64> {
    let residual = x.clone().sub(operator.forward(codes.clone()));
    let correlations = to_array(&operator.adjoint(residual.clone()));
    let (residual, codes) = (to_array(&residual), to_array(codes));
    let rows = residual.axis_iter(Axis(0)).zip(correlations.axis_iter(Axis(0)));
    let rows = rows.zip(codes.axis_iter(Axis(0)));
    rows.map(|((r, correlations), codes)| {
        let row = correlations.to_vec();
        let pairs = codes.iter().copied().zip(row.iter().copied());
        relative_gap(r.dot(&r), largest_violation(&row, sided), pairs, penalty)
    })
    .collect()
}

/// Judges codes of the same lasso with D and every example brought near 1: dividing D by 2ᵈ, x by 2ᵉ and λ by 2ᵈ⁺ᵉ
/// divides z by 2ᵉ⁻ᵈ and leaves the relative gap, so that no scale of the data is beyond it.
#[derive(Clone, Debug)]
pub(crate) struct Judge {
    /// D / 2ᵈ, by rows.
    pub dictionary: Array2<f64>,
    /// The same, atoms as rows.
    atoms: Array2<f64>,
    /// d.
    exponent: i32,
    penalty: f64,
    pub sided: Sided,
}

impl Judge {
    /// For a dictionary `[m, p]` and the penalty λ.
    pub fn new(dictionary: &Array2<f64>, penalty: f64, sided: Sided) -> Self {
        let exponent = exponent(dictionary);
        let near = dictionary.mapv(|v| scaled(v, -exponent));
        let dictionary = near.as_standard_layout().into_owned();
        let atoms = dictionary.t().as_standard_layout().into_owned();
        Self { dictionary, atoms, exponent, penalty, sided }
    }

    /// e of every example.
    pub fn exponents(&self, x: &Array2<f64>) -> Vec<i32> {
        x.axis_iter(Axis(0)).map(exponent).collect()
    }

    /// x / 2ᵉ, by rows.
    pub fn examples(&self, x: &Array2<f64>, exponents: &[i32]) -> Array2<f64> {
        let mut x = x.as_standard_layout().into_owned();
        for (mut row, e) in x.axis_iter_mut(Axis(0)).zip(exponents) {
            row.iter_mut().for_each(|v| *v = scaled(*v, -e));
        }
        x
    }

    /// What the codes of an example are multiplied by to be those of the lasso as it was given, as an exponent.
    pub fn of_codes(&self, exponent: i32) -> i32 {
        exponent - self.exponent
    }

    /// λ of an example.
    pub fn penalty(&self, exponent: i32) -> f64 {
        scaled_penalty(self.penalty, -(exponent + self.exponent))
    }

    /// The gaps of codes, and `Dᵀ(x − D z)`; x, z and what comes out near 1.
    pub fn judge(
        &self,
        x: &Array2<f64>,
        codes: &Array2<f64>,
        exponents: &[i32],
    ) -> (Vec<f64>, Array2<f64>) {
        let residual = sparse_residual(&self.atoms, x, codes);
        let correlations = residual.dot(&self.dictionary);
        let rows = residual.axis_iter(Axis(0)).zip(correlations.axis_iter(Axis(0)));
        let gaps = rows
            .zip(codes.axis_iter(Axis(0)).zip(exponents))
            .map(|((r, correlations), (codes, e))| {
                let row = correlations.as_slice().expect("rows are contiguous");
                let largest = largest_violation(row, self.sided);
                let pairs = codes.iter().copied().zip(row.iter().copied());
                relative_gap(r.dot(&r), largest, pairs, self.penalty(*e))
            })
            .collect();
        (gaps, correlations)
    }
}

/// `x − D z`, atom by atom, because most codes are 0: atoms are rows, `[p, m]`, x `[n, m]`, codes `[n, p]`.
pub(crate) fn sparse_residual<T: LinalgScalar>(
    atoms: &Array2<T>,
    x: &Array2<T>,
    codes: &Array2<T>,
) -> Array2<T> {
    let mut residual = x.as_standard_layout().into_owned();
    on_widest(Subtract { atoms, codes, residual: &mut residual });
    residual
}

struct Subtract<'a, T> {
    atoms: &'a Array2<T>,
    codes: &'a Array2<T>,
    residual: &'a mut Array2<T>,
}

impl<T: LinalgScalar> Loops for Subtract<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (mut row, codes) in self.residual.rows_mut().into_iter().zip(self.codes.rows()) {
            let row = row.as_slice_mut().expect("rows are contiguous");
            for (code, atom) in codes.iter().zip(self.atoms.rows()) {
                // What is not a number counts.
                if !code.is_zero() {
                    let atom = atom.to_slice().expect("rows are contiguous");
                    row.iter_mut().zip(atom).for_each(|(r, a)| *r = *r - *code * *a);
                }
            }
        }
    }
}

/// The largest entry of Dᵀr that the dual holds against λ.
#[inline(always)]
pub(crate) fn largest_violation<T: NdFloat>(correlations: &[T], sided: Sided) -> T {
    // One-sided, nothing below 0 counts; two-sided, the sign does not.
    match sided {
        Sided::Two => largest_of(correlations, T::abs),
        Sided::One => largest_of(correlations, |v| v),
    }
}

/// The largest size that is above 0, else 0; eight side by side, so that the registers of the machine are full.
#[inline(always)]
fn largest_of<T: NdFloat>(values: &[T], size: impl Fn(T) -> T) -> T {
    let larger = |a: T, b: T| if b > a { b } else { a };
    let (eights, rest) = values.as_chunks::<8>();
    let mut largest = [T::zero(); 8];
    for eight in eights {
        for (largest, v) in largest.iter_mut().zip(eight) {
            *largest = larger(*largest, size(*v));
        }
    }
    let rest = rest.iter().map(|v| size(*v));
    largest.into_iter().chain(rest).fold(T::zero(), larger)
}

/// The gap of one code from ‖r‖², the largest entry of Dᵀr, the pairs of z and Dᵀr (those where z is 0 may be left
/// out) and λ. Primal − dual is written as `½(1 − s)²‖r‖² + Σ (λ|z_j| − s z_j (Dᵀr)_j)`, none of which is below 0, so
/// that nothing cancels.
#[inline(always)]
pub(crate) fn relative_gap(
    squares: f64,
    largest: f64,
    pairs: impl Iterator<Item = (f64, f64)>,
    penalty: f64,
) -> f64 {
    let scale = if largest > penalty { penalty / largest } else { 1.0 };
    let (mut l1, mut unequal) = (0.0, 0.0);
    for (z, v) in pairs.filter(|(z, _)| *z != 0.0) {
        l1 += z.abs();
        unequal += (penalty * z.abs() - scale * z * v).max(0.0);
    }
    let primal = 0.5 * squares + penalty * l1;
    let gap = 0.5 * (1.0 - scale) * (1.0 - scale) * squares + unequal;
    match primal.is_finite() {
        true if primal > 0.0 => gap / primal,
        true => 0.0,
        false => f64::INFINITY,
    }
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

    #[test]
    fn the_gap_does_not_depend_on_the_scale_and_is_that_of_the_definition() {
        let dictionary = array![[0.6, 1.0, -0.3], [0.8, 0.0, 0.9]];
        let (x, codes) = (array![[1.0, -0.5]], array![[0.3, 0.4, -0.2]]);
        let r = &x - &codes.dot(&dictionary.t());
        let (squares, product) = (r.iter().map(|v| v * v).sum::<f64>(), (&x * &r).sum());
        let largest = r.dot(&dictionary).iter().fold(0.0f64, |m, v| m.max(v.abs()));
        let s = (0.1 / largest).min(1.0);
        let primal = 0.5 * squares + 0.1 * 0.9;
        let expected = (primal - s * product + 0.5 * s * s * squares) / primal;
        let plain = duality_gaps(&dictionary, &x, &codes, 0.1, Sided::Two)[0];
        assert!((plain - expected).abs() < 1e-14, "{plain} {expected}");
        for (d, e) in [(0, 600), (0, -700), (500, 0), (-500, 300), (600, -300)] {
            let [data, atoms, both, back] =
                [e, d, d + e, e - d].map(|exponent| move |v: f64| scaled(v, exponent));
            let [dictionary, x] = [dictionary.mapv(atoms), x.mapv(data)];
            let penalty = both(0.1);
            let gap = duality_gaps(&dictionary, &x, &codes.mapv(back), penalty, Sided::Two);
            assert_eq!(gap, [plain], "D by 2^{d}, x by 2^{e}");
        }
    }

    #[test]
    fn codes_beyond_what_can_be_computed_with_have_no_gap() {
        let (dictionary, x) = (array![[1.0]], array![[1.0]]);
        for code in [1e200, f64::INFINITY, f64::NAN] {
            let gap = duality_gaps(&dictionary, &x, &array![[code]], 0.1, Sided::Two)[0];
            assert_eq!(gap, f64::INFINITY, "{code}");
        }
    }
}
