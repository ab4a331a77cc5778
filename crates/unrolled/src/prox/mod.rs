//! Proximal operators: what an iteration does after its gradient step.
//!
//! Each operator is one type in one file. To add your own, derive [`Module`] and implement
//! [`ProximalOperator`]; it then works in every encoder and with every estimator (see
//! `examples/own_proximal_operator.rs`). To offer it in configurations too, add it to [`AnyProx`].

mod elastic_net;
mod group;
mod hard;
mod layered;
mod learned;
mod schedule;
mod soft;
mod top_k;

pub use elastic_net::ElasticNet;
pub use group::GroupSoftThreshold;
pub use hard::HardThreshold;
pub use layered::LayeredSoftThreshold;
pub(crate) use layered::row;
pub use learned::LearnedSoftThreshold;
pub(crate) use learned::by_entry;
pub use schedule::PenaltySchedule;
pub use soft::SoftThreshold;
pub use top_k::TopK;
pub use unrolled_kernels::Sided;

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;

use crate::fused::ProxDescription;
use crate::loss::sparsity;

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

    /// The penalty of codes `[n, q]`, a mean over examples, `[1]`: λ‖z‖₁ unless the operator is that of another one.
    fn value(&self, codes: &Tensor<2>) -> Tensor<1> {
        sparsity(codes).mul_scalar(self.penalty())
    }

    /// The curvature of the penalty where codes are not 0, applied to a direction `[n, q]` that is 0 where they are;
    /// `None` where the operator is of no penalty. It is what implicit differentiation needs.
    fn curvature(&self, _codes: &Tensor<2>, _direction: Tensor<2>) -> Option<Tensor<2>> {
        None
    }

    /// How far the gradient of the fit, `[n, q]`, is from −∂ penalty at codes, entry by entry: 0 at a solution. `None`
    /// where that is not known.
    fn violation(&self, _codes: &Tensor<2>, _gradient: Tensor<2>) -> Option<Tensor<2>> {
        None
    }

    /// λ and the ridge, where the penalty is `λ‖z‖₁ + ridge/2 ‖z‖²`: coordinate descent and the duality gap then serve.
    fn separable(&self) -> Option<Separable> {
        None
    }

    /// The operator with every parameter in its set.
    fn project(self) -> Self {
        self
    }

    /// What the kernels and the adjoint by hand need to know of it; `None` where they do not know it.
    fn description(&self) -> Option<ProxDescription<'_>> {
        None
    }
}

/// A penalty `λ‖z‖₁ + ridge/2 ‖z‖²`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Separable {
    /// λ.
    pub penalty: f64,
    /// λγ of the elastic net.
    pub ridge: f64,
}

/// The distance of `−slope` from λ ∂‖z‖₁, entry by entry; one-sided, with codes kept at 0 or above.
pub(crate) fn distance_to_subgradient(
    codes: &Tensor<2>,
    slope: Tensor<2>,
    penalty: f64,
    sided: Sided,
) -> Tensor<2> {
    let used = slope.clone().add(codes.clone().sign().mul_scalar(penalty)).abs();
    let excess = match sided {
        Sided::Two => slope.abs(),
        Sided::One => slope.neg(),
    };
    let unused = excess.sub_scalar(penalty).clamp_min(0.0);
    used.mask_where(codes.clone().equal_elem(0.0), unused)
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
    /// See [`ElasticNet`].
    ElasticNet(ElasticNet),
    /// See [`GroupSoftThreshold`].
    GroupSoft(GroupSoftThreshold),
    /// See [`TopK`].
    TopK(TopK),
    /// See [`HardThreshold`].
    Hard(HardThreshold),
}

macro_rules! each {
    ($self:expr, $prox:ident => $body:expr) => {
        match $self {
            AnyProx::Soft($prox) => $body,
            AnyProx::LearnedSoft($prox) => $body,
            AnyProx::LayeredSoft($prox) => $body,
            AnyProx::ElasticNet($prox) => $body,
            AnyProx::GroupSoft($prox) => $body,
            AnyProx::TopK($prox) => $body,
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

    fn value(&self, codes: &Tensor<2>) -> Tensor<1> {
        each!(self, prox => prox.value(codes))
    }

    fn curvature(&self, codes: &Tensor<2>, direction: Tensor<2>) -> Option<Tensor<2>> {
        each!(self, prox => prox.curvature(codes, direction))
    }

    fn violation(&self, codes: &Tensor<2>, gradient: Tensor<2>) -> Option<Tensor<2>> {
        each!(self, prox => prox.violation(codes, gradient))
    }

    fn separable(&self) -> Option<Separable> {
        each!(self, prox => prox.separable())
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
