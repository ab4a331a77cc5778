//! What is measured of an image.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{Blur, Identity, LinearOperator, Mask, Weights};
use crate::parameters::Network;

/// The measurement A of `x ≈ A D z`.
#[derive(Module, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "one value a network: a box would only add an allocation"
)]
pub enum Measurement {
    /// All of it.
    All(Identity),
    /// Some of its pixels: inpainting.
    Mask(Mask),
    /// A blurred image: deblurring.
    Blur(Blur),
}

macro_rules! each {
    ($self:expr, $operator:ident => $body:expr) => {
        match $self {
            Measurement::All($operator) => $body,
            Measurement::Mask($operator) => $body,
            Measurement::Blur($operator) => $body,
        }
    };
}

impl LinearOperator for Measurement {
    fn shape(&self) -> [usize; 2] {
        each!(self, operator => operator.shape())
    }

    fn forward(&self, z: Tensor<2>) -> Tensor<2> {
        each!(self, operator => operator.forward(z))
    }

    fn adjoint(&self, x: Tensor<2>) -> Tensor<2> {
        each!(self, operator => operator.adjoint(x))
    }

    fn as_weights(&self) -> Option<Weights> {
        each!(self, operator => operator.as_weights())
    }
}

impl Network for Measurement {}
