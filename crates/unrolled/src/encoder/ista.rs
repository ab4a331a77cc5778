//! The iterative soft-thresholding algorithm, unrolled.

use std::ops::ControlFlow;

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::gradient_step::{GradientStep, StepSize, zero_codes};
use super::{Encoder, Form, StepLimits};
use crate::fused::{self, Engine, FusedUnroll};
use crate::prox::{ProximalOperator, Sided};

/// ISTA: `z₀ = 0`, `z_{t+1} = prox(z_t − α Dᵀ(D z_t − x))` (Daubechies, Defrise and De Mol, 2004;
/// unrolled into a network by Gregor and LeCun, 2010).
///
/// | | |
/// |---|---|
/// | requires | α ≤ 2/‖D‖²; descent in every iteration is guaranteed for α ≤ 1/‖D‖² |
/// | shapes | `D [m, p]`, `x [n, m]`, `z_t [n, p]` |
/// | cost | T times 4 n m p (residual) or 2 n p² (Gram) operations |
#[derive(Module, Debug)]
pub struct Ista<P> {
    /// The proximal operator of every iteration.
    pub prox: P,
    /// α, a constant to the gradient.
    pub step: f64,
    /// A step that is a parameter, `[1]`, in place of α in the gradient step; the threshold keeps α.
    pub learned_step: Option<Param<Tensor<1>>>,
    /// T.
    pub iterations: usize,
    /// How an iteration is computed; `None` leaves the choice to [`Form::cheapest`].
    #[module(skip)]
    pub form: Option<Form>,
    /// Who computes the iterations.
    #[module(skip)]
    pub engine: Engine,
}

impl<P: ProximalOperator> Ista<P> {
    /// `iterations` iterations with step α, in the cheaper form.
    pub fn new(prox: P, step: f64, iterations: usize) -> Self {
        Self { prox, step, learned_step: None, iterations, form: None, engine: Engine::Auto }
    }

    /// Makes the step of the gradient step a parameter, starting at α.
    pub fn with_learned_step(mut self, like: &Tensor<2>) -> Self {
        let start = Tensor::full([1], self.step, (&like.device(), like.dtype()));
        self.learned_step = Some(Param::from_tensor(start));
        self
    }

    /// Chooses who computes the iterations.
    pub fn with_engine(mut self, engine: Engine) -> Self {
        self.engine = engine;
        self
    }

    /// Forces the form of the iterations.
    pub fn with_form(mut self, form: Form) -> Self {
        self.form = Some(form);
        self
    }
}

impl<P: ProximalOperator> Encoder for Ista<P> {
    fn iterations(&self) -> usize {
        self.iterations
    }

    fn with_iterations(mut self, iterations: usize) -> Self {
        self.iterations = iterations;
        self
    }

    fn step(&self) -> f64 {
        self.step
    }

    fn step_limits(&self, spectral_norm_squared: f64) -> StepLimits {
        StepLimits::scaled(1.0, 2.0, spectral_norm_squared)
    }

    fn penalty(&self) -> f64 {
        self.prox.penalty()
    }

    fn sided(&self) -> Sided {
        self.prox.sided()
    }

    fn fused(&self) -> Option<FusedUnroll<'_>> {
        let prox = self.prox.fused().filter(|_| self.engine != Engine::Autodiff)?;
        Some(FusedUnroll {
            first: 0,
            iterations: self.iterations,
            step: self.step,
            learned_step: self.learned_step.as_ref(),
            prox,
            form: self.form,
        })
    }

    fn encode_from(
        &self,
        dictionary: &Tensor<2>,
        x: &Tensor<2>,
        first: usize,
        start: Option<[Tensor<2>; 2]>,
    ) -> Tensor<2> {
        let codes = start.as_ref().map(|[_, codes]| codes);
        let tracked = codes.is_some_and(|codes| codes.is_autodiff() && codes.is_require_grad());
        self.fused()
            .filter(|_| !tracked)
            .and_then(|unroll| {
                fused::encode(&FusedUnroll { first, ..unroll }, dictionary, x, codes)
            })
            .unwrap_or_else(|| {
                let go_on = &mut |_: usize, _: &Tensor<2>| ControlFlow::Continue(());
                self.advance(dictionary, x, first, start.clone(), go_on)
            })
    }

    fn advance(
        &self,
        dictionary: &Tensor<2>,
        x: &Tensor<2>,
        first: usize,
        start: Option<[Tensor<2>; 2]>,
        visit: &mut dyn FnMut(usize, &Tensor<2>) -> ControlFlow<()>,
    ) -> Tensor<2> {
        let gradient_step = GradientStep::prepare(
            dictionary,
            x,
            StepSize { constant: self.step, learned: self.learned_step.as_ref() },
            self.iterations,
            self.form,
        );
        let mut codes = start.map(|[_, codes]| codes);
        for iteration in first..self.iterations {
            let v = gradient_step.take(codes);
            let next = self.prox.apply(v, self.step, iteration);
            let flow = visit(iteration + 1, &next);
            codes = Some(next);
            if flow.is_break() {
                break;
            }
        }
        codes.unwrap_or_else(|| zero_codes(dictionary, x))
    }
}
