//! Encoders: unrolled iterations that turn examples into codes.
//!
//! An encoder knows how many iterations it makes, with which step and which proximal operator; the
//! dictionary it is handed may carry a graph or not, and the iterates carry one accordingly.

mod form;
mod ista;
mod step;

pub use form::Form;
pub use ista::Ista;
pub use step::{StepLimits, StepVerdict, automatic_step};

use std::ops::ControlFlow;

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;

use crate::prox::Sided;

/// Unrolled sparse coding: `T` iterations from `z₀ = 0`.
pub trait Encoder: Module + ModuleDisplay {
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

    /// Runs the iterations on examples `x` `[n, m]` with a dictionary `[m, p]` and hands every
    /// iterate z_t `[n, p]`, t = 1, 2, …, T, to `visit`, which may stop early. Returns the last
    /// iterate reached; z₀ = 0 for T = 0.
    fn unroll(
        &self,
        dictionary: &Tensor<2>,
        x: &Tensor<2>,
        visit: &mut dyn FnMut(usize, &Tensor<2>) -> ControlFlow<()>,
    ) -> Tensor<2>;

    /// z_T `[n, p]` of examples `x` `[n, m]`.
    fn encode(&self, dictionary: &Tensor<2>, x: &Tensor<2>) -> Tensor<2> {
        self.unroll(dictionary, x, &mut |_, _| ControlFlow::Continue(()))
    }
}
