//! An encoder as the kernels see it.

use burn::module::Param;
use burn::tensor::Tensor;
use unrolled_kernels::Operator;

use crate::encoder::Form;
use crate::prox::{PenaltySchedule, Sided};

/// T iterations of ISTA.
#[derive(Clone, Copy, Debug)]
pub struct FusedUnroll<'a> {
    /// The first iteration; later ones have the thresholds of their place.
    pub first: usize,
    /// T.
    pub iterations: usize,
    /// α.
    pub step: f64,
    /// A parameter in place of α in the gradient step, `[1]`.
    pub learned_step: Option<&'a Param<Tensor<1>>>,
    /// The proximal operator.
    pub prox: FusedProx<'a>,
    /// How an iteration is computed; `None` leaves the choice to [`Form::cheapest_fused`].
    pub form: Option<Form>,
}

/// A proximal operator that the kernels know.
#[derive(Clone, Copy, Debug)]
pub struct FusedProx<'a> {
    /// What is done.
    pub operator: Operator,
    /// Which signs the codes may have.
    pub sided: Sided,
    /// From where on.
    pub thresholds: FusedThresholds<'a>,
}

/// The thresholds of a proximal operator.
#[derive(Clone, Copy, Debug)]
pub enum FusedThresholds<'a> {
    /// This, in every iteration.
    Constant(f64),
    /// α λ_t in iteration t.
    Scheduled(PenaltySchedule),
    /// A parameter, `[1]` or `[p]`.
    Learned(&'a Param<Tensor<1>>),
}

impl FusedUnroll<'_> {
    /// The thresholds of all iterations, or of all `atoms`; the latter are parameters.
    pub(super) fn thresholds(&self, atoms: usize) -> (Vec<f64>, bool) {
        match self.prox.thresholds {
            FusedThresholds::Constant(threshold) => (vec![threshold; self.count()], false),
            FusedThresholds::Scheduled(schedule) => {
                let at = |t| self.step * schedule.at(t);
                ((self.first..self.iterations).map(at).collect(), false)
            }
            FusedThresholds::Learned(bias) => {
                let values = crate::tensors::to_values(&bias.val());
                let every = values.iter().cycle().take(atoms).copied().collect();
                (every, true)
            }
        }
    }

    /// How many iterations there are.
    pub(super) fn count(&self) -> usize {
        self.iterations.saturating_sub(self.first)
    }
}
