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

    /// What the encoder iterates over, `[k n, m']`, of examples `[n, m]`: they themselves, unless a network takes several
    /// views of each. One that does must have an operator that is no matrix.
    fn inputs(&self, x: &Tensor<2>) -> Tensor<2> {
        x.clone()
    }

    /// What is made of reconstructions of the inputs, `[k n, m']`: those of the examples, `[n, m]`. A linear map.
    fn assemble(&self, rows: Tensor<2>) -> Tensor<2> {
        rows
    }

    /// Codes `[k n, q]` of examples `[n, m]`.
    fn encode(&self, x: &Tensor<2>) -> Tensor<2> {
        self.encoder().encode(self.operator(), &self.inputs(x))
    }

    /// What codes stand for: `D z`, also where `A D z` is measured. Losses hold it against a batch's target.
    fn decode(&self, codes: Tensor<2>) -> Tensor<2> {
        self.assemble(self.operator().decode(codes))
    }

    /// Reconstructions of what is encoded: `D z`, or `A D z` where that is measured. Losses hold them against x where a
    /// batch has no target. A network that makes something else of codes must have an operator that is no matrix: the
    /// kernels know of `D z` alone.
    fn reconstruct(&self, codes: Tensor<2>) -> Tensor<2> {
        self.assemble(self.operator().forward(codes))
    }

    /// What losses hold against the target or, where there is none, x.
    fn predict(&self, batch: &Batch, codes: Tensor<2>) -> Tensor<2> {
        match batch.target {
            Some(_) => self.decode(codes),
            None => self.reconstruct(codes),
        }
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

    /// The same, without a graph.
    pub fn inner(&self) -> Self {
        let plain = |tensor: &Tensor<2>| tensor.clone().inner();
        Self {
            x: plain(&self.x),
            target: self.target.as_ref().map(plain),
            label: self.label.as_ref().map(plain),
        }
    }

    /// The target, or x where there is none.
    pub fn target(&self) -> &Tensor<2> {
        self.target.as_ref().unwrap_or(&self.x)
    }
}
