//! A matrix that is no parameter.

use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::{LinearOperator, MatrixView};
use crate::product::product;
use crate::tensors::together;

/// `A [m, q]`, atoms or measurements as it is: `Z Aᵀ` and `X A`. It is not trained.
impl LinearOperator for Tensor<2> {
    fn shape(&self) -> [usize; 2] {
        self.dims()
    }

    fn forward(&self, z: Tensor<2>) -> Tensor<2> {
        let (z, matrix) = together(z, self.clone());
        product(z, matrix.transpose())
    }

    fn adjoint(&self, x: Tensor<2>) -> Tensor<2> {
        let (x, matrix) = together(x, self.clone());
        product(x, matrix)
    }

    fn weight_gradient(&self, _x: &Tensor<2>, _z: &Tensor<2>) -> GradientsParams {
        GradientsParams::new()
    }

    fn as_matrix(&self) -> Option<MatrixView> {
        Some(MatrixView { matrix: self.clone(), parameter: None })
    }
}
