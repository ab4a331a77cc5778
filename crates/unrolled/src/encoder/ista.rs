//! The iterative soft-thresholding algorithm, unrolled.

use std::ops::ControlFlow;

use burn::module::Module;
use burn::tensor::Tensor;

use super::{Encoder, Form, StepLimits};
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
    /// T.
    pub iterations: usize,
    /// How an iteration is computed; `None` leaves the choice to [`Form::cheapest`].
    #[module(skip)]
    pub form: Option<Form>,
}

impl<P: ProximalOperator> Ista<P> {
    /// `iterations` iterations with step α, in the cheaper form.
    pub fn new(prox: P, step: f64, iterations: usize) -> Self {
        Self { prox, step, iterations, form: None }
    }

    /// Forces the form of the iterations.
    pub fn with_form(mut self, form: Form) -> Self {
        self.form = Some(form);
        self
    }

    fn form_for(&self, dictionary: &Tensor<2>, x: &Tensor<2>) -> Form {
        let [features, atoms] = dictionary.dims();
        self.form.unwrap_or_else(|| Form::cheapest(features, atoms, self.iterations, x.dims()[0]))
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

    fn unroll(
        &self,
        dictionary: &Tensor<2>,
        x: &Tensor<2>,
        visit: &mut dyn FnMut(usize, &Tensor<2>) -> ControlFlow<()>,
    ) -> Tensor<2> {
        let [examples, atoms] = [x.dims()[0], dictionary.dims()[1]];
        let gradient_step = GradientStep::prepare(self, dictionary, x);
        let mut codes: Option<Tensor<2>> = None;
        for iteration in 0..self.iterations {
            let v = gradient_step.take(codes);
            let next = self.prox.apply(v, self.step, iteration);
            let flow = visit(iteration + 1, &next);
            codes = Some(next);
            if flow.is_break() {
                break;
            }
        }
        codes.unwrap_or_else(|| Tensor::zeros([examples, atoms], (&x.device(), x.dtype())))
    }
}

/// `v = z − α Dᵀ(D z − x)` with everything that does not change from one iteration to the next.
#[expect(
    clippy::large_enum_variant,
    reason = "one value a call: a box would only add an allocation"
)]
enum GradientStep {
    Residual {
        dictionary: Tensor<2>,
        /// α D.
        scaled: Tensor<2>,
        x: Tensor<2>,
    },
    Gram {
        /// α DᵀD.
        scaled_gram: Tensor<2>,
        /// α X D.
        correlations: Tensor<2>,
    },
}

impl GradientStep {
    fn prepare<P: ProximalOperator>(ista: &Ista<P>, dictionary: &Tensor<2>, x: &Tensor<2>) -> Self {
        let x = match dictionary.is_autodiff() {
            true => x.clone().autodiff(),
            false => x.clone(),
        };
        let scaled = dictionary.clone().mul_scalar(ista.step);
        match ista.form_for(dictionary, &x) {
            Form::Residual => {
                Self::Residual { dictionary: dictionary.clone().transpose(), scaled, x }
            }
            Form::Gram => Self::Gram {
                scaled_gram: dictionary.clone().transpose().matmul(scaled.clone()),
                correlations: x.matmul(scaled),
            },
        }
    }

    /// From z_t, or from z₀ = 0 where there is none yet.
    fn take(&self, codes: Option<Tensor<2>>) -> Tensor<2> {
        match (self, codes) {
            (Self::Residual { scaled, x, .. }, None) => x.clone().matmul(scaled.clone()),
            (Self::Gram { correlations, .. }, None) => correlations.clone(),
            (Self::Residual { dictionary, scaled, x }, Some(z)) => {
                let residual = z.clone().matmul(dictionary.clone()).sub(x.clone());
                z.sub(residual.matmul(scaled.clone()))
            }
            (Self::Gram { scaled_gram, correlations }, Some(z)) => {
                let image = z.clone().matmul(scaled_gram.clone());
                z.sub(image).add(correlations.clone())
            }
        }
    }
}
