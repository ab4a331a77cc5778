//! The proximal operator of the elastic net.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{Bias, ProximalOperator, Separable, Sided, distance_to_subgradient, soft_threshold};
use crate::loss::sparsity;

/// `prox(v) = soft(v, α λ) / (1 + α λ γ)`, of the penalty `λ (‖z‖₁ + γ/2 ‖z‖²)` (H. Zou, T. Hastie, *Regularization and
/// variable selection via the elastic net*, Journal of the Royal Statistical Society B, 2005).
///
/// The square keeps codes of atoms that resemble each other apart from none, and the solution unique: its curvature is
/// λγ at least.
#[derive(Module, Debug)]
pub struct ElasticNet {
    /// λ.
    pub penalty: f64,
    /// γ.
    pub ratio: f64,
    /// Which signs the codes may have.
    #[module(skip)]
    pub sided: Sided,
}

impl ElasticNet {
    /// With λ and γ.
    pub fn new(penalty: f64, ratio: f64, sided: Sided) -> Self {
        Self { penalty, ratio, sided }
    }
}

impl ProximalOperator for ElasticNet {
    fn apply(&self, v: Tensor<2>, step: f64, _iteration: usize) -> Tensor<2> {
        let bias = step * self.penalty;
        soft_threshold(v, Bias::Constant(bias), self.sided)
            .mul_scalar(1.0 / (1.0 + bias * self.ratio))
    }

    fn penalty(&self) -> f64 {
        self.penalty
    }

    fn sided(&self) -> Sided {
        self.sided
    }

    fn value(&self, codes: &Tensor<2>) -> Tensor<1> {
        let examples = codes.dims()[0] as f64;
        let squares =
            codes.clone().mul(codes.clone()).sum().mul_scalar(0.5 * self.ratio / examples);
        sparsity(codes).add(squares).mul_scalar(self.penalty)
    }

    fn curvature(&self, _codes: &Tensor<2>, direction: Tensor<2>) -> Option<Tensor<2>> {
        Some(direction.mul_scalar(self.penalty * self.ratio))
    }

    fn violation(&self, codes: &Tensor<2>, gradient: Tensor<2>) -> Option<Tensor<2>> {
        let slope = gradient.add(codes.clone().mul_scalar(self.penalty * self.ratio));
        Some(distance_to_subgradient(codes, slope, self.penalty, self.sided))
    }

    fn separable(&self) -> Option<Separable> {
        Some(Separable { penalty: self.penalty, ridge: self.penalty * self.ratio })
    }
}
