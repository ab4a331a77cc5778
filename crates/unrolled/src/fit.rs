//! Data fits: how far `D z` is from `x`.

use std::fmt::Debug;

use burn::tensor::Tensor;

/// A separable, differentiable fit `f` of the residual `r = D z − x`. An iteration is
/// `z ← prox(z − α Dᵀ f'(D z − x))`.
pub trait DataFit: Clone + Debug + Send + Sync + 'static {
    /// `mean over examples of Σ f(r)`, `[1]`, for residuals `[n, m]`.
    fn value(&self, residual: Tensor<2>) -> Tensor<1>;

    /// `f'(r)`, entry by entry.
    fn gradient(&self, residual: Tensor<2>) -> Tensor<2>;

    /// `f''(r) ⊙ v`: what pulls a gradient back through [`Self::gradient`].
    fn curvature(&self, residual: &Tensor<2>, direction: Tensor<2>) -> Tensor<2>;

    /// Whether `f'(r) = r`: the Gram form and the kernels then serve.
    fn is_least_squares(&self) -> bool {
        false
    }
}

/// `½ r²`.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeastSquares;

impl DataFit for LeastSquares {
    fn value(&self, residual: Tensor<2>) -> Tensor<1> {
        let examples = residual.dims()[0] as f64;
        residual.clone().mul(residual).sum().mul_scalar(0.5 / examples)
    }

    fn gradient(&self, residual: Tensor<2>) -> Tensor<2> {
        residual
    }

    fn curvature(&self, _residual: &Tensor<2>, direction: Tensor<2>) -> Tensor<2> {
        direction
    }

    fn is_least_squares(&self) -> bool {
        true
    }
}
