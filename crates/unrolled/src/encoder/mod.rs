//! Encoders: unrolled iterations that turn examples into codes.
//!
//! An encoder knows how many iterations it makes, with which step and which proximal operator; the
//! dictionary it is handed may carry a graph or not, and the iterates carry one accordingly.

mod any;
mod fista;
mod form;
mod gradient_step;
mod ista;
mod step;

pub use any::AnyEncoder;
pub use fista::Fista;
pub use form::Form;
pub use ista::Ista;
pub use step::{StepLimits, StepVerdict, automatic_step};

use std::ops::ControlFlow;

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;

use crate::fused::FusedUnroll;
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

    /// Runs iterations `first`, `first + 1`, …, T − 1 on examples `x` `[n, m]` with a dictionary
    /// `[m, p]` and hands every new iterate z_t `[n, p]`, t = `first` + 1, …, T, to `visit`, which may
    /// stop early. Returns the last iterate.
    ///
    /// `start` holds z_{first − 1} and z_{first}; `None` stands for z₀ = 0 and `first` = 0.
    fn advance(
        &self,
        dictionary: &Tensor<2>,
        x: &Tensor<2>,
        first: usize,
        start: Option<[Tensor<2>; 2]>,
        visit: &mut dyn FnMut(usize, &Tensor<2>) -> ControlFlow<()>,
    ) -> Tensor<2>;

    /// All iterations from z₀ = 0; every iterate z_t, t = 1, …, T, goes to `visit`.
    fn unroll(
        &self,
        dictionary: &Tensor<2>,
        x: &Tensor<2>,
        visit: &mut dyn FnMut(usize, &Tensor<2>) -> ControlFlow<()>,
    ) -> Tensor<2> {
        self.advance(dictionary, x, 0, None, visit)
    }

    /// z_T `[n, p]` of examples `x` `[n, m]`.
    fn encode(&self, dictionary: &Tensor<2>, x: &Tensor<2>) -> Tensor<2> {
        self.encode_from(dictionary, x, 0, None)
    }

    /// z_T, from iteration `first` on: [`Encoder::advance`] without a look at the iterates on the way.
    fn encode_from(
        &self,
        dictionary: &Tensor<2>,
        x: &Tensor<2>,
        first: usize,
        start: Option<[Tensor<2>; 2]>,
    ) -> Tensor<2> {
        self.advance(dictionary, x, first, start, &mut |_, _| ControlFlow::Continue(()))
    }

    /// What the fused kernels need to know to compute this encoder; `None` where they must not or cannot.
    fn fused(&self) -> Option<FusedUnroll<'_>> {
        None
    }
}
