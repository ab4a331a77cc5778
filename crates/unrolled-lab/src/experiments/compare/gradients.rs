//! The three ways to the gradients of a block: from codes that are there, at every T with one forward pass, or each by
//! itself.

use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use unrolled::fused::at_iterations;
use unrolled::prox::AnyProx;
use unrolled::tensors::{to_array, to_values};

use super::block::Block;
use super::plan::Network;
use super::sums::EstimatorSums;
use crate::Error;
use crate::memory::{Meter, Reading};

/// Adds the gradients of estimators that ask for nothing but codes, at the codes of one T; `forward` is what the
/// codes have cost so far.
pub(super) fn add_at_codes(
    block: &Block,
    codes: &Tensor<2>,
    forward: Reading,
    sums: &mut [EstimatorSums],
) {
    for (estimator, sums) in block.plan.estimators.iter().zip(sums) {
        let mut own = Meter::start();
        let Some(gradients) = estimator.at_codes(&block.network, &block.x, codes) else {
            continue;
        };
        let reading = block.plan.reading(&mut own);
        sums.add(&block.network, &gradients, block.examples());
        let peak = forward.peak_bytes.zip(reading.peak_bytes);
        sums.seconds.push(forward.seconds + reading.seconds);
        sums.peak_bytes.push(peak.map(|(forward, own)| forward.max(own)));
    }
}

/// Adds the gradients of all estimators that go through all iterations, at every T, with one forward pass, where the
/// kernels can do that.
pub(super) fn add_together(block: &Block, sums: &mut [EstimatorSums]) {
    let plan = block.plan;
    let through = plan.estimators.iter().zip(sums);
    let (losses, mut sums): (Vec<_>, Vec<_>) = through
        .filter_map(|(estimator, sums)| Some((estimator.through_all_iterations()?, sums)))
        .unzip();
    let Some(gradients) = at_iterations(&block.network, &block.x, &losses, plan.iterations())
    else {
        return;
    };
    for gradients in &gradients {
        for (gradients, sums) in gradients.iter().zip(&mut sums) {
            sums.add(&block.network, gradients, block.examples());
        }
    }
    let iterations: u64 = plan.iterations().iter().map(|&t| 3 * t as u64).sum();
    block.reporter.advance(losses.len() as u64 * iterations);
}

/// Adds the gradients of all other estimators, one T after another; and for what shared a forward pass, time and memory
/// of each T by itself, on the first block.
pub(super) fn add_alone(block: &Block, sums: &mut [EstimatorSums]) -> Result<(), Error> {
    let plan = block.plan;
    for (estimator, sums) in plan.estimators.iter().zip(sums) {
        let has_gradients = !sums.gradients.is_empty();
        if has_gradients && plan.uses_kernels() {
            sums.seconds.clear();
            sums.peak_bytes.clear();
        }
        if !has_gradients || !plan.uses_kernels() || block.index == 0 {
            sums.timed = block.examples() as usize;
        }
        if has_gradients && !(plan.uses_kernels() && block.index == 0) {
            continue;
        }
        for &iterations in plan.iterations() {
            block.go_on()?;
            let network = plan.network(block.problem, iterations);
            let mut meter = Meter::start();
            let estimate = estimator.estimate(&network, &block.x);
            let reading = plan.reading(&mut meter);
            sums.seconds.push(reading.seconds);
            sums.peak_bytes.push(reading.peak_bytes);
            if !has_gradients {
                sums.add(&network, &estimate.gradients, block.examples());
                block.reporter.advance(3 * iterations as u64);
            }
        }
    }
    Ok(())
}

impl EstimatorSums {
    /// Adds the gradients of the next T.
    fn add(&mut self, network: &Network, gradients: &GradientsParams, examples: f64) {
        let gradient = network.dictionary.columns_gradient(gradients);
        let gradient = gradient.expect("every estimator has the gradient of the dictionary");
        self.gradients.push(to_array(&gradient) * examples);
        if let AnyProx::LearnedSoft(prox) = network.encoder.prox()
            && let Some(gradient) = gradients.get::<1>(prox.bias.id)
        {
            self.biases.push(to_values(&gradient).into_iter().map(|v| v * examples).collect());
        }
    }
}
