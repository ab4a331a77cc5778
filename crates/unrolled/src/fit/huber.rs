//! Huber's fit.

use burn::tensor::Tensor;

use super::{DataFit, mean_of_sums};

/// `½ r²` where `|r| ≤ δ`, `δ (|r| − δ/2)` beyond (P. J. Huber, *Robust estimation of a location parameter*, Annals of
/// Mathematical Statistics, 1964): large residuals count by their size and not by its square.
#[derive(Clone, Copy, Debug)]
pub struct Huber {
    /// δ > 0.
    pub delta: f64,
}

impl DataFit for Huber {
    /// With `c` the residual cut off at ±δ, `c (r − c/2)`.
    fn value(&self, residual: Tensor<2>) -> Tensor<1> {
        let cut = residual.clone().clamp(-self.delta, self.delta);
        mean_of_sums(cut.clone().mul(residual.sub(cut.mul_scalar(0.5))))
    }

    fn gradient(&self, residual: Tensor<2>) -> Tensor<2> {
        residual.clamp(-self.delta, self.delta)
    }

    fn curvature(&self, residual: &Tensor<2>, direction: Tensor<2>) -> Tensor<2> {
        let beyond = residual.clone().abs().greater_elem(self.delta);
        direction.mask_fill(beyond, 0.0)
    }
}
