//! Proximal operators: what an iteration does after its gradient step.
//!
//! Each operator is one type in one file. To add your own, derive [`Module`] and implement
//! [`ProximalOperator`]; it then works in every encoder and with every estimator (see
//! `examples/own_proximal_operator.rs`). To offer it in configurations too, add it to [`AnyProx`].

mod hard;
mod layered;
mod learned;
mod schedule;
mod soft;

pub use hard::HardThreshold;
pub use layered::LayeredSoftThreshold;
pub(crate) use layered::row;
pub use learned::LearnedSoftThreshold;
pub(crate) use learned::by_entry;
pub use schedule::PenaltySchedule;
pub use soft::SoftThreshold;
pub use unrolled_kernels::Sided;

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;

use crate::fused::ProxDescription;

/// The operator of one unrolled iteration, `z_{t+1} = prox(v_t)` with `v_t = z_t − α Dᵀ(D z_t − x)`.
///
/// It takes rows of codes, `[n, q]`. Not-a-number must pass through:
/// an operator that thresholds it away would hide a broken input.
pub trait ProximalOperator: Module + ModuleDisplay {
    /// `prox(v)` in iteration `iteration` (0, 1, …) of an encoder with step `step` (α).
    fn apply(&self, v: Tensor<2>, step: f64, iteration: usize) -> Tensor<2>;

    /// λ, the weight of ‖z‖₁ in the lasso loss. Never decayed.
    fn penalty(&self) -> f64;

    /// Which signs the codes may have.
    fn sided(&self) -> Sided;

    /// The operator with every parameter in its set.
    fn project(self) -> Self {
        self
    }

    /// What the kernels and the adjoint by hand need to know of it; `None` where they do not know it.
    fn description(&self) -> Option<ProxDescription<'_>> {
        None
    }
}

/// The soft threshold `relu(v − b) − relu(−v − b)` (two-sided) or `relu(v − b)` (one-sided).
///
/// Written with `relu`, whose derivative at 0 is 0: an entry that lands on the kink carries no
/// gradient, so the mask of the adjoint is `z ≠ 0`.
pub(crate) fn soft_threshold(v: Tensor<2>, bias: Bias, sided: Sided) -> Tensor<2> {
    use burn::tensor::activation::relu;
    let shrink = |v: Tensor<2>| match &bias {
        Bias::Constant(b) => v.sub_scalar(*b),
        Bias::Learned(b) => v.sub(b.clone()),
    };
    match sided {
        Sided::One => relu(shrink(v)),
        Sided::Two => relu(shrink(v.clone())).sub(relu(shrink(v.neg()))),
    }
}

/// A threshold `b = α λ`: a number, or a parameter that broadcasts over the examples.
#[expect(
    clippy::large_enum_variant,
    reason = "one value a call: a box would only add an allocation"
)]
pub(crate) enum Bias {
    Constant(f64),
    /// `[1, q]` or `[1, 1]`.
    Learned(Tensor<2>),
}

/// Every operator that a configuration can name.
#[derive(Module, Debug)]
pub enum AnyProx {
    /// See [`SoftThreshold`].
    Soft(SoftThreshold),
    /// See [`LearnedSoftThreshold`].
    LearnedSoft(LearnedSoftThreshold),
    /// See [`LayeredSoftThreshold`].
    LayeredSoft(LayeredSoftThreshold),
    /// See [`HardThreshold`].
    Hard(HardThreshold),
}

macro_rules! each {
    ($self:expr, $prox:ident => $body:expr) => {
        match $self {
            AnyProx::Soft($prox) => $body,
            AnyProx::LearnedSoft($prox) => $body,
            AnyProx::LayeredSoft($prox) => $body,
            AnyProx::Hard($prox) => $body,
        }
    };
}

impl ProximalOperator for AnyProx {
    fn apply(&self, v: Tensor<2>, step: f64, iteration: usize) -> Tensor<2> {
        each!(self, prox => prox.apply(v, step, iteration))
    }

    fn penalty(&self) -> f64 {
        each!(self, prox => prox.penalty())
    }

    fn sided(&self) -> Sided {
        each!(self, prox => prox.sided())
    }

    fn project(self) -> Self {
        match self {
            Self::LearnedSoft(prox) => Self::LearnedSoft(prox.project()),
            Self::LayeredSoft(prox) => Self::LayeredSoft(prox.project()),
            fixed => fixed,
        }
    }

    fn description(&self) -> Option<ProxDescription<'_>> {
        each!(self, prox => prox.description())
    }
}
