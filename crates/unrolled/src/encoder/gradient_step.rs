//! The gradient step of every iteration.

use burn::module::Param;
use burn::tensor::Tensor;

use super::Form;
use crate::fit::DataFit;
use crate::operator::LinearOperator;
use crate::product::product;
use crate::tensors::together;

/// `v = z − α Dᵀ f'(D z − x)` with everything that does not change from one iteration to the next.
#[allow(
    clippy::large_enum_variant,
    reason = "one value a call: a box would only add an allocation (a tensor's size depends on the backends built)"
)]
pub(crate) enum GradientStep<'a, O, F> {
    /// Any operator and any fit.
    Operator { operator: &'a O, fit: &'a F, step: StepSize, x: Tensor<2> },
    /// A matrix and least squares.
    Residual {
        transposed: Tensor<2>,
        /// α D.
        scaled: Tensor<2>,
        x: Tensor<2>,
    },
    /// A matrix and least squares.
    Gram {
        /// α DᵀD.
        scaled_gram: Tensor<2>,
        /// α X D.
        correlations: Tensor<2>,
    },
}

impl<'a, O: LinearOperator, F: DataFit> GradientStep<'a, O, F> {
    /// For `iterations` iterations with step α; with a matrix in the form asked for or the cheaper one.
    pub fn prepare(
        operator: &'a O,
        x: &Tensor<2>,
        fit: &'a F,
        step: StepSize,
        iterations: usize,
        form: Option<Form>,
    ) -> Self {
        let x = x.clone();
        let matrix = operator.as_matrix().filter(|_| fit.is_least_squares());
        let Some(matrix) = matrix.map(|view| view.matrix) else {
            return Self::Operator { operator, fit, step, x };
        };
        let (matrix, x) = together(matrix, x);
        let scaled = step.times(matrix.clone());
        let [features, atoms] = matrix.dims();
        let form = form.unwrap_or_else(|| Form::cheapest(features, atoms, iterations, x.dims()[0]));
        match form {
            Form::Residual => Self::Residual { transposed: matrix.transpose(), scaled, x },
            Form::Gram => Self::Gram {
                scaled_gram: product(matrix.transpose(), scaled.clone()),
                correlations: product(x, scaled),
            },
        }
    }

    /// From z_t, or from z₀ = 0 where there is none yet, in iteration t.
    pub fn take(&self, codes: Option<Tensor<2>>, iteration: usize) -> Tensor<2> {
        match (self, codes) {
            (Self::Operator { operator, fit, step, x }, codes) => {
                let layer = operator.at_iteration(iteration);
                let operator = layer.as_ref().unwrap_or(operator);
                let residual = match codes.clone() {
                    Some(z) => difference(operator.forward(z), x),
                    None => x.clone().neg(),
                };
                let descent = step.times(operator.adjoint(fit.gradient(residual)));
                match codes {
                    Some(z) => difference(z, &descent),
                    None => descent.neg(),
                }
            }
            (Self::Residual { scaled, x, .. }, None) => product(x.clone(), scaled.clone()),
            (Self::Gram { correlations, .. }, None) => correlations.clone(),
            (Self::Residual { transposed, scaled, x }, Some(z)) => {
                let residual = product(z.clone(), transposed.clone()).sub(x.clone());
                z.sub(product(residual, scaled.clone()))
            }
            (Self::Gram { scaled_gram, correlations }, Some(z)) => {
                let image = product(z.clone(), scaled_gram.clone());
                z.sub(image).add(correlations.clone())
            }
        }
    }
}

/// `a − b`, with a graph where one of them has one.
pub(crate) fn difference(a: Tensor<2>, b: &Tensor<2>) -> Tensor<2> {
    let (a, b) = together(a, b.clone());
    a.sub(b)
}

/// α: a constant, or a parameter in its place.
#[allow(
    clippy::large_enum_variant,
    reason = "one value a call: a box would only add an allocation"
)]
pub(crate) enum StepSize {
    Constant(f64),
    /// `[1, 1]`.
    Learned(Tensor<2>),
}

impl StepSize {
    pub fn of(constant: f64, learned: Option<&Param<Tensor<1>>>) -> Self {
        match learned {
            None => Self::Constant(constant),
            Some(step) => Self::Learned(step.val().reshape([1, 1])),
        }
    }

    /// Without its graph.
    pub fn inner(self) -> Self {
        match self {
            Self::Learned(step) => Self::Learned(step.inner()),
            constant => constant,
        }
    }

    /// α times a matrix or rows.
    pub fn times(&self, tensor: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Constant(step) => tensor.mul_scalar(*step),
            Self::Learned(step) => {
                // A tensor without a graph asks for none: its caller looks at values only.
                let step = match (tensor.is_autodiff(), step.is_autodiff()) {
                    (true, false) => step.clone().autodiff(),
                    (false, true) => step.clone().inner(),
                    _ => step.clone(),
                };
                tensor.mul(step)
            }
        }
    }
}

/// z₀ = 0, `[n, q]`.
pub(crate) fn zero_codes<O: LinearOperator>(operator: &O, x: &Tensor<2>) -> Tensor<2> {
    Tensor::zeros([x.dims()[0], operator.shape()[1]], (&x.device(), x.dtype()))
}
