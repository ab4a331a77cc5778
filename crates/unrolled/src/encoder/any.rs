//! Every encoder that a configuration can name.

use std::ops::ControlFlow;

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::{Encoder, Fista, Ista, StepLimits};
use crate::fused::FusedUnroll;
use crate::prox::{AnyProx, Sided};

/// One of the encoders, with any of the proximal operators.
#[derive(Module, Debug)]
pub enum AnyEncoder {
    /// See [`Ista`].
    Ista(Ista<AnyProx>),
    /// See [`Fista`].
    Fista(Fista<AnyProx>),
}

macro_rules! each {
    ($self:expr, $encoder:ident => $body:expr) => {
        match $self {
            AnyEncoder::Ista($encoder) => $body,
            AnyEncoder::Fista($encoder) => $body,
        }
    };
}

impl AnyEncoder {
    /// The proximal operator.
    pub fn prox(&self) -> &AnyProx {
        each!(self, encoder => &encoder.prox)
    }

    /// The learned step, where there is one.
    pub fn learned_step(&self) -> Option<&Param<Tensor<1>>> {
        each!(self, encoder => encoder.learned_step.as_ref())
    }

    /// Makes the step a parameter with this value, `[1]`.
    pub fn set_learned_step(&mut self, step: Tensor<1>) {
        each!(self, encoder => encoder.learned_step = Some(Param::from_tensor(step)))
    }

    /// The proximal operator, to be changed.
    pub fn prox_mut(&mut self) -> &mut AnyProx {
        each!(self, encoder => &mut encoder.prox)
    }
}

impl Encoder for AnyEncoder {
    fn iterations(&self) -> usize {
        each!(self, encoder => encoder.iterations())
    }

    fn with_iterations(self, iterations: usize) -> Self {
        match self {
            Self::Ista(encoder) => Self::Ista(encoder.with_iterations(iterations)),
            Self::Fista(encoder) => Self::Fista(encoder.with_iterations(iterations)),
        }
    }

    fn step(&self) -> f64 {
        each!(self, encoder => encoder.step())
    }

    fn step_limits(&self, spectral_norm_squared: f64) -> StepLimits {
        each!(self, encoder => encoder.step_limits(spectral_norm_squared))
    }

    fn penalty(&self) -> f64 {
        each!(self, encoder => encoder.penalty())
    }

    fn sided(&self) -> Sided {
        each!(self, encoder => encoder.sided())
    }

    fn fused(&self) -> Option<FusedUnroll<'_>> {
        each!(self, encoder => encoder.fused())
    }

    fn encode_from(
        &self,
        dictionary: &Tensor<2>,
        x: &Tensor<2>,
        first: usize,
        start: Option<[Tensor<2>; 2]>,
    ) -> Tensor<2> {
        each!(self, encoder => encoder.encode_from(dictionary, x, first, start))
    }

    fn advance(
        &self,
        dictionary: &Tensor<2>,
        x: &Tensor<2>,
        first: usize,
        start: Option<[Tensor<2>; 2]>,
        visit: &mut dyn FnMut(usize, &Tensor<2>) -> ControlFlow<()>,
    ) -> Tensor<2> {
        each!(self, encoder => encoder.advance(dictionary, x, first, start, visit))
    }
}
