//! The soft threshold whose bias is a parameter.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::{Bias, ProximalOperator, Sided, soft_threshold};
use crate::fused::{Operator, ProxDescription, ThresholdsDescription};
use crate::tensors::{map_values, together};

/// `prox(v) = sign(v) · relu(|v| − b)`; one-sided, `relu(v − b)`.
///
/// The bias `b = α λ` is learned, one number for all atoms or one for each. It must stay
/// non-negative: [`ProximalOperator::project`] after every step of an optimiser.
/// λ of the lasso loss stays the constant it was initialised from.
///
/// `g_dec` has no gradient for the bias, because it never looks into the encoder.
#[derive(Module, Debug)]
pub struct LearnedSoftThreshold {
    /// b, of shape `[1]`, `[p]`, or `[b]` with b a divisor of the code's width: each number serves as many
    /// consecutive entries.
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
}

/// A bias `[b]` as a row `[1, q]`: each of its numbers serves q/b consecutive entries of a code.
pub(crate) fn by_entry(bias: Tensor<1>, width: usize) -> Tensor<2> {
    let [count] = bias.dims();
    assert!(count > 0 && width.is_multiple_of(count), "a bias of {count} for codes of {width}");
    match count {
        1 => bias.reshape([1, 1]),
        _ => bias.reshape([count, 1]).expand([count, width / count]).reshape([1, width]),
    }
}

impl ProximalOperator for LearnedSoftThreshold {
    fn apply(&self, v: Tensor<2>, _step: f64, _iteration: usize) -> Tensor<2> {
        let thresholds = by_entry(self.bias.val(), v.dims()[1]);
        let (v, thresholds) = together(v, thresholds);
        soft_threshold(v, Bias::Learned(thresholds), self.sided)
    }

    fn project(mut self) -> Self {
        self.bias = map_values(self.bias, |bias| bias.clamp_min(0.0));
        self
    }

    fn penalty(&self) -> f64 {
        self.penalty
    }

    fn sided(&self) -> Sided {
        self.sided
    }

    fn curvature(&self, _codes: &Tensor<2>, direction: Tensor<2>) -> Option<Tensor<2>> {
        Some(direction.zeros_like())
    }

    fn description(&self) -> Option<ProxDescription<'_>> {
        Some(ProxDescription {
            operator: Operator::Soft,
            sided: self.sided,
            thresholds: ThresholdsDescription::Learned(&self.bias),
        })
    }
}
