//! ISTA with Nesterov's momentum, unrolled.

use std::ops::ControlFlow;

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::gradient_step::{GradientStep, StepSize, zero_codes};
use super::{Encoder, Form, StepLimits};
use crate::prox::{ProximalOperator, Sided};

/// FISTA (Beck and Teboulle, 2009): with `t₁ = 1`, `t_{k+1} = (1 + √(1 + 4 t_k²))/2`,
/// `y_k = z_k + ((t_k − 1)/t_{k+1}) (z_k − z_{k−1})`, `z_{k+1} = prox(y_k − α Dᵀ(D y_k − x))`.
///
/// | | |
/// |---|---|
/// | requires | α ≤ 1/‖D‖² for the guarantee; refused above 4/(3‖D‖²) |
/// | shapes | `D [m, p]`, `x [n, m]`, `z_t [n, p]` |
/// | cost | as [`super::Ista`], and one more array of codes in memory |
#[derive(Module, Debug)]
pub struct Fista<P> {
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
}

impl<P: ProximalOperator> Fista<P> {
    /// `iterations` iterations with step α, in the cheaper form.
    pub fn new(prox: P, step: f64, iterations: usize) -> Self {
        Self { prox, step, learned_step: None, iterations, form: None }
    }

    /// Makes the step of the gradient step a parameter, starting at α.
    pub fn with_learned_step(mut self, like: &Tensor<2>) -> Self {
        let start = Tensor::full([1], self.step, (&like.device(), like.dtype()));
        self.learned_step = Some(Param::from_tensor(start));
        self
    }

    /// Forces the form of the iterations.
    pub fn with_form(mut self, form: Form) -> Self {
        self.form = Some(form);
        self
    }
}

/// The momentum `(t_k − 1)/t_{k+1}` of iterations k = 1, 2, …; the first is 0.
fn momenta() -> impl Iterator<Item = f64> {
    let next = |t: &f64| Some((1.0 + (1.0 + 4.0 * t * t).sqrt()) / 2.0);
    let times = std::iter::successors(Some(1.0), next);
    times.clone().zip(times.skip(1)).map(|(now, next)| (now - 1.0) / next)
}

impl<P: ProximalOperator> Encoder for Fista<P> {
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
        StepLimits::scaled(1.0, 4.0 / 3.0, spectral_norm_squared)
    }

    fn penalty(&self) -> f64 {
        self.prox.penalty()
    }

    fn sided(&self) -> Sided {
        self.prox.sided()
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
        let (mut previous, mut codes) = match start {
            Some([previous, codes]) => (Some(previous), Some(codes)),
            None => (None, None),
        };
        let momenta = std::iter::once(0.0).chain(momenta());
        for (iteration, momentum) in (0..self.iterations).zip(momenta).skip(first) {
            // z₀ = 0 and z_{−1} = z₀, so the first two iterations need no case of their own.
            let extrapolated = match (&codes, &previous) {
                (Some(codes), Some(previous)) => {
                    let change = codes.clone().sub(previous.clone());
                    Some(codes.clone().add(change.mul_scalar(momentum)))
                }
                (Some(codes), None) => Some(codes.clone().mul_scalar(1.0 + momentum)),
                (None, _) => None,
            };
            let v = gradient_step.take(extrapolated);
            let next = self.prox.apply(v, self.step, iteration);
            let flow = visit(iteration + 1, &next);
            previous = codes.replace(next);
            if flow.is_break() {
                break;
            }
        }
        codes.unwrap_or_else(|| zero_codes(dictionary, x))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_momentum_grows_from_zero_towards_one() {
        let first: Vec<f64> = momenta().take(3).collect();
        let t2 = (1.0 + 5f64.sqrt()) / 2.0;
        assert_eq!(first[0], 0.0);
        assert!(
            (first[1] - (t2 - 1.0) / ((1.0 + (1.0 + 4.0 * t2 * t2).sqrt()) / 2.0)).abs() < 1e-15
        );
        assert!(momenta().nth(1000).unwrap() > 0.99);
    }
}
