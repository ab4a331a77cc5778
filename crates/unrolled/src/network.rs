//! Networks that code sparsely, and the batches they are given.

use burn::tensor::Tensor;

use crate::encoder::Encoder;
use crate::operator::LinearOperator;
pub use crate::parameters::Network;

/// A network that codes sparsely: an encoder over a linear operator, and whatever follows on the codes.
pub trait SparseCoder: Network {
    /// What the encoder iterates over, and what its reconstructions `D z` are made with.
    type Operator: LinearOperator;
    /// z_T(x).
    type Encoder: Encoder;

    /// The operator.
    fn operator(&self) -> &Self::Operator;

    /// The encoder.
    fn encoder(&self) -> &Self::Encoder;

    /// Codes `[n, q]` of examples `[n, m]`.
    fn encode(&self, x: &Tensor<2>) -> Tensor<2> {
        self.encoder().encode(self.operator(), x)
    }

    /// Reconstructions `[n, m]` of codes `[n, q]`.
    fn decode(&self, codes: Tensor<2>) -> Tensor<2> {
        self.operator().forward(codes)
    }
}

/// Examples and, where a loss compares with something else, what it compares with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Batch {
    /// What is encoded, `[n, m]`.
    pub x: Tensor<2>,
    /// What reconstructions are held against instead of x, `[n, m]`: clean images.
    pub target: Option<Tensor<2>>,
    /// What a task's loss compares with, `[n, k]`: classes as rows of 0 and 1, values of a regression.
    pub label: Option<Tensor<2>>,
}

impl Batch {
    /// Examples `[n, m]` that are their own target.
    pub fn new(x: Tensor<2>) -> Self {
        Self { x, target: None, label: None }
    }

    /// With targets, a row each.
    pub fn with_target(self, target: Option<Tensor<2>>) -> Self {
        Self { target, ..self }
    }

    /// With labels, a row each.
    pub fn with_label(self, label: Option<Tensor<2>>) -> Self {
        Self { label, ..self }
    }

    /// The same, on a device with autodiff, so that a loss may compute with it and with a network's output.
    pub fn autodiff(&self) -> Self {
        let lifted = |tensor: &Tensor<2>| match tensor.is_autodiff() {
            true => tensor.clone(),
            false => tensor.clone().autodiff(),
        };
        Self {
            x: lifted(&self.x),
            target: self.target.as_ref().map(lifted),
            label: self.label.as_ref().map(lifted),
        }
    }

    /// The target, or x where there is none.
    pub fn target(&self) -> &Tensor<2> {
        self.target.as_ref().unwrap_or(&self.x)
    }
}
