//! Powers of the residual.

use burn::tensor::Tensor;

use super::{DataFit, mean_of_sums};

/// `|r|^q`, without a half, for `q ≥ 2`: below, its slope at 0 has no bound that a step could respect.
///
/// Graphics adapters raise to powers in float32 alone.
#[derive(Clone, Copy, Debug)]
pub struct Power {
    /// q.
    pub exponent: f64,
}

impl DataFit for Power {
    fn value(&self, residual: Tensor<2>) -> Tensor<1> {
        mean_of_sums(residual.abs().powf_scalar(self.exponent))
    }

    /// `q |r|^{q−1} sign(r)`.
    fn gradient(&self, residual: Tensor<2>) -> Tensor<2> {
        let size = residual.clone().abs().powf_scalar(self.exponent - 1.0);
        size.mul(residual.sign()).mul_scalar(self.exponent)
    }

    /// `q (q − 1) |r|^{q−2}`.
    fn curvature(&self, residual: &Tensor<2>, direction: Tensor<2>) -> Tensor<2> {
        let size = residual.clone().abs().powf_scalar(self.exponent - 2.0);
        size.mul(direction).mul_scalar(self.exponent * (self.exponent - 1.0))
    }
}
