//! Data fits: how far `D z` is from `x`.
//!
//! Each fit is one type in one file; a fit of your own implements [`DataFit`]. To offer it in configurations too, add it
//! to [`AnyFit`].

mod huber;
mod least_squares;
mod power;

pub use huber::Huber;
pub use least_squares::LeastSquares;
pub use power::Power;

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

/// Every fit that a configuration can name.
#[derive(Clone, Copy, Debug)]
pub enum AnyFit {
    /// See [`LeastSquares`].
    LeastSquares(LeastSquares),
    /// See [`Power`].
    Power(Power),
    /// See [`Huber`].
    Huber(Huber),
}

impl Default for AnyFit {
    fn default() -> Self {
        Self::LeastSquares(LeastSquares)
    }
}

macro_rules! each {
    ($self:expr, $fit:ident => $body:expr) => {
        match $self {
            AnyFit::LeastSquares($fit) => $body,
            AnyFit::Power($fit) => $body,
            AnyFit::Huber($fit) => $body,
        }
    };
}

impl DataFit for AnyFit {
    fn value(&self, residual: Tensor<2>) -> Tensor<1> {
        each!(self, fit => fit.value(residual))
    }

    fn gradient(&self, residual: Tensor<2>) -> Tensor<2> {
        each!(self, fit => fit.gradient(residual))
    }

    fn curvature(&self, residual: &Tensor<2>, direction: Tensor<2>) -> Tensor<2> {
        each!(self, fit => fit.curvature(residual, direction))
    }

    fn is_least_squares(&self) -> bool {
        each!(self, fit => fit.is_least_squares())
    }
}

/// The mean over examples of the sum of `[n, m]` values.
fn mean_of_sums(values: Tensor<2>) -> Tensor<1> {
    let examples = values.dims()[0] as f64;
    values.sum().mul_scalar(1.0 / examples)
}
