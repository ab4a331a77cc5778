//! The gradient step of every iteration.

use burn::module::Param;
use burn::tensor::Tensor;

use super::Form;

/// `v = z − α Dᵀ(D z − x)` with everything that does not change from one iteration to the next.
#[expect(
    clippy::large_enum_variant,
    reason = "one value a call: a box would only add an allocation"
)]
pub(super) enum GradientStep {
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
    /// For `iterations` iterations with step α, in the form asked for or the cheaper one.
    pub fn prepare(
        dictionary: &Tensor<2>,
        x: &Tensor<2>,
        step: StepSize,
        iterations: usize,
        form: Option<Form>,
    ) -> Self {
        let x = match dictionary.is_autodiff() {
            true => x.clone().autodiff(),
            false => x.clone(),
        };
        let scaled = step.times(dictionary);
        let [features, atoms] = dictionary.dims();
        let form = form.unwrap_or_else(|| Form::cheapest(features, atoms, iterations, x.dims()[0]));
        match form {
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
    pub fn take(&self, codes: Option<Tensor<2>>) -> Tensor<2> {
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

/// α: a constant, or a parameter in its place.
pub(super) struct StepSize<'a> {
    pub constant: f64,
    pub learned: Option<&'a Param<Tensor<1>>>,
}

impl StepSize<'_> {
    /// α D.
    fn times(&self, dictionary: &Tensor<2>) -> Tensor<2> {
        match self.learned {
            None => dictionary.clone().mul_scalar(self.constant),
            Some(step) => {
                let step = step.val().reshape([1, 1]);
                let step = match (dictionary.is_autodiff(), step.is_autodiff()) {
                    (true, false) => step.autodiff(),
                    (false, true) => step.inner(),
                    _ => step,
                };
                dictionary.clone().mul(step)
            }
        }
    }
}

/// z₀ = 0, `[n, p]`.
pub(super) fn zero_codes(dictionary: &Tensor<2>, x: &Tensor<2>) -> Tensor<2> {
    let [examples, atoms] = [x.dims()[0], dictionary.dims()[1]];
    Tensor::zeros([examples, atoms], (&x.device(), x.dtype()))
}
