//! The hard threshold.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{ProximalOperator, Sided};
use crate::fused::{Operator, ProxDescription, ThresholdsDescription};

/// `prox(v) = v` where `|v| > θ`, else 0; one-sided, where `v > θ`.
///
/// It does not shrink what it keeps, so codes have no bias once the support is right. The threshold
/// θ is *not* multiplied by the step; λ serves the lasso loss alone. Its derivative is 1 where an
/// entry is kept and 0 elsewhere (used by NOODL: Rambhatla, Li and Haupt, 2019).
#[derive(Module, Debug)]
pub struct HardThreshold {
    /// θ.
    pub threshold: f64,
    /// λ of the lasso loss.
    pub penalty: f64,
    /// Which signs the codes may have.
    #[module(skip)]
    pub sided: Sided,
}

impl HardThreshold {
    /// Keeps entries beyond `threshold`; `penalty` is λ of the lasso loss.
    pub fn new(threshold: f64, penalty: f64, sided: Sided) -> Self {
        Self { threshold, penalty, sided }
    }
}

impl ProximalOperator for HardThreshold {
    fn apply(&self, v: Tensor<2>, _step: f64, _iteration: usize) -> Tensor<2> {
        // Asking what to drop rather than what to keep lets not-a-number through.
        let values = v.clone().inner();
        let dropped = match self.sided {
            Sided::Two => values.abs().lower_equal_elem(self.threshold),
            Sided::One => values.lower_equal_elem(self.threshold),
        };
        let dropped = if v.is_autodiff() { dropped.autodiff() } else { dropped };
        v.mask_fill(dropped, 0.0)
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
            operator: Operator::Hard,
            sided: self.sided,
            thresholds: ThresholdsDescription::Constant(self.threshold),
        })
    }
}
