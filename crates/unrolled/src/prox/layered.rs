//! The soft threshold with biases of their own in every iteration, and by noise level.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::{Bias, ProximalOperator, Sided, by_entry, soft_threshold};
use crate::fused::{Operator, ProxDescription, ThresholdsDescription};
use crate::tensors::{map_values, together};

/// `prox(v) = sign(v) · relu(|v| − b_t)` with `b_t = base_t + σ slope_t`, t = 0, …, T − 1; one-sided, `relu(v − b_t)`.
///
/// One network then serves every noise level σ (N. Janjušević, A. Khalilian-Gourtani, Y. Wang, *CDLNet*, IEEE OJSP 2022,
/// equation 10). Both are kept non-negative by [`ProximalOperator::project`]. λ of the lasso loss stays the constant it
/// was initialised from.
#[derive(Module, Debug)]
pub struct LayeredSoftThreshold {
    /// `[layers, b]`: a row for each iteration or one for all; each of its numbers
    /// serves q/b consecutive entries.
    pub base: Param<Tensor<2>>,
    /// Of the same shape.
    pub slope: Option<Param<Tensor<2>>>,
    /// σ, in the units of the examples: not a parameter.
    pub noise: f64,
    /// λ of the lasso loss.
    pub penalty: f64,
    /// Which signs the codes may have.
    #[module(skip)]
    pub sided: Sided,
}

impl LayeredSoftThreshold {
    /// From initial biases `[layers, b]`, the same for every noise level.
    pub fn new(base: Tensor<2>, penalty: f64, sided: Sided) -> Self {
        Self { base: Param::from_tensor(base), slope: None, noise: 0.0, penalty, sided }
    }

    /// With biases that grow with the noise level σ, which is `noise` for now.
    pub fn with_slope(mut self, slope: Tensor<2>, noise: f64) -> Self {
        assert_eq!(slope.dims(), self.base.dims(), "slopes are of the shape of the biases");
        self.slope = Some(Param::from_tensor(slope));
        self.noise = noise;
        self
    }

    /// b, `[layers, b]`.
    pub fn biases(&self) -> Tensor<2> {
        match &self.slope {
            Some(slope) => {
                let (base, slope) = together(self.base.val(), slope.val());
                base.add(slope.mul_scalar(self.noise))
            }
            None => self.base.val(),
        }
    }

    /// b_t as a row `[1, q]`, or `[1, 1]`.
    pub(crate) fn at(&self, iteration: usize, width: usize) -> Tensor<2> {
        row(&self.biases(), iteration, width)
    }
}

/// The biases of an iteration, of `[layers, b]`, as a row `[1, q]` or `[1, 1]`.
pub(crate) fn row(biases: &Tensor<2>, iteration: usize, width: usize) -> Tensor<2> {
    let [layers, count] = biases.dims();
    let of_iteration = biases.clone().narrow(0, iteration.min(layers - 1), 1);
    by_entry(of_iteration.reshape([count]), width)
}

impl ProximalOperator for LayeredSoftThreshold {
    fn apply(&self, v: Tensor<2>, _step: f64, iteration: usize) -> Tensor<2> {
        let bias = self.at(iteration, v.dims()[1]);
        let (v, bias) = together(v, bias);
        soft_threshold(v, Bias::Learned(bias), self.sided)
    }

    fn project(mut self) -> Self {
        self.base = map_values(self.base, |base| base.clamp_min(0.0));
        self.slope = self.slope.map(|slope| map_values(slope, |slope| slope.clamp_min(0.0)));
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
            thresholds: ThresholdsDescription::Layered(self),
        })
    }
}
