//! The soft threshold, the proximal operator of `α λ ‖z‖₁`.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{
    Bias, PenaltySchedule, ProximalOperator, Separable, Sided, distance_to_subgradient,
    soft_threshold,
};
use crate::fused::{Operator, ProxDescription, ThresholdsDescription};

/// `prox(v) = sign(v) · relu(|v| − α λ_t)`; one-sided, `relu(v − α λ_t)`.
///
/// With a constant penalty, ISTA with this operator minimises the lasso
/// `½‖x − D z‖² + λ‖z‖₁` (Daubechies, Defrise and De Mol, 2004). The price is bias: every non-zero
/// code comes out too small by the order of λ.
#[derive(Module, Debug)]
pub struct SoftThreshold {
    /// λ_t.
    #[module(skip)]
    pub schedule: PenaltySchedule,
    /// Which signs the codes may have.
    #[module(skip)]
    pub sided: Sided,
}

impl SoftThreshold {
    /// With the same penalty λ in every iteration.
    pub fn new(penalty: f64, sided: Sided) -> Self {
        Self::scheduled(PenaltySchedule::constant(penalty), sided)
    }

    /// With a penalty that depends on the iteration.
    pub fn scheduled(schedule: PenaltySchedule, sided: Sided) -> Self {
        Self { schedule, sided }
    }
}

impl ProximalOperator for SoftThreshold {
    fn apply(&self, v: Tensor<2>, step: f64, iteration: usize) -> Tensor<2> {
        let bias = Bias::Constant(step * self.schedule.at(iteration));
        soft_threshold(v, bias, self.sided)
    }

    fn penalty(&self) -> f64 {
        self.schedule.initial
    }

    fn sided(&self) -> Sided {
        self.sided
    }

    fn curvature(&self, _codes: &Tensor<2>, direction: Tensor<2>) -> Option<Tensor<2>> {
        Some(direction.zeros_like())
    }

    fn violation(&self, codes: &Tensor<2>, gradient: Tensor<2>) -> Option<Tensor<2>> {
        let separable = self.separable()?;
        Some(distance_to_subgradient(codes, gradient, separable.penalty, self.sided))
    }

    fn separable(&self) -> Option<Separable> {
        let penalty = self.schedule.initial;
        self.schedule.is_constant().then_some(Separable { penalty, ridge: 0.0 })
    }

    fn description(&self) -> Option<ProxDescription<'_>> {
        Some(ProxDescription {
            operator: Operator::Soft,
            sided: self.sided,
            thresholds: ThresholdsDescription::Scheduled(self.schedule),
        })
    }
}
