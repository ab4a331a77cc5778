//! The measurements of one block of examples.

use std::ops::ControlFlow;

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use ndarray::{Array2, s};
use unrolled::encoder::Encoder;
use unrolled::fused::sweep;
use unrolled::gradient::references::lasso_encoder;
use unrolled::gradient::{Estimator, gradient_at_codes};
use unrolled::loss::Losses;
use unrolled::metrics::total_distance;
use unrolled::prelude::Precision;
use unrolled::prox::AnyProx;
use unrolled::tensors::{to_array, to_scalar, to_tensor, to_values};

use super::plan::{Network, Plan, Problem};
use crate::Error;
use crate::memory::Meter;
use crate::progress::Stop;
use crate::workers::Reporter;

/// Sums over the examples of a block, or of all blocks.
#[derive(Default)]
pub(super) struct Sums {
    /// Examples.
    pub examples: usize,
    /// Examples of the first block.
    pub examples_of_a_block: usize,
    /// Σ‖z_T − ẑ‖ for every T.
    pub code_error_to_lasso: Vec<f64>,
    /// Σ‖z_T − z*‖ for every T.
    pub code_error_to_truth: Vec<f64>,
    /// Σ reconstruction for every T.
    pub reconstruction: Vec<f64>,
    /// Σ lasso for every T.
    pub lasso: Vec<f64>,
    /// Σ of the gradient at ẑ.
    pub lasso_gradient: Array2<f64>,
    /// Σ of the gradient at z*.
    pub true_gradient: Option<Array2<f64>>,
    /// One for each estimator.
    pub estimators: Vec<EstimatorSums>,
    /// z_T of the T to save, one after another by block.
    pub codes: Vec<Array2<f64>>,
    /// ẑ, where codes are saved.
    pub lasso_codes: Vec<Array2<f64>>,
}

/// What one estimator gives for every T.
#[derive(Default)]
pub(super) struct EstimatorSums {
    /// Σ of the gradient of D.
    pub gradients: Vec<Array2<f64>>,
    /// Σ of the gradient of a learned bias, where the estimator has one.
    pub biases: Vec<Vec<f64>>,
    /// Time for the examples of `timed`.
    pub seconds: Vec<f64>,
    /// How many examples the time was taken on.
    pub timed: usize,
    /// The peak of memory of a full block: the least that was seen, because what else happens on a
    /// thread can only add to it.
    pub peak_bytes: Vec<Option<u64>>,
}

/// Runs every estimator on a full block, at the longest T on one example and briefly on all, so that
/// what Burn and the products keep on a thread is there before anything is measured.
pub(super) fn warm_up(plan: &Plan, problem: &Problem) {
    let longest = plan.iterations().last().copied().unwrap_or(0);
    let network = plan.network(problem, longest);
    let brief = plan.network(problem, longest.min(2));
    for (network, examples) in [(&network, 1), (&brief, plan.block)] {
        let x = problem.data.x.slice(s![..examples, ..]).to_owned();
        let x = to_tensor(&x, plan.run.config.precision, &plan.device);
        for estimator in &plan.estimators {
            let _ = estimator.estimate(network, &x);
        }
    }
}

/// Measures the examples of block `index`.
pub(super) fn measure(
    plan: &Plan,
    problem: &Problem,
    index: usize,
    stop: &Stop,
    reporter: &Reporter<Sums>,
) -> Result<Sums, Error> {
    let config = &plan.run.config;
    let n = plan.sizes[0];
    let range = index * plan.block..((index + 1) * plan.block).min(n);
    let rows = |array: &Array2<f64>| array.slice(s![range.clone(), ..]).to_owned();
    let tensor = |array: &Array2<f64>| to_tensor(array, config.precision, &plan.device);
    let flow = || match stop.is_requested() {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    let interrupted = || Error::Interrupted(String::new());

    let x = tensor(&rows(&problem.data.x));
    let longest = plan.iterations().last().copied().unwrap_or(0);
    let network = plan.network(problem, longest);
    let dictionary = network.dictionary.matrix.val().inner();
    let examples = range.len() as f64;

    let rows_of_x = rows(&problem.data.x);
    let lasso_codes = lasso_codes(plan, problem, &rows_of_x, reporter, &flow);
    let reference = |codes| {
        let tensor = |array| to_tensor(array, Precision::Float64, &Device::flex());
        let (d, x) = (tensor(&problem.dictionary), tensor(&rows_of_x));
        to_array(&gradient_at_codes(&d, &x, &tensor(codes))) * examples
    };
    let lasso_gradient = reference(&lasso_codes);
    let true_codes = problem.data.true_codes.as_ref().map(rows);
    let true_gradient = true_codes.as_ref().map(reference);

    let mut sums = Sums {
        examples: range.len(),
        examples_of_a_block: range.len(),
        lasso_gradient,
        true_gradient,
        estimators: plan.estimators.iter().map(|_| EstimatorSums::default()).collect(),
        ..Sums::default()
    };

    // One walk serves the codes, the losses and every estimator that asks for nothing but codes.
    let mut walked = 0;
    let mut meter = Meter::start();
    let mut visit = |iteration: usize, codes: &Tensor<2>| {
        if !plan.iterations().contains(&iteration) {
            return flow();
        }
        let forward = plan.reading(&mut meter);
        reporter.advance((iteration - walked) as u64);
        walked = iteration;
        for (estimator, sums) in plan.estimators.iter().zip(&mut sums.estimators) {
            let mut own = Meter::start();
            let Some(gradient) = estimator.at_codes(&network, &x, codes) else {
                continue;
            };
            let id = network.dictionary.matrix.id;
            let gradient = gradient.get::<2>(id).expect("it is that of the dictionary");
            let reading = plan.reading(&mut own);
            sums.gradients.push(to_array(&gradient) * examples);
            sums.seconds.push(forward.seconds + reading.seconds);
            let peak = forward.peak_bytes.zip(reading.peak_bytes);
            sums.peak_bytes.push(peak.map(|(forward, own)| forward.max(own)));
        }
        let losses = Losses::evaluate(&dictionary, &x, codes, network.encoder.penalty());
        sums.reconstruction.push(to_scalar(&losses.reconstruction) * examples);
        sums.lasso.push(to_scalar(&losses.lasso) * examples);
        let codes = to_array(codes);
        sums.code_error_to_lasso.push(total_distance(&codes, &lasso_codes));
        if let Some(true_codes) = &true_codes {
            sums.code_error_to_truth.push(total_distance(&codes, true_codes));
        }
        if plan.sections().compare.save_arrays_at.contains(&iteration) {
            sums.codes.push(codes);
        }
        meter.resume();
        flow()
    };
    if plan.uses_kernels() {
        // One forward sweep, from each T of the run to the next.
        let (mut first, mut codes) = (0, None::<Tensor<2>>);
        for &iterations in plan.iterations() {
            let encoder = network.encoder.clone().with_iterations(iterations);
            let start = codes.take().map(|codes| [codes.clone(), codes]);
            let next = encoder.encode_from(&dictionary, &x, first, start);
            if visit(iterations, &next).is_break() {
                break;
            }
            (first, codes) = (iterations, Some(next));
        }
    } else {
        network.encoder.unroll(&dictionary, &x, &mut visit);
    }
    if !plan.sections().compare.save_arrays_at.is_empty() {
        sums.lasso_codes.push(lasso_codes);
    }

    let shared = through_all_iterations(plan, &network, &x, &mut sums.estimators, examples);
    if shared {
        let through = plan.estimators.iter().filter(|e| e.through_all_iterations().is_some());
        let iterations: u64 = plan.iterations().iter().map(|&t| 3 * t as u64).sum();
        reporter.advance(through.count() as u64 * iterations);
    }
    for (estimator, sums) in plan.estimators.iter().zip(&mut sums.estimators) {
        if !sums.gradients.is_empty() {
            if plan.uses_kernels() {
                // What shares a forward pass has no time of its own: the first block takes each T by itself.
                sums.seconds.clear();
                sums.peak_bytes.clear();
                if index == 0 {
                    time_alone(plan, problem, &**estimator, &x, sums);
                    sums.timed = range.len();
                }
            } else {
                sums.timed = range.len();
            }
            continue;
        }
        sums.timed = range.len();
        for &iterations in plan.iterations() {
            if stop.is_requested() {
                return Err(interrupted());
            }
            let network = plan.network(problem, iterations);
            let mut meter = Meter::start();
            let estimate = estimator.estimate(&network, &x);
            let reading = plan.reading(&mut meter);
            sums.gradients.push(to_array(&estimate.dictionary_gradient(&network)) * examples);
            sums.biases.extend(bias_gradient(&network, &estimate.gradients, examples));
            sums.seconds.push(reading.seconds);
            sums.peak_bytes.push(reading.peak_bytes);
            reporter.advance(3 * iterations as u64);
        }
    }
    if stop.is_requested() {
        return Err(interrupted());
    }
    sums.check_finite(plan, index)?;
    Ok(sums)
}

/// ẑ of a block, in float64 on the CPU: what others are held against does not depend on the device or the
/// precision of a run.
fn lasso_codes(
    plan: &Plan,
    problem: &Problem,
    x: &Array2<f64>,
    reporter: &Reporter<Sums>,
    flow: &dyn Fn() -> ControlFlow<()>,
) -> Array2<f64> {
    let iterations = plan.sections().compare.lasso_iterations;
    let tensor = |array| to_tensor(array, Precision::Float64, &Device::flex());
    let (dictionary, x) = (tensor(&problem.dictionary), tensor(x));
    let encoder = plan.network(problem, 0).encoder;
    let lasso = lasso_encoder(&encoder, iterations).with_form(plan.form);
    if plan.sections().encoder.is_fused() {
        let codes = lasso.encode(&dictionary, &x);
        reporter.advance(iterations as u64);
        return to_array(&codes);
    }
    to_array(&lasso.unroll(&dictionary, &x, &mut |_, _| {
        reporter.advance(1);
        flow()
    }))
}

/// The gradients of all estimators that go through all iterations, at every T, with one forward pass; whether
/// that could be done.
fn through_all_iterations(
    plan: &Plan,
    network: &Network,
    x: &Tensor<2>,
    sums: &mut [EstimatorSums],
    examples: f64,
) -> bool {
    let through = plan.estimators.iter().zip(sums);
    let (losses, sums): (Vec<_>, Vec<_>) = through
        .filter_map(|(estimator, sums)| Some((estimator.through_all_iterations()?, sums)))
        .unzip();
    let Some(gradients) = sweep(network, x, &losses, plan.iterations()) else {
        return false;
    };
    let mut sums = sums;
    for gradients in &gradients {
        for (gradients, sums) in gradients.iter().zip(&mut sums) {
            let gradient = gradients
                .get::<2>(network.dictionary.matrix.id)
                .expect("a sweep gives the gradient of the dictionary");
            sums.gradients.push(to_array(&gradient) * examples);
            sums.biases.extend(bias_gradient(network, gradients, examples));
        }
    }
    true
}

/// Time and memory of an estimator at every T, the forward pass included.
fn time_alone(
    plan: &Plan,
    problem: &Problem,
    estimator: &dyn Estimator<Network>,
    x: &Tensor<2>,
    sums: &mut EstimatorSums,
) {
    for &iterations in plan.iterations() {
        let network = plan.network(problem, iterations);
        let mut meter = Meter::start();
        let _ = estimator.estimate(&network, x);
        let reading = plan.reading(&mut meter);
        sums.seconds.push(reading.seconds);
        sums.peak_bytes.push(reading.peak_bytes);
    }
}

fn bias_gradient(
    network: &Network,
    gradients: &GradientsParams,
    examples: f64,
) -> Option<Vec<f64>> {
    let AnyProx::LearnedSoft(prox) = &network.encoder.prox else {
        return None;
    };
    let gradient = gradients.get::<1>(prox.bias.id)?;
    Some(to_values(&gradient).into_iter().map(|v| v * examples).collect())
}

impl Sums {
    /// Adds the sums of the next block.
    pub fn add(&mut self, other: Self) {
        if self.examples == 0 {
            *self = other;
            return;
        }
        let full = other.examples == self.examples_of_a_block;
        self.examples += other.examples;
        add(&mut self.code_error_to_lasso, &other.code_error_to_lasso);
        add(&mut self.code_error_to_truth, &other.code_error_to_truth);
        add(&mut self.reconstruction, &other.reconstruction);
        add(&mut self.lasso, &other.lasso);
        self.lasso_gradient += &other.lasso_gradient;
        if let (Some(own), Some(other)) = (&mut self.true_gradient, &other.true_gradient) {
            *own += other;
        }
        for (own, other) in self.estimators.iter_mut().zip(&other.estimators) {
            own.gradients.iter_mut().zip(&other.gradients).for_each(|(a, b)| *a += b);
            own.biases.iter_mut().zip(&other.biases).for_each(|(a, b)| add(a, b));
            add(&mut own.seconds, &other.seconds);
            own.timed += other.timed;
            for (own, other) in own.peak_bytes.iter_mut().zip(&other.peak_bytes).filter(|_| full) {
                *own = (*own).min(*other);
            }
        }
        for (own, other) in self.codes.iter_mut().zip(&other.codes) {
            own.append(ndarray::Axis(0), other.view()).expect("codes have p columns");
        }
        for (own, other) in self.lasso_codes.iter_mut().zip(&other.lasso_codes) {
            own.append(ndarray::Axis(0), other.view()).expect("codes have p columns");
        }
    }

    fn check_finite(&self, plan: &Plan, block: usize) -> Result<(), Error> {
        let place = |t: usize, what: &str| {
            Error::NotFinite(format!(
                "run `{}`: {what} is not finite at T = {t}, in the examples from {} on; a smaller \
                 step, or data of a smaller scale, keeps it finite",
                plan.run.name,
                block * plan.block
            ))
        };
        for (index, &t) in plan.iterations().iter().enumerate() {
            if !self.lasso[index].is_finite() {
                return Err(place(t, "the loss"));
            }
            for (estimator, sums) in plan.estimators.iter().zip(&self.estimators) {
                if sums.gradients[index].iter().any(|v| !v.is_finite()) {
                    return Err(place(t, &format!("the gradient {}", estimator.name())));
                }
            }
        }
        let lasso = self.lasso_gradient.iter().all(|v| v.is_finite());
        lasso
            .then_some(())
            .ok_or_else(|| place(plan.sections().compare.lasso_iterations, "the lasso gradient"))
    }
}

fn add(own: &mut [f64], other: &[f64]) {
    own.iter_mut().zip(other).for_each(|(a, b)| *a += b);
}
