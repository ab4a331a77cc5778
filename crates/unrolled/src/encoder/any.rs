//! Every encoder that a configuration can name.

use std::ops::ControlFlow;

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::{AnyUnrolled, Encoder, Solved, StepLimits};
use crate::fit::AnyFit;
use crate::fused::UnrollDescription;
use crate::operator::LinearOperator;
use crate::prox::{AnyProx, Sided};

/// Unrolled or solved, with any of the proximal operators and fits.
#[derive(Module, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "one value a network: a box would only add an allocation"
)]
pub enum AnyEncoder {
    /// See [`super::Unrolled`].
    Unrolled(AnyUnrolled),
    /// See [`Solved`].
    Solved(Solved<AnyProx, AnyFit>),
}

macro_rules! each {
    ($self:expr, $encoder:ident => $body:expr) => {
        match $self {
            AnyEncoder::Unrolled($encoder) => $body,
            AnyEncoder::Solved($encoder) => $body,
        }
    };
}

impl AnyEncoder {
    /// Its proximal operator.
    pub fn prox(&self) -> &AnyProx {
        each!(self, encoder => &encoder.prox)
    }

    /// The step that is a parameter, `[1]`, where one is.
    pub fn learned_step(&self) -> Option<&Param<Tensor<1>>> {
        match self {
            Self::Unrolled(encoder) => encoder.learned_step.as_ref(),
            Self::Solved(_) => None,
        }
    }

    /// Its proximal operator, to change a constant of.
    pub fn prox_mut(&mut self) -> &mut AnyProx {
        each!(self, encoder => &mut encoder.prox)
    }
}

impl From<AnyUnrolled> for AnyEncoder {
    fn from(encoder: AnyUnrolled) -> Self {
        Self::Unrolled(encoder)
    }
}

impl From<super::Unrolled<AnyProx>> for AnyEncoder {
    fn from(encoder: super::Unrolled<AnyProx>) -> Self {
        Self::Unrolled(encoder.with_fit(AnyFit::default()))
    }
}

impl From<Solved<AnyProx, AnyFit>> for AnyEncoder {
    fn from(encoder: Solved<AnyProx, AnyFit>) -> Self {
        Self::Solved(encoder)
    }
}

impl Encoder for AnyEncoder {
    type Fit = AnyFit;

    fn fit(&self) -> &AnyFit {
        each!(self, encoder => encoder.fit())
    }

    fn iterations(&self) -> usize {
        each!(self, encoder => encoder.iterations())
    }

    fn with_iterations(self, iterations: usize) -> Self {
        each!(self, encoder => encoder.with_iterations(iterations).into())
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

    fn penalty_value(&self, codes: &Tensor<2>) -> Tensor<1> {
        each!(self, encoder => encoder.penalty_value(codes))
    }

    fn penalty_curvature(&self, codes: &Tensor<2>, direction: Tensor<2>) -> Option<Tensor<2>> {
        each!(self, encoder => encoder.penalty_curvature(codes, direction))
    }

    fn unrolls(&self) -> bool {
        each!(self, encoder => encoder.unrolls())
    }

    fn advance<O: LinearOperator>(
        &self,
        operator: &O,
        x: &Tensor<2>,
        first: usize,
        start: Option<[Tensor<2>; 2]>,
        visit: &mut dyn FnMut(usize, &Tensor<2>) -> ControlFlow<()>,
    ) -> Tensor<2> {
        each!(self, encoder => encoder.advance(operator, x, first, start, visit))
    }

    fn encode_from<O: LinearOperator>(
        &self,
        operator: &O,
        x: &Tensor<2>,
        first: usize,
        start: Option<[Tensor<2>; 2]>,
    ) -> Tensor<2> {
        each!(self, encoder => encoder.encode_from(operator, x, first, start))
    }

    fn project(self) -> Self {
        each!(self, encoder => encoder.project().into())
    }

    fn description(&self) -> Option<UnrollDescription<'_>> {
        each!(self, encoder => encoder.description())
    }
}
