//! Least squares.

use burn::tensor::Tensor;

use super::DataFit;

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
