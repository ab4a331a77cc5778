//! T iterations of a proximal gradient method, with or without momentum.

use std::ops::ControlFlow;

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::gradient_step::{GradientStep, StepSize, zero_codes};
use super::momentum::extrapolated;
use super::{Encoder, Form, Momentum, StepLimits};
use crate::fit::{DataFit, LeastSquares};
use crate::fused::{self, Engine, UnrollDescription};
use crate::operator::LinearOperator;
use crate::prox::{ProximalOperator, Sided};

/// `z₀ = 0`, `z_{t+1} = prox(y_t − α Dᵀ f'(D y_t − x))`: [`Unrolled::ista`] with `y_t = z_t` (Daubechies, Defrise
/// and De Mol, 2004; unrolled into a network by Gregor and LeCun, 2010), [`Unrolled::fista`] with Nesterov's
/// [`Momentum`] (Beck and Teboulle, 2009). `f` is a [`DataFit`], least squares unless said otherwise.
///
/// | | |
/// |---|---|
/// | requires | ISTA: α ≤ 2/‖D‖², descent is guaranteed for α ≤ 1/‖D‖²; FISTA: α ≤ 1/‖D‖², refused above 4/(3‖D‖²) |
/// | shapes | `D` maps `[n, q]` to `[n, m]`; `x [n, m]`, `z_t [n, q]` |
/// | cost | T times `forward` and `adjoint` of the operator; for a matrix 4 n m q (residual) or 2 n q² (Gram) operations each |
#[derive(Module, Debug)]
pub struct Unrolled<P, F: DataFit = LeastSquares> {
    /// The proximal operator of every iteration.
    pub prox: P,
    /// f.
    #[module(skip)]
    pub fit: F,
    /// How an iteration uses the iterate before the last.
    #[module(skip)]
    pub momentum: Momentum,
    /// α, a constant to the gradient.
    pub step: f64,
    /// A step that is a parameter, `[1]`, in place of α in the gradient step; the threshold keeps α.
    pub learned_step: Option<Param<Tensor<1>>>,
    /// T.
    pub iterations: usize,
    /// How an iteration with a matrix is computed; `None` leaves the choice to [`Form::cheapest`].
    #[module(skip)]
    pub form: Option<Form>,
    /// Who computes the iterations.
    #[module(skip)]
    pub engine: Engine,
}

impl<P: ProximalOperator> Unrolled<P> {
    /// ISTA: `iterations` iterations with step α, in the cheaper form.
    pub fn ista(prox: P, step: f64, iterations: usize) -> Self {
        Self {
            prox,
            fit: LeastSquares,
            momentum: Momentum::None,
            step,
            learned_step: None,
            iterations,
            form: None,
            engine: Engine::Auto,
        }
    }

    /// FISTA: `iterations` iterations with step α, in the cheaper form.
    pub fn fista(prox: P, step: f64, iterations: usize) -> Self {
        Self { momentum: Momentum::Nesterov, ..Self::ista(prox, step, iterations) }
    }
}

impl<P: ProximalOperator, F: DataFit> Unrolled<P, F> {
    /// The same iterations for another data fit.
    pub fn with_fit<G: DataFit>(self, fit: G) -> Unrolled<P, G> {
        Unrolled {
            prox: self.prox,
            fit,
            momentum: self.momentum,
            step: self.step,
            learned_step: self.learned_step,
            iterations: self.iterations,
            form: self.form,
            engine: self.engine,
        }
    }

    /// Makes the step of the gradient step a parameter, starting at α, of the precision and on the device of
    /// `like`.
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

impl<P: ProximalOperator, F: DataFit> Encoder for Unrolled<P, F> {
    type Fit = F;

    fn fit(&self) -> &F {
        &self.fit
    }

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
        let divergent = match self.momentum {
            Momentum::None => 2.0,
            Momentum::Nesterov => 4.0 / 3.0,
        };
        StepLimits::scaled(1.0, divergent, spectral_norm_squared)
    }

    fn penalty(&self) -> f64 {
        self.prox.penalty()
    }

    fn sided(&self) -> Sided {
        self.prox.sided()
    }

    fn penalty_value(&self, codes: &Tensor<2>) -> Tensor<1> {
        self.prox.value(codes)
    }

    fn penalty_curvature(&self, codes: &Tensor<2>, direction: Tensor<2>) -> Option<Tensor<2>> {
        self.prox.curvature(codes, direction)
    }

    fn project(mut self) -> Self {
        self.prox = self.prox.project();
        self.learned_step =
            self.learned_step.map(|step| crate::tensors::map_values(step, |v| v.clamp_min(0.0)));
        self
    }

    fn description(&self) -> Option<UnrollDescription<'_>> {
        let prox = self.prox.description().filter(|_| self.engine != Engine::Autodiff)?;
        Some(UnrollDescription {
            first: 0,
            iterations: self.iterations,
            step: self.step,
            learned_step: self.learned_step.as_ref(),
            prox,
            momentum: self.momentum,
            least_squares: self.fit.is_least_squares(),
            form: self.form,
        })
    }

    fn encode_from<O: LinearOperator>(
        &self,
        operator: &O,
        x: &Tensor<2>,
        first: usize,
        start: Option<[Tensor<2>; 2]>,
    ) -> Tensor<2> {
        let codes = start.as_ref().map(|[_, codes]| codes);
        let tracked = codes.is_some_and(|codes| codes.is_autodiff() && codes.is_require_grad());
        self.description()
            .filter(|_| !tracked)
            .and_then(|unroll| {
                fused::encode(&UnrollDescription { first, ..unroll }, operator, x, codes)
            })
            .unwrap_or_else(|| {
                let go_on = &mut |_: usize, _: &Tensor<2>| ControlFlow::Continue(());
                self.advance(operator, x, first, start.clone(), go_on)
            })
    }

    fn advance<O: LinearOperator>(
        &self,
        operator: &O,
        x: &Tensor<2>,
        first: usize,
        start: Option<[Tensor<2>; 2]>,
        visit: &mut dyn FnMut(usize, &Tensor<2>) -> ControlFlow<()>,
    ) -> Tensor<2> {
        let step = StepSize::of(self.step, self.learned_step.as_ref());
        let gradient_step =
            GradientStep::prepare(operator, x, &self.fit, step, self.iterations, self.form);
        let (mut previous, mut codes) = match start {
            Some([previous, codes]) => (Some(previous), Some(codes)),
            None => (None, None),
        };
        let weights = self.momentum.weights();
        for (iteration, weight) in (0..self.iterations).zip(weights).skip(first) {
            let y = extrapolated(codes.as_ref(), previous.as_ref(), weight);
            let next = self.prox.apply(gradient_step.take(y, iteration), self.step, iteration);
            let flow = visit(iteration + 1, &next);
            previous = codes.replace(next);
            if flow.is_break() {
                break;
            }
        }
        codes.unwrap_or_else(|| zero_codes(operator, x))
    }
}
