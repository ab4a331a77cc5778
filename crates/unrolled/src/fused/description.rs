//! An encoder as the kernels and the adjoint by hand see it.

use burn::module::Param;
use burn::tensor::Tensor;
use unrolled_kernels::Operator;

use crate::encoder::{Form, Momentum};
use crate::prox::{LayeredSoftThreshold, PenaltySchedule, Sided};

/// T iterations of ISTA or FISTA.
#[derive(Clone, Copy, Debug)]
pub struct UnrollDescription<'a> {
    /// The first iteration; later ones have the thresholds of their place.
    pub first: usize,
    /// T.
    pub iterations: usize,
    /// α.
    pub step: f64,
    /// A parameter in place of α in the gradient step, `[1]`.
    pub learned_step: Option<&'a Param<Tensor<1>>>,
    /// The proximal operator.
    pub prox: ProxDescription<'a>,
    /// How an iteration uses the iterate before the last; the kernels know [`Momentum::None`].
    pub momentum: Momentum,
    /// Whether the data fit is least squares; the kernels know no other.
    pub least_squares: bool,
    /// How an iteration is computed; `None` leaves the choice to [`Form::cheapest_fused`].
    pub form: Option<Form>,
}

/// A proximal operator that the kernels and the adjoint by hand know.
#[derive(Clone, Copy, Debug)]
pub struct ProxDescription<'a> {
    /// What is done.
    pub operator: Operator,
    /// Which signs the codes may have.
    pub sided: Sided,
    /// From where on.
    pub thresholds: ThresholdsDescription<'a>,
}

/// The thresholds of a proximal operator.
#[derive(Clone, Copy, Debug)]
pub enum ThresholdsDescription<'a> {
    /// This, in every iteration.
    Constant(f64),
    /// α λ_t in iteration t.
    Scheduled(PenaltySchedule),
    /// A parameter, `[1]` or `[p]`.
    Learned(&'a Param<Tensor<1>>),
    /// Parameters of every iteration, and by noise level.
    Layered(&'a LayeredSoftThreshold),
}

impl UnrollDescription<'_> {
    /// The thresholds of all iterations, or of all `atoms`; the latter are parameters.
    pub(super) fn thresholds(&self, atoms: usize) -> (Vec<f64>, bool) {
        match self.prox.thresholds {
            ThresholdsDescription::Constant(threshold) => (vec![threshold; self.count()], false),
            ThresholdsDescription::Scheduled(schedule) => {
                let at = |t| self.step * schedule.at(t);
                ((self.first..self.iterations).map(at).collect(), false)
            }
            ThresholdsDescription::Learned(bias) => {
                let values = crate::tensors::to_values(&bias.val());
                let every = values.iter().cycle().take(atoms).copied().collect();
                (every, true)
            }
            ThresholdsDescription::Layered(_) => unreachable!("`suits_kernels` was asked before"),
        }
    }

    /// Whether it is what the kernels compute.
    pub(super) fn suits_kernels(&self) -> bool {
        let layered = matches!(self.prox.thresholds, ThresholdsDescription::Layered(_));
        self.momentum == Momentum::None && self.least_squares && !layered
    }

    /// Whether it is what the kernels of convolutions compute.
    pub(super) fn suits_convolution(&self) -> bool {
        self.momentum == Momentum::None && self.least_squares
    }

    /// How many iterations there are.
    pub(super) fn count(&self) -> usize {
        self.iterations.saturating_sub(self.first)
    }
}
