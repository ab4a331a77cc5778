//! What is minimised.

use burn::tensor::Tensor;

use crate::encoder::Encoder;
use crate::fit::DataFit;
use crate::network::{Batch, SparseCoder};
use crate::operator::LinearOperator;
use crate::tensors::together;

/// A loss of a network on a batch and its codes: one of [`Loss`], or a closure
/// `Fn(&N, &Batch, &Tensor<2>) -> Tensor<1>` of your own. It is a mean over the examples.
///
/// λ of the lasso belongs to the loss, though it is the one that the encoder was made with.
pub trait Objective<N>: Send + Sync {
    /// The value `[1]` for codes `[n, q]`. Estimators call it with network, batch and codes on a device with autodiff.
    fn value(&self, network: &N, batch: &Batch, codes: &Tensor<2>) -> Tensor<1>;

    /// Which of the known losses it is: the kernels know those.
    fn known(&self) -> Option<Loss> {
        None
    }
}

/// The losses of sparse coding, on examples `x` with codes `z` and reconstructions `x̂ = D z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loss {
    /// reconstruction = ½ · mean over examples of ‖x − x̂‖².
    LeastSquares,
    /// lasso = reconstruction + λ · mean over examples of ‖z‖₁.
    Lasso,
}

impl<N: SparseCoder> Objective<N> for Loss {
    fn value(&self, network: &N, batch: &Batch, codes: &Tensor<2>) -> Tensor<1> {
        let losses = Losses::of(network, batch, codes);
        match self {
            Self::LeastSquares => losses.reconstruction,
            Self::Lasso => losses.lasso,
        }
    }

    fn known(&self) -> Option<Loss> {
        Some(*self)
    }
}

impl<N, F> Objective<N> for F
where
    F: Fn(&N, &Batch, &Tensor<2>) -> Tensor<1> + Send + Sync,
{
    fn value(&self, network: &N, batch: &Batch, codes: &Tensor<2>) -> Tensor<1> {
        self(network, batch, codes)
    }
}

/// The values of both known losses, each of shape `[1]`.
#[derive(Clone, Debug)]
pub struct Losses {
    /// ½ · mean over examples of ‖x − x̂‖², or another data fit in its place.
    pub reconstruction: Tensor<1>,
    /// reconstruction + λ · mean over examples of ‖z‖₁, or another penalty of the encoder's in its place.
    pub lasso: Tensor<1>,
}

impl Losses {
    /// For an operator of shape `[m, q]`, examples `[n, m]`, codes `[n, q]` and penalty λ, by least squares.
    pub fn evaluate<O: LinearOperator>(
        operator: &O,
        x: &Tensor<2>,
        codes: &Tensor<2>,
        penalty: f64,
    ) -> Self {
        let penalty = sparsity(codes).mul_scalar(penalty);
        Self::with_penalty(&crate::fit::LeastSquares, residual(operator, x, codes), penalty)
    }

    /// Of a network, by the fit of its encoder, against the batch's target.
    pub fn of<N: SparseCoder>(network: &N, batch: &Batch, codes: &Tensor<2>) -> Self {
        let encoder = network.encoder();
        let residual = residual_of(network, batch, codes);
        Self::with_penalty(encoder.fit(), residual, encoder.penalty_value(codes))
    }

    pub(crate) fn with_penalty<F: DataFit>(
        fit: &F,
        residual: Tensor<2>,
        penalty: Tensor<1>,
    ) -> Self {
        let (reconstruction, penalty) = together(fit.value(residual), penalty);
        let lasso = reconstruction.clone().add(penalty);
        Self { reconstruction, lasso }
    }

    /// One of the two.
    pub fn get(&self, loss: Loss) -> &Tensor<1> {
        match loss {
            Loss::LeastSquares => &self.reconstruction,
            Loss::Lasso => &self.lasso,
        }
    }

    /// Without the graph.
    pub fn inner(self) -> Self {
        Self { reconstruction: self.reconstruction.inner(), lasso: self.lasso.inner() }
    }
}

/// mean over examples of ‖z‖₁. Its derivative at 0 is 0.
pub fn sparsity(codes: &Tensor<2>) -> Tensor<1> {
    let examples = codes.dims()[0] as f64;
    codes.clone().abs().sum().mul_scalar(1.0 / examples)
}

/// What a network predicts from codes, less the batch's target or its examples, `[n, m]`.
pub(crate) fn residual_of<N: SparseCoder>(
    network: &N,
    batch: &Batch,
    codes: &Tensor<2>,
) -> Tensor<2> {
    let predicted = network.predict(batch, codes.clone());
    crate::encoder::gradient_step::difference(predicted, batch.target())
}

/// `D z − x`, `[n, m]`, with the graph of the codes and the operator where there is one.
pub(crate) fn residual<O: LinearOperator>(
    operator: &O,
    x: &Tensor<2>,
    codes: &Tensor<2>,
) -> Tensor<2> {
    crate::encoder::gradient_step::difference(operator.forward(codes.clone()), x)
}
