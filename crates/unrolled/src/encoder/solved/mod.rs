//! Sparse coding solved instead of unrolled.

mod coordinates;
mod proximal;
mod quality;

pub use coordinates::COARSE;
pub use quality::Quality;

use std::ops::ControlFlow;

use burn::module::Module;
use burn::tensor::Tensor;

use super::{Encoder, StepLimits};
use crate::fit::{DataFit, LeastSquares};
use crate::operator::LinearOperator;
use crate::prox::{ProximalOperator, Sided};
use crate::tensors::{Precision, to_values};

/// `argmin_z Σ f(D z − x) + penalty(z)`, for every example to a tolerance.
///
/// | | |
/// |---|---|
/// | how | least squares with a matrix on the CPU, soft threshold or elastic net: an active set and coordinate descent ([`Method::Coordinates`]); else FISTA with backtracking and adaptive restart ([`Method::Proximal`]) |
/// | done | when the fixed-point residual `‖prox₁(z − ∇) − z‖∞`, with a step of 1, is at most the tolerance (or a hundred roundings of the codes, where that is more); an example that is done leaves the batch |
/// | not done | within `iterations` (rounds or passes over all atoms, of [`Method::Coordinates`]): what is there is given back, and [`Solution`] says so |
/// | gradients | the solution is not unrolled: [`crate::gradient::GImplicit`] goes through it; `g_dec`, `g_one_step` and `g_truncated` start from it |
/// | shapes | `D` maps `[n, q]` to `[n, m]`; `x [n, m]`, `z [n, q]` |
///
/// A proximal operator that is of no convex penalty (hard threshold, k largest) has fixed points that are no minima.
#[derive(Module, Debug)]
pub struct Solved<P, F: DataFit = LeastSquares> {
    /// The proximal operator of the penalty.
    pub prox: P,
    /// f.
    #[module(skip)]
    pub fit: F,
    /// The most iterations that are made.
    pub iterations: usize,
    /// What the fixed-point residual is brought to.
    pub tolerance: f64,
    /// The step to begin with; it is halved where it is too long.
    pub step: f64,
    /// How.
    #[module(skip)]
    pub method: Method,
}

/// How codes are solved for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Method {
    /// Coordinate descent where it serves.
    #[default]
    Auto,
    /// FISTA (Beck and Teboulle, 2009, section 4, with backtracking), begun anew where momentum leads uphill
    /// (O'Donoghue and Candès, *Adaptive restart for accelerated gradient schemes*, 2015).
    Proximal,
    /// An active set, exact on the atoms in use, and cyclic coordinate descent where those are many, as
    /// [`crate::lasso::Lasso`].
    Coordinates,
}

/// Codes, and what became of every example.
#[derive(Clone, Debug)]
pub struct Solution {
    /// The codes, `[n, q]`.
    pub codes: Tensor<2>,
    /// ‖prox₁(z − ∇) − z‖∞ of every example.
    pub residuals: Vec<f64>,
    /// Iterations of the example that took the most.
    pub iterations: usize,
    /// What the residuals were to be brought to.
    pub tolerance: f64,
    /// How many examples have a larger residual than that, or none that is a number.
    pub unfinished: usize,
}

/// What residuals of codes as large as `size` are brought to: a hundred roundings, where the tolerance is below what the
/// precision can hold.
fn allowed(tolerance: f64, size: f64, precision: Precision) -> f64 {
    let rounding = match precision {
        Precision::Float32 => f64::from(f32::EPSILON),
        Precision::Float64 => f64::EPSILON,
    };
    tolerance.max(100.0 * rounding * size.max(1.0))
}

impl Solution {
    fn new(codes: Tensor<2>, residuals: Vec<f64>, iterations: usize, tolerance: f64) -> Self {
        let sizes = to_values(&codes.clone().abs().max_dim(1));
        let precision = Precision::of(&codes);
        let missed = residuals.iter().zip(sizes).filter(|(residual, size)| {
            residual.is_nan() || **residual > allowed(tolerance, *size, precision)
        });
        let unfinished = missed.count();
        Self { codes, residuals, iterations, tolerance, unfinished }
    }

    /// The largest residual.
    pub fn worst(&self) -> f64 {
        self.residuals.iter().copied().fold(0.0, |worst, residual| {
            if residual.is_nan() || residual > worst { residual } else { worst }
        })
    }
}

/// As a sentence.
impl std::fmt::Display for Solution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { residuals, iterations, tolerance, unfinished, .. } = self;
        let (all, worst) = (residuals.len(), self.worst());
        match unfinished {
            0 => write!(
                f,
                "all {all} examples are solved to {tolerance:e}, the worst to {worst:.1e}, in {iterations} \
                 iterations at most"
            ),
            missed => write!(
                f,
                "{missed} of {all} examples are not solved to {tolerance:e} after {iterations} iterations: the worst \
                 residual is {worst:.1e}"
            ),
        }
    }
}

impl<P: ProximalOperator> Solved<P> {
    /// By least squares, to a tolerance, with `iterations` iterations at most, beginning with step α.
    pub fn new(prox: P, step: f64, iterations: usize, tolerance: f64) -> Self {
        Self { prox, fit: LeastSquares, iterations, tolerance, step, method: Method::Auto }
    }
}

impl<P: ProximalOperator, F: DataFit> Solved<P, F> {
    /// For another data fit.
    pub fn with_fit<G: DataFit>(self, fit: G) -> Solved<P, G> {
        let Self { prox, iterations, tolerance, step, method, .. } = self;
        Solved { prox, fit, iterations, tolerance, step, method }
    }

    /// Chooses how.
    pub fn with_method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Solves for the codes of examples `[n, m]`, from 0 or from codes `[n, q]` that are near. Nothing in the result
    /// carries a graph.
    pub fn solve<O: LinearOperator>(
        &self,
        operator: &O,
        x: &Tensor<2>,
        start: Option<&Tensor<2>>,
    ) -> Solution {
        let operator = &operator.valid();
        let x = &x.clone().inner();
        let start = start.map(|codes| codes.clone().inner());
        if self.method != Method::Proximal
            && let Some(solution) = coordinates::solve(self, operator, x, start.as_ref())
        {
            return solution;
        }
        proximal::solve(self, operator, x, start)
    }

    /// How many codes `[n, q]` of examples `[n, m]` are not solved to the tolerance.
    pub fn unfinished<O: LinearOperator>(
        &self,
        operator: &O,
        x: &Tensor<2>,
        codes: &Tensor<2>,
    ) -> usize {
        let (x, codes) = (x.clone().inner(), codes.clone().inner());
        let residuals = Quality::residuals(self, &operator.valid(), &x, &codes);
        Solution::new(codes, residuals, 0, self.tolerance).unfinished
    }

    /// One proximal gradient step of length α.
    fn proximal_step<O: LinearOperator>(
        &self,
        operator: &O,
        x: &Tensor<2>,
        codes: Tensor<2>,
        step: f64,
    ) -> Tensor<2> {
        let residual = crate::loss::residual(operator, x, &codes);
        let descent = operator.adjoint(self.fit.gradient(residual)).mul_scalar(step);
        let (codes, descent) = crate::tensors::together(codes, descent);
        self.prox.apply(codes.sub(descent), step, 0)
    }
}

impl<P: ProximalOperator, F: DataFit> Encoder for Solved<P, F> {
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

    /// Any step will do: it is halved where it is too long.
    fn step_limits(&self, _spectral_norm_squared: f64) -> StepLimits {
        StepLimits { warn_above: f64::INFINITY, refuse_above: f64::INFINITY }
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

    fn unrolls(&self) -> bool {
        false
    }

    /// From 0, the solution, which goes to `visit` once. From codes, plain proximal gradient steps that can be
    /// differentiated, `iterations − first` of them.
    fn advance<O: LinearOperator>(
        &self,
        operator: &O,
        x: &Tensor<2>,
        first: usize,
        start: Option<[Tensor<2>; 2]>,
        visit: &mut dyn FnMut(usize, &Tensor<2>) -> ControlFlow<()>,
    ) -> Tensor<2> {
        let Some([_, mut codes]) = start else {
            let codes = self.solve(operator, x, None).codes;
            let _ = visit(self.iterations, &codes);
            return codes;
        };
        for iteration in first..self.iterations {
            codes = self.proximal_step(operator, x, codes, self.step);
            if visit(iteration + 1, &codes).is_break() {
                break;
            }
        }
        codes
    }
}
