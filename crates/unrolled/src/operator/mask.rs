//! A weight per entry.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{LinearOperator, Weights};
use crate::tensors::together;

/// `x = w ⊙ z` with one weight per entry: 0 for what was not measured, as in inpainting. It is not trained.
#[derive(Module, Debug)]
pub struct Mask {
    /// w, `[1, m]` or `[n, m]`.
    #[module(skip)]
    weights: Tensor<2>,
}

impl Mask {
    /// With one weight per entry, `[m]`.
    pub fn new(weights: Tensor<1>) -> Self {
        let width = weights.dims()[0];
        Self { weights: weights.inner().reshape([1, width]) }
    }

    /// With weights of their own for each of n rows, `[n, m]`.
    pub fn by_row(weights: Tensor<2>) -> Self {
        Self { weights: weights.inner() }
    }

    /// w, `[1, m]` or `[n, m]`.
    pub fn weights(&self) -> &Tensor<2> {
        &self.weights
    }

    fn apply(&self, rows: Tensor<2>) -> Tensor<2> {
        let (rows, weights) = together(rows, self.weights.clone());
        rows.mul(weights)
    }
}

impl LinearOperator for Mask {
    fn shape(&self) -> [usize; 2] {
        [self.weights.dims()[1]; 2]
    }

    fn forward(&self, z: Tensor<2>) -> Tensor<2> {
        self.apply(z)
    }

    fn adjoint(&self, x: Tensor<2>) -> Tensor<2> {
        self.apply(x)
    }

    fn as_weights(&self) -> Option<Weights> {
        Some(Weights::Rows(self.weights.clone()))
    }
}
