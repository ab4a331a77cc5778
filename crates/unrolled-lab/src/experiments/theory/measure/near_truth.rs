//! Codes and gradients of a dictionary near the truth, at every T.

use std::collections::BTreeMap;
use std::ops::Range;

use ndarray::{Array2, s};
use serde::{Deserialize, Serialize};
use unrolled::fused::at_iterations;
use unrolled::lasso::Lasso;
use unrolled::loss::Loss;
use unrolled::metrics::{dictionary_error, frobenius, total_distance};
use unrolled::prelude::*;
use unrolled::tensors::to_array;

use crate::Error;
use crate::experiment::Session;
use crate::experiments::theory::problem::{Net, Problem, gradient_at_codes, tensor};
use crate::workers::{Workers, in_order};

/// Where it is measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct At {
    /// Of D⁰ = normalise(D* + noise · N).
    pub dictionary_noise: f64,
    /// λ.
    pub penalty: f64,
}

/// Means over the examples; curves over T.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NearTruth {
    #[serde(flatten)]
    pub at: At,
    /// ‖D* − D⁰‖/‖D*‖.
    pub dictionary_error: f64,
    /// ‖z_T − ẑ‖.
    pub code_error_to_lasso: Vec<f64>,
    /// ‖z_T − z*‖.
    pub code_error_to_truth: Vec<f64>,
    /// ‖ẑ − z*‖.
    pub lasso_code_error_to_truth: f64,
    /// ‖ĝ − g*‖.
    pub lasso_gradient_error_to_truth: f64,
    /// ‖g_ae_lasso − g_dec‖.
    pub lasso_to_decoder: Vec<f64>,
    /// By estimator.
    pub estimators: BTreeMap<String, Errors>,
}

/// Of a gradient, Frobenius norms.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Errors {
    /// To ĝ, that of g_dec at ẑ.
    pub error_to_lasso: Vec<f64>,
    /// To g*, that of g_dec at z*.
    pub error_to_truth: Vec<f64>,
}

/// Relative duality gap of ẑ, and passes at most.
const GAP: f64 = 1e-13;
const PASSES: usize = 10_000;

/// Examples in a block: what a core's cache holds, whatever the threads.
const BLOCK: usize = 256;

/// The estimators, as they come.
const NAMES: [&str; 3] = ["g_dec", "g_ae_lasso", "g_ae_ls"];

/// Sums over the examples of a block, or of all.
struct Sums {
    to_lasso: Vec<f64>,
    to_truth: Vec<f64>,
    lasso_to_truth: f64,
    lasso_gradient: Array2<f64>,
    true_gradient: Array2<f64>,
    /// By T, of each estimator.
    gradients: Vec<[Array2<f64>; 3]>,
}

/// Measures it on all examples, or on so many of the first.
pub fn measure(
    problem: &Problem,
    at: At,
    iterations: &[usize],
    examples: usize,
    session: &mut Session,
) -> Result<NearTruth, Error> {
    let dictionary = problem.dictionary(at.dictionary_noise);
    let examples = examples.min(problem.x.nrows());
    let stop = session.stop;
    let mut sums: Option<Sums> = None;
    let longest = iterations.last().copied().unwrap_or(1);
    let step = problem.step(&dictionary);
    in_order(
        examples.div_ceil(BLOCK),
        Workers::of(session.threads),
        || {},
        |block, _| {
            let range = block * BLOCK..((block + 1) * BLOCK).min(examples);
            let network = problem.network(&dictionary, at.penalty, longest, step);
            let block = Block { problem, network, dictionary: &dictionary, range };
            match stop.is_requested() {
                true => Err(Error::Interrupted(String::new())),
                false => block.measure(at.penalty, iterations, &|| !stop.is_requested()),
            }
        },
        |_| {},
        |block| {
            match &mut sums {
                None => sums = Some(block),
                Some(sums) => sums.add(&block),
            }
            Ok(())
        },
    )?;
    let sums = sums.ok_or_else(|| Error::at("data", "the data have no examples; give some"))?;
    let found = sums.finish(at, examples as f64, dictionary_error(&dictionary, &problem.truth));
    found.check(iterations)
}

struct Block<'a> {
    problem: &'a Problem,
    network: Net,
    dictionary: &'a Array2<f64>,
    range: Range<usize>,
}

impl Block<'_> {
    fn measure(
        &self,
        penalty: f64,
        iterations: &[usize],
        go_on: &dyn Fn() -> bool,
    ) -> Result<Sums, Error> {
        let Self { problem, network, dictionary, range } = self;
        let rows = |array: &Array2<f64>| array.slice(s![range.clone(), ..]).to_owned();
        let (x, truth) = (rows(&problem.x), rows(&problem.codes));
        let lasso = Lasso::new(dictionary, penalty, problem.sided);
        let lasso = lasso.solve(&x, GAP, PASSES, go_on).codes;
        let examples = range.len() as f64;
        let rows_of_x = x.clone();
        let at_codes = |codes: &Array2<f64>| gradient_at_codes(dictionary, &rows_of_x, codes);
        let mut sums = Sums {
            to_lasso: Vec::new(),
            to_truth: Vec::new(),
            lasso_to_truth: total_distance(&lasso, &truth),
            lasso_gradient: at_codes(&lasso),
            true_gradient: at_codes(&truth),
            gradients: Vec::new(),
        };
        let x = tensor(&x);
        let losses = [Loss::Lasso, Loss::LeastSquares];
        let through = at_iterations(network, &x, &losses, iterations);
        let mut codes = None;
        let mut first = 0;
        for (place, &t) in iterations.iter().enumerate() {
            if !go_on() {
                return Err(Error::Interrupted(String::new()));
            }
            let encoder = network.encoder.clone().with_iterations(t);
            let start = codes.take().map(|codes: burn::tensor::Tensor<2>| [codes.clone(), codes]);
            let next = encoder.encode_from(&network.dictionary, &x, first, start);
            let z = to_array(&next);
            sums.to_lasso.push(total_distance(&z, &lasso));
            sums.to_truth.push(total_distance(&z, &truth));
            let of = |gradients: &burn::optim::GradientsParams| {
                let gradient = network.dictionary.columns_gradient(gradients);
                to_array(&gradient.expect("every estimator has the gradient of D")) * examples
            };
            let [lasso, ls] = match &through {
                Some(all) => [of(&all[place][0]), of(&all[place][1])],
                None => {
                    let network = Autoencoder::new(network.dictionary.clone(), encoder);
                    let [lasso, ls] =
                        [GAeLasso.estimate(&network, &x), GAeLs.estimate(&network, &x)];
                    [of(&lasso.gradients), of(&ls.gradients)]
                }
            };
            sums.gradients.push([at_codes(&z), lasso, ls]);
            (first, codes) = (t, Some(next));
        }
        Ok(sums)
    }
}

impl Sums {
    fn add(&mut self, other: &Self) {
        let pairs = |own: &mut [f64], other: &[f64]| {
            own.iter_mut().zip(other).for_each(|(own, other)| *own += other);
        };
        pairs(&mut self.to_lasso, &other.to_lasso);
        pairs(&mut self.to_truth, &other.to_truth);
        self.lasso_to_truth += other.lasso_to_truth;
        self.lasso_gradient += &other.lasso_gradient;
        self.true_gradient += &other.true_gradient;
        for (own, other) in self.gradients.iter_mut().zip(&other.gradients) {
            own.iter_mut().zip(other).for_each(|(own, other)| *own += other);
        }
    }

    fn finish(self, at: At, examples: f64, dictionary_error: f64) -> NearTruth {
        let means = |sums: &[f64]| sums.iter().map(|sum| sum / examples).collect();
        let distance = |a: &Array2<f64>, b: &Array2<f64>| frobenius(&(a - b)) / examples;
        let errors = |of: usize| {
            let to = |reference: &Array2<f64>| {
                self.gradients.iter().map(|at_t| distance(&at_t[of], reference)).collect()
            };
            Errors {
                error_to_lasso: to(&self.lasso_gradient),
                error_to_truth: to(&self.true_gradient),
            }
        };
        NearTruth {
            at,
            dictionary_error,
            code_error_to_lasso: means(&self.to_lasso),
            code_error_to_truth: means(&self.to_truth),
            lasso_code_error_to_truth: self.lasso_to_truth / examples,
            lasso_gradient_error_to_truth: distance(&self.lasso_gradient, &self.true_gradient),
            lasso_to_decoder: self
                .gradients
                .iter()
                .map(|[decoder, lasso, _]| distance(lasso, decoder))
                .collect(),
            estimators: NAMES
                .iter()
                .enumerate()
                .map(|(of, name)| ((*name).to_owned(), errors(of)))
                .collect(),
        }
    }
}

/// The measurements with one dictionary noise, by λ.
pub fn with_noise(near: &[NearTruth], noise: f64) -> Vec<&NearTruth> {
    near.iter().filter(|near| near.at.dictionary_noise == noise).collect()
}

/// The measurements with one λ, by dictionary noise: the first is that at the true dictionary.
pub fn with_penalty(near: &[NearTruth], penalty: f64) -> Vec<&NearTruth> {
    near.iter().filter(|near| near.at.penalty == penalty).collect()
}

impl NearTruth {
    fn check(self, iterations: &[usize]) -> Result<Self, Error> {
        for (at, t) in iterations.iter().enumerate() {
            let of_gradients = self.estimators.values().map(|errors| errors.error_to_lasso[at]);
            let mut all = of_gradients.chain([self.code_error_to_lasso[at]]);
            if !all.all(f64::is_finite) {
                return Err(Error::NotFinite(format!(
                    "codes or gradients are not finite at T = {t}, with λ = {} and a dictionary noise of {}; a smaller \
                     `encoder.step` keeps them finite",
                    self.at.penalty, self.at.dictionary_noise
                )));
            }
        }
        Ok(self)
    }
}
