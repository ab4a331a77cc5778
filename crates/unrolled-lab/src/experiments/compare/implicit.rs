//! The implicit gradient of least squares at ẑ: what estimators of least squares are held against.

use burn::tensor::Device;
use ndarray::Array2;
use unrolled::gradient::{Estimator, GImplicit, Reach};
use unrolled::loss::Loss;
use unrolled::prelude::{Autoencoder, Precision};
use unrolled::tensors::{to_array, to_tensor};

use super::block::Block;
use super::plan::{Network, Plan};
use crate::config::ProxConfig;

/// Whether an estimator is of least squares, and goes back through iterations or the solution: what is cut off does not
/// get there, and that is to be seen.
pub(super) fn tends_to_implicit(estimator: &dyn Estimator<Network>) -> bool {
    estimator.descends() == Some(Loss::LeastSquares) && estimator.reach() != Reach::Codes
}

impl Plan<'_> {
    /// Whether there is a `g_implicit` of least squares to compare others with, and ẑ is what the iterations tend to.
    fn has_implicit_reference(&self) -> bool {
        let encoder = &self.sections().encoder;
        let to_lasso = matches!(encoder.prox, ProxConfig::Soft { .. })
            && encoder.prox.is_constant()
            && encoder.fit.is_squared()
            && !encoder.learned_step;
        to_lasso
            && self.estimators.iter().any(|estimator| {
                estimator.reach() == Reach::Solution && tends_to_implicit(estimator.as_ref())
            })
    }
}

impl Block<'_> {
    /// Σ over the examples, in float64 on the CPU and without a ridge; not a number where the system of an example is
    /// singular.
    pub fn implicit_gradient(&self, x: &Array2<f64>, lasso: &Array2<f64>) -> Option<Array2<f64>> {
        if !self.plan.has_implicit_reference() {
            return None;
        }
        let device = Device::flex();
        let tensor = |array| to_tensor(array, Precision::Float64, &device);
        let encoder = self.plan.encoder(self.problem, 1, Precision::Float64, &device);
        let network = Autoencoder::new(self.reference_dictionary(), encoder);
        let implicit = GImplicit::new(Loss::LeastSquares);
        let gradients = implicit.at_codes(&network, &tensor(x), &tensor(lasso))?;
        let gradient = network.dictionary.columns_gradient(&gradients)?;
        Some(to_array(&gradient) * self.examples())
    }
}
