//! What a comparison will take.

use std::time::Instant;

use unrolled::encoder::{Encoder, Form};
use unrolled::gradient::Estimator;
use unrolled::gradient::references::lasso_encoder;
use unrolled::prelude::GAeLs;
use unrolled::tensors::to_tensor;

use super::config::CompareConfig;
use super::plan::Plan;
use crate::check::Estimate;
use crate::memory_plan::MemoryPlan;

/// Bytes of the host beside what the estimators take: data, codes and their copies; a gradient for every estimator
/// and T.
pub(super) fn host_bytes(
    [n, m, q]: [usize; 3],
    entries: usize,
    compare: &CompareConfig,
    workers: usize,
) -> u64 {
    let [n, m, q] = [n, m, q].map(|size| size as f64);
    let kept = (compare.iterations.0.len() * compare.estimators.len()) as f64;
    let data = 8.0 * n * (2.0 * m + 2.0 * q);
    let gradients = 8.0 * entries as f64 * kept * (workers + 2) as f64;
    (data + gradients) as u64
}

/// Seconds of one iteration of one example.
struct Pace {
    /// Of an encoder.
    forward: f64,
    /// Of an encoder and back.
    both: f64,
    /// Of the lasso's code.
    lasso: f64,
}

/// More iterations than this are not made to estimate the others.
const MOST: usize = 200;

impl Plan<'_> {
    /// Adds what the run will take.
    pub fn estimate(&self, threads: usize, estimate: &mut Estimate) {
        let config = &self.run.config;
        let compare = &self.sections().compare;
        let [n, m, p] = self.sizes;
        let longest = self.longest();
        let workers = self.workers(threads);
        let encoder = (&self.sections().encoder, config.precision);
        let demand = MemoryPlan::new(encoder, [m, p], self.form, longest, true);
        let demand = demand.with_filters(self.filters);
        let block = demand.bytes(self.block);
        let host = host_bytes(self.sizes, self.filters.unwrap_or(m * p), compare, workers);
        match (config.is_on_cpu(), self.uses_kernels()) {
            (true, true) => {
                let kernels = demand.kernels(self.form, longest, 1, true);
                let kernels = kernels.saturating_mul(workers as u64);
                estimate.include(host.saturating_add(kernels), None);
            }
            (true, false) => {
                let blocks = block.saturating_mul(workers as u64);
                estimate.include(host.saturating_add(blocks), None);
            }
            (false, _) => estimate.include(host, Some(block)),
        }
        estimate.batch = (!config.is_on_cpu()).then_some([n, self.block]);
        let width = match (self.form, self.filters) {
            // Every entry of a code meets every entry of its filter.
            (_, Some(entries)) => 2.0 * (entries / self.atoms) as f64,
            (Form::Gram, None) => p as f64,
            (Form::Residual, None) => 2.0 * m as f64,
        };
        let repeats = compare.repeats as f64;
        let units = self.units_of_a_block() as f64;
        estimate.operations += 2.0 * width * p as f64 * n as f64 * units * repeats;
        estimate.seconds += self.seconds(workers) * repeats;
        let name = self.run.name.as_str();
        estimate.warnings.extend(self.warnings.iter().map(|warning| match name {
            "main" => warning.clone(),
            name => format!("{name}: {warning}"),
        }));
    }

    /// Seconds of a repeat.
    fn seconds(&self, workers: usize) -> f64 {
        let compare = &self.sections().compare;
        let Pace { forward, both, lasso } = self.pace();
        let through = self.estimators.iter().filter(|e| e.differentiates_encoder()).count() as f64;
        let sum: f64 = self.iterations().iter().map(|&t| t as f64).sum();
        let longest = self.longest() as f64;
        let [n, block] = [self.sizes[0], self.block].map(|examples| examples as f64);
        if self.sections().encoder.is_solved() {
            // Codes are solved for anew at every T, by the walk and by each that goes back through the last iterations.
            let solved = forward * self.longest().min(MOST) as f64;
            let each = self.iterations().len() as f64 * (1.0 + through) * solved;
            return n * (each + lasso * compare.lasso_iterations as f64) / workers as f64;
        }
        let codes = n * (forward * longest + lasso * compare.lasso_iterations as f64);
        let alone = both * sum * through;
        let gradients = match self.uses_kernels() {
            // All T share a forward pass; each is timed by itself on one block, which one worker has in hand.
            true => {
                let back = (both - forward).max(0.0);
                n * (forward * longest + back * sum * through) + block * alone * workers as f64
            }
            false => n * alone,
        };
        (codes + gradients) / workers as f64
    }

    /// From the sample, the second time that it is coded.
    fn pace(&self) -> Pace {
        let iterations = self.longest().min(MOST);
        let network = self.network(&self.sample, iterations);
        let x = to_tensor(&self.sample.data.x, self.run.config.precision, &self.device);
        let dictionary = network.dictionary.clone();
        let examples = self.sample.data.examples().max(1);
        let time = |work: &dyn Fn()| {
            let mut seconds = 0.0;
            for _ in 0..2 {
                let started = Instant::now();
                work();
                // A failure shows when the run begins.
                let _ = self.device.sync();
                seconds = started.elapsed().as_secs_f64();
            }
            seconds / (iterations * examples) as f64
        };
        // Blocks are worked on by one thread each.
        let one = crate::workers::pool(1);
        let forward = || drop(network.encoder.encode(&dictionary, &x));
        // A solver is not gone back through.
        let unrolls = network.encoder.unrolls();
        one.install(|| {
            let forward = time(&forward);
            if unrolls {
                let both = time(&|| drop(GAeLs.estimate(&network, &x)));
                return Pace { forward, both, lasso: forward };
            }
            // A solver is not gone back through, and the lasso's code is not solved for.
            let encoder = lasso_encoder(&network.encoder, iterations);
            let lasso = time(&|| drop(encoder.encode(&dictionary, &x)));
            Pace { forward, both: forward, lasso }
        })
    }
}
