//! `g_implicit`: through the solution.

use std::fmt;

use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::implicit::{System, estimate, solve};
use super::{Estimate, Estimator, Reach, head};
use crate::encoder::Encoder;
use crate::fit::DataFit;
use crate::loss::{Loss, Objective, residual};
use crate::network::{Batch, SparseCoder};
use crate::operator::LinearOperator;
use crate::parameters::merge;

/// The derivative of a loss, one of the known ones or your own, through the solution of sparse coding.
///
/// At a solution `Dᵀ f'(D z − x) + ∂ penalty(z) ∋ 0`. Where z is not 0 this can be differentiated: with H the curvature
/// of fit and penalty on the support of z, q = ∂ loss/∂z there, and `u = −H⁻¹ q` (0 elsewhere),
/// `d loss/dD = ∂ loss/∂D + ∂_D ⟨D u, f'(D z − x)⟩` (Q. Bertrand and others, *Implicit differentiation for fast
/// hyperparameter selection in non-smooth convex learning*, JMLR 2022, proposition 1; J. Mairal, F. Bach, J. Ponce,
/// *Task-driven dictionary learning*, IEEE TPAMI 2012, proposition 1, of the elastic net).
///
/// | | |
/// |---|---|
/// | what it is | `d loss/dD` exactly, where the codes are the solution; with fewer iterations, what the codes at hand stand for |
/// | cost | the codes and a linear system of the size of every support; memory for one iterate, whatever T |
/// | requires | an operator that is its own adjoint's pair, a fit and a penalty with a curvature |
/// | choose it | where codes are solved, or T would be large |
/// | has no gradient for | a learned bias or step |
/// | singular | a support whose H has no inverse (atoms that are the same): the gradient is not a number and [`Estimate::trouble`] says so; `ridge` is added to H where it is asked for |
#[derive(Clone, Copy)]
pub struct GImplicit<L = Loss> {
    /// The loss.
    pub loss: L,
    /// Added to the diagonal of H; 0 unless asked for.
    pub ridge: f64,
    /// How the system is solved.
    pub system: System,
}

impl<L> GImplicit<L> {
    /// Of a loss, without a ridge.
    pub fn new(loss: L) -> Self {
        Self { loss, ridge: 0.0, system: System::Auto }
    }
}

impl<L> fmt::Debug for GImplicit<L> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("GImplicit")
            .field("ridge", &self.ridge)
            .field("system", &self.system)
            .finish_non_exhaustive()
    }
}

impl<L> GImplicit<L> {
    /// The gradients at codes `[k n, q]`, and what is wrong with them.
    fn gradients<N: SparseCoder>(&self, network: &N, batch: &Batch, codes: Tensor<2>) -> Estimate
    where
        L: Objective<N>,
    {
        let plain = network.valid();
        if self.loss.known() == Some(Loss::LeastSquares)
            && self.system == System::Auto
            && let Some(estimate) = estimate(&plain, batch, &codes, self.ridge)
        {
            return estimate;
        }
        let head = head::differentiate(network, batch, &self.loss, codes.clone());
        let (operator, encoder) = (plain.operator(), plain.encoder());
        let x = plain.inputs(&batch.x.clone().inner());
        let residual = residual(operator, &x, &codes);
        let (u, trouble) =
            solve(self.system, operator, encoder, &residual, &codes, head.of_codes, self.ridge);
        let u = u.neg();
        let slope = encoder.fit().gradient(residual.clone());
        let bent = encoder.fit().curvature(&residual, operator.forward(u.clone()));
        let through = merge(
            operator,
            operator.adjoint_weight_gradient(&u, &slope),
            operator.weight_gradient(&bent, &codes),
        );
        let mut estimate = head.estimate;
        estimate.gradients = merge(network, estimate.gradients, through);
        estimate.trouble = trouble;
        estimate
    }
}

impl<N: SparseCoder, L: Objective<N>> Estimator<N> for GImplicit<L> {
    fn name(&self) -> &'static str {
        "g_implicit"
    }

    fn descends(&self) -> Option<Loss> {
        self.loss.known()
    }

    fn reach(&self) -> Reach {
        Reach::Solution
    }

    fn estimate_batch(&self, network: &N, batch: &Batch) -> Estimate {
        let codes = network.valid().encode(&batch.x.clone().inner());
        self.gradients(network, batch, codes)
    }

    fn at_codes(&self, network: &N, x: &Tensor<2>, codes: &Tensor<2>) -> Option<GradientsParams> {
        Some(self.gradients(network, &Batch::new(x.clone()), codes.clone()).gradients)
    }
}
