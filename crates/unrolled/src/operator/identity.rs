//! The identity.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{LinearOperator, Weights};

/// `x = z`: a measurement of everything.
#[derive(Module, Debug)]
pub struct Identity {
    /// m = q.
    pub width: usize,
}

impl LinearOperator for Identity {
    fn shape(&self) -> [usize; 2] {
        [self.width; 2]
    }

    fn forward(&self, z: Tensor<2>) -> Tensor<2> {
        z
    }

    fn adjoint(&self, x: Tensor<2>) -> Tensor<2> {
        x
    }

    fn as_weights(&self) -> Option<Weights> {
        Some(Weights::Ones)
    }
}
