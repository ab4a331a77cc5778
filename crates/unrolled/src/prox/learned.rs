//! The soft threshold whose bias is a parameter.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::{Bias, ProximalOperator, Sided, soft_threshold};
use crate::fused::{FusedProx, FusedThresholds, Operator};

/// `prox(v) = sign(v) · relu(|v| − b)`; one-sided, `relu(v − b)`.
///
/// The bias `b = α λ` is learned, one number for all atoms or one for each. It must stay
/// non-negative: project it after every optimiser step with [`LearnedSoftThreshold::project`].
/// λ of the lasso loss stays the constant it was initialised from.
///
/// `g_dec` has no gradient for the bias, because it never looks into the encoder.
#[derive(Module, Debug)]
pub struct LearnedSoftThreshold {
    /// b, of shape `[1]` or `[p]`.
    pub bias: Param<Tensor<1>>,
    /// λ of the lasso loss.
    pub penalty: f64,
    /// Which signs the codes may have.
    #[module(skip)]
    pub sided: Sided,
}

impl LearnedSoftThreshold {
    /// From an initial bias of shape `[1]` or `[p]`, usually α λ.
    pub fn new(bias: Tensor<1>, penalty: f64, sided: Sided) -> Self {
        Self { bias: Param::from_tensor(bias), penalty, sided }
    }

    /// Sets negative entries of the bias to zero.
    pub fn project(mut self) -> Self {
        self.bias = self.bias.map(|bias| {
            let projected = bias.clone().inner().clamp_min(0.0);
            if bias.is_autodiff() {
                Tensor::from_inner(projected).set_require_grad(bias.is_require_grad())
            } else {
                projected
            }
        });
        self
    }
}

impl ProximalOperator for LearnedSoftThreshold {
    fn apply<const R: usize>(&self, v: Tensor<R>, _step: f64, _iteration: usize) -> Tensor<R> {
        let bias = self.bias.val();
        let mut shape = [1; R];
        // Atoms are the last axis of a dense code and the second of a convolutional one.
        shape[1.min(R - 1)] = bias.dims()[0];
        soft_threshold(v, Bias::Learned(bias.reshape(shape)), self.sided)
    }

    fn penalty(&self) -> f64 {
        self.penalty
    }

    fn sided(&self) -> Sided {
        self.sided
    }

    fn fused(&self) -> Option<FusedProx<'_>> {
        Some(FusedProx {
            operator: Operator::Soft,
            sided: self.sided,
            thresholds: FusedThresholds::Learned(&self.bias),
        })
    }
}
