//! Encoders: iterations that turn examples into codes, unrolled ([`Unrolled`]) or run to the solution ([`Solved`]).
//!
//! An encoder knows how many iterations it makes, with which step, data fit and proximal operator; the
//! operator it is handed may carry a graph or not, and the iterates carry one accordingly.

mod any;
pub(crate) mod gradient_step;
pub(crate) mod momentum;
mod solved;
mod step;
mod unrolled;

pub use any::AnyEncoder;
pub use momentum::Momentum;
pub use solved::{COARSE, Method, Quality, Solution, Solved};
pub use step::{StepLimits, StepVerdict, automatic_step};
pub use unrolled::Unrolled;
pub use unrolled_kernels::Form;

/// An unroll that a configuration names: any momentum, any proximal operator, any fit.
pub type AnyUnrolled = Unrolled<AnyProx, AnyFit>;

use std::ops::ControlFlow;

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;

use crate::fit::{AnyFit, DataFit};
use crate::fused::UnrollDescription;
use crate::operator::LinearOperator;
use crate::prox::{AnyProx, Sided};

/// Sparse coding: at most `T` iterations from `z₀ = 0`.
pub trait Encoder: Module + ModuleDisplay {
    /// Which fit of the data the iterations minimise.
    type Fit: DataFit;

    /// That fit.
    fn fit(&self) -> &Self::Fit;

    /// T.
    fn iterations(&self) -> usize;

    /// The same encoder with another T.
    fn with_iterations(self, iterations: usize) -> Self;

    /// α.
    fn step(&self) -> f64;

    /// The steps for which the encoder converges on a dictionary with this ‖D‖².
    fn step_limits(&self, spectral_norm_squared: f64) -> StepLimits;

    /// λ of the lasso loss.
    fn penalty(&self) -> f64;

    /// Which signs the codes may have.
    fn sided(&self) -> Sided;

    /// The penalty of codes `[n, q]`, a mean over examples, `[1]`; λ‖z‖₁ unless the proximal operator is of another.
    fn penalty_value(&self, codes: &Tensor<2>) -> Tensor<1> {
        crate::loss::sparsity(codes).mul_scalar(self.penalty())
    }

    /// The curvature of that penalty where codes are not 0, applied to a direction, as
    /// [`crate::prox::ProximalOperator::curvature`]: implicit differentiation needs it.
    fn penalty_curvature(&self, _codes: &Tensor<2>, _direction: Tensor<2>) -> Option<Tensor<2>> {
        None
    }

    /// Whether its iterations are a network to differentiate: all T of them, and not a solver's.
    fn unrolls(&self) -> bool {
        true
    }

    /// Runs iterations `first`, `first + 1`, …, T − 1 on examples `x` `[n, m]` with an operator
    /// of shape `[m, q]` and hands every new iterate z_t `[n, q]`, t = `first` + 1, …, T, to `visit`, which may
    /// stop early. Returns the last iterate.
    ///
    /// `start` holds z_{first − 1} and z_{first}; `None` stands for z₀ = 0 and `first` = 0.
    fn advance<O: LinearOperator>(
        &self,
        operator: &O,
        x: &Tensor<2>,
        first: usize,
        start: Option<[Tensor<2>; 2]>,
        visit: &mut dyn FnMut(usize, &Tensor<2>) -> ControlFlow<()>,
    ) -> Tensor<2>;

    /// All iterations from z₀ = 0; every iterate z_t, t = 1, …, T, goes to `visit`.
    fn unroll<O: LinearOperator>(
        &self,
        operator: &O,
        x: &Tensor<2>,
        visit: &mut dyn FnMut(usize, &Tensor<2>) -> ControlFlow<()>,
    ) -> Tensor<2> {
        self.advance(operator, x, 0, None, visit)
    }

    /// z_T `[n, q]` of examples `x` `[n, m]`.
    fn encode<O: LinearOperator>(&self, operator: &O, x: &Tensor<2>) -> Tensor<2> {
        self.encode_from(operator, x, 0, None)
    }

    /// z_T, from iteration `first` on: [`Encoder::advance`] without a look at the iterates on the way.
    fn encode_from<O: LinearOperator>(
        &self,
        operator: &O,
        x: &Tensor<2>,
        first: usize,
        start: Option<[Tensor<2>; 2]>,
    ) -> Tensor<2> {
        self.advance(operator, x, first, start, &mut |_, _| ControlFlow::Continue(()))
    }

    /// The encoder with every parameter in its set: what is done after each step of an optimiser.
    fn project(self) -> Self {
        self
    }

    /// What the kernels and the adjoint by hand need to know to compute this encoder; `None` where they must not
    /// or cannot.
    fn description(&self) -> Option<UnrollDescription<'_>> {
        None
    }
}
