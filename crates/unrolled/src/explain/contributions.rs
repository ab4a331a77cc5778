//! Weights of training examples.

use nalgebra::{Cholesky, DMatrix, Dyn};
use ndarray::{Array2, Axis};

/// `(ZᵀZ + ω I)⁻¹`, factored; Z are the codes of the training examples.
///
/// | | |
/// |---|---|
/// | shapes | Z `[n, p]`, new codes ẑ `[k, p]`, X `[n, m]`, D `[m, p]` |
/// | cost | `n p²` and `p³` once; `n p²` for the atoms, `k p² + k n p` for k reconstructions |
/// | memory | `p²` beside codes and weights; codes may come in blocks of rows |
#[derive(Clone, Debug)]
pub struct Contributions {
    factor: Cholesky<f64, Dyn>,
}

/// A pivot whose square is this share of the largest diagonal or less is one of a singular matrix.
const SINGULAR: f64 = 1e-14;

impl Contributions {
    /// From Z `[n, p]` and ω. `None` where ω is 0 and atoms are used by no example, or by dependent ones: then the weights are not
    /// unique.
    pub fn new(codes: &Array2<f64>, ridge: f64) -> Option<Self> {
        Self::from_gram(&codes.t().dot(codes), ridge)
    }

    /// From ZᵀZ `[p, p]`, which may be a sum over blocks of examples.
    pub fn from_gram(gram: &Array2<f64>, ridge: f64) -> Option<Self> {
        let p = gram.nrows();
        let system = DMatrix::from_fn(p, p, |i, j| gram[[i, j]] + if i == j { ridge } else { 0.0 });
        let largest = system.diagonal().iter().fold(0.0f64, |largest, v| largest.max(*v));
        let factor = system.cholesky()?;
        let pivot = |i| factor.l_dirty()[(i, i)];
        let regular = (0..p).all(|i| pivot(i) * pivot(i) > SINGULAR * largest);
        regular.then_some(Self { factor })
    }

    /// `V (ZᵀZ + ω I)⁻¹` of rows V `[k, p]`, some rows at a time so that little is held twice.
    pub(super) fn solve(&self, rows: &Array2<f64>) -> Array2<f64> {
        const ROWS: usize = 1024;
        let mut out = Array2::zeros(rows.dim());
        let blocks = out.axis_chunks_iter_mut(Axis(0), ROWS);
        for (mut out, rows) in blocks.zip(rows.axis_chunks_iter(Axis(0), ROWS)) {
            let right = DMatrix::from_fn(rows.ncols(), rows.nrows(), |i, j| rows[[j, i]]);
            let solved = self.factor.solve(&right);
            out.indexed_iter_mut().for_each(|((i, j), out)| *out = solved[(j, i)]);
        }
        out
    }

    /// What the examples of some rows of Z, `[b, p]`, contribute to each atom: rows of `G⁻¹ Z`, `[b, p]`.
    pub fn to_atoms(&self, codes: &Array2<f64>) -> Array2<f64> {
        self.solve(codes)
    }

    /// What the examples of some rows of Z, `[b, p]`, contribute to the reconstructions of new codes ẑ `[k, p]`: β, `[k, b]`.
    pub fn to_reconstructions(&self, codes: &Array2<f64>, new: &Array2<f64>) -> Array2<f64> {
        self.solve(new).dot(&codes.t())
    }

    /// `Xᵀ G⁻¹ Z`, `[m, p]`: the dictionary that is best for codes Z `[n, p]` of examples X `[n, m]`.
    pub fn dictionary(&self, x: &Array2<f64>, codes: &Array2<f64>) -> Array2<f64> {
        self.solve(&x.t().dot(codes))
    }
}
