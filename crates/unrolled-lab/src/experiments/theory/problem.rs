//! The data, and networks at and near the true dictionary.

use burn::tensor::{Device, Tensor};
use ndarray::{Array2, Axis, s};
use unrolled::dictionary::AnyDictionary;
use unrolled::dictionary::initialisation::perturbed_truth;
use unrolled::encoder::{StepVerdict, automatic_step};
use unrolled::metrics::relative_error;
use unrolled::prelude::*;
use unrolled::random::Stream;
use unrolled::tensors::to_tensor;

use crate::Error;
use crate::config::{Config, Step};

use super::config::Sections;

/// What is measured on the CPU in float64.
pub(super) type Net = Autoencoder<Unrolled<SoftThreshold>, AnyDictionary>;

/// Data whose dictionary and codes are known.
pub(super) struct Problem {
    /// X, `[n, m]`.
    pub x: Array2<f64>,
    /// Z*, `[n, p]`.
    pub codes: Array2<f64>,
    /// D*, `[m, p]`.
    pub truth: Array2<f64>,
    /// ‖X − Z* D*ᵀ‖/‖X‖: the theorems are about examples where it is 0.
    pub misfit: f64,
    pub sided: Sided,
    step: Step,
    seed: u64,
}

/// In float64 on the CPU.
pub(super) fn tensor(array: &Array2<f64>) -> Tensor<2> {
    to_tensor(array, Precision::Float64, &Device::flex())
}

impl Problem {
    /// Draws or reads the data; they must say what they are made of.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let Sections { data, encoder, .. } = config.sections();
        let found = data.load(config.seed, 0)?;
        config.check_range(&found)?;
        let (Some(codes), Some(truth)) = (found.true_codes, found.true_dictionary) else {
            return Err(Error::at(
                "data",
                "the theorems are about the true codes and the true dictionary, which these data do not have; take \
                 `source = \"synthetic\"`, or a file with `Z_star` and `D_star`",
            ));
        };
        let [n, m] = [found.x.nrows(), found.x.ncols()];
        if truth.nrows() != m || codes.dim() != (n, truth.ncols()) {
            return Err(Error::at(
                "data",
                format!(
                    "the true dictionary is {} × {} and the true codes {} × {}, which do not multiply to {n} examples of {m} features: \
                     the theorems are about a matrix; take other data",
                    truth.nrows(),
                    truth.ncols(),
                    codes.nrows(),
                    codes.ncols()
                ),
            ));
        }
        let sided = encoder.prox.sided();
        if sided == Sided::One && codes.iter().any(|z| *z < 0.0) {
            return Err(Error::at(
                "encoder.prox.sided",
                "`encoder.prox.sided` is \"one\", but the true codes have negative entries, which it cannot reach; write \"two\"",
            ));
        }
        // Atoms of norm 1, and codes that go with them.
        let norms = truth.map_axis(Axis(0), |atom| atom.dot(&atom).sqrt());
        if norms.iter().any(|norm| *norm == 0.0) {
            let message = "an atom of the true dictionary is 0; give one without such atoms";
            return Err(Error::at("data", message));
        }
        let (truth, codes) = (truth / &norms, codes * &norms);
        let misfit = relative_error(&codes.dot(&truth.t()), &found.x);
        let (x, step, seed) = (found.x, encoder.step, config.seed);
        Ok(Self { x, codes, truth, misfit, sided, step, seed })
    }

    /// normalise(D* + noise · N).
    pub fn dictionary(&self, noise: f64) -> Array2<f64> {
        perturbed_truth(&self.truth, noise, &mut Stream::new(self.seed, "dictionary", 0))
    }

    /// α for a dictionary.
    pub fn step(&self, dictionary: &Array2<f64>) -> f64 {
        match self.step {
            Step::Fixed(step) => step,
            Step::Auto => automatic_step(norm_squared(dictionary)),
        }
    }

    /// Refuses a step at which ISTA diverges from a dictionary.
    pub fn check_step(&self, noise: f64) -> Result<(), Error> {
        let dictionary = self.dictionary(noise);
        let step = self.step(&dictionary);
        let encoder = self.network(&dictionary, 1.0, 1, step).encoder;
        let limits = encoder.step_limits(norm_squared(&dictionary));
        match limits.judge(step) {
            StepVerdict::Refuse => Err(Error::at(
                "encoder.step",
                format!(
                    "`encoder.step` is {step}, but with a dictionary noise of {noise} ISTA diverges above 2/‖D‖² = {:.4}; write a \
                     smaller step, or \"auto\"",
                    limits.refuse_above
                ),
            )),
            _ => Ok(()),
        }
    }

    /// The network with these atoms.
    pub fn network(
        &self,
        dictionary: &Array2<f64>,
        penalty: f64,
        iterations: usize,
        step: f64,
    ) -> Net {
        let prox = SoftThreshold::new(penalty, self.sided);
        let encoder = Unrolled::ista(prox, step, iterations);
        Autoencoder::new(built(dictionary), encoder)
    }

    /// The first examples.
    pub fn first(&self, examples: usize) -> Array2<f64> {
        self.x.slice(s![..examples.min(self.x.nrows()), ..]).to_owned()
    }
}

/// Σ (D z − x) zᵀ over examples, `[m, p]`.
pub(super) fn gradient_at_codes(
    dictionary: &Array2<f64>,
    x: &Array2<f64>,
    codes: &Array2<f64>,
) -> Array2<f64> {
    (codes.dot(&dictionary.t()) - x).t().dot(codes)
}

fn built(dictionary: &Array2<f64>) -> AnyDictionary {
    AnyDictionary::Dense(DenseDictionary::new(tensor(dictionary)))
}

/// ‖D‖².
fn norm_squared(dictionary: &Array2<f64>) -> f64 {
    built(dictionary).norm_squared(false)
}
