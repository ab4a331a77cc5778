//! The walk through all T of a block.

use std::ops::ControlFlow;

use burn::module::Module;
use burn::tensor::Tensor;
use ndarray::Array2;
use unrolled::encoder::{AnyEncoder, Encoder};
use unrolled::loss::Losses;
use unrolled::metrics::total_distance;
use unrolled::network::Batch;
use unrolled::tensors::{to_array, to_scalar};

use super::block::Block;
use super::gradients::add_at_codes;
use super::sums::Sums;
use crate::memory::Meter;

impl Block<'_> {
    pub fn flow(&self) -> ControlFlow<()> {
        match self.stop.is_requested() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// One walk serves the codes, the losses and every estimator that asks for nothing but codes.
    pub fn walk(&self, sums: &mut Sums, lasso: &Array2<f64>, truth: Option<&Array2<f64>>) {
        let Self { plan, network, x, .. } = self;
        let dictionary = network.dictionary.valid();
        let solved = plan.sections().encoder.is_solved();
        let mut walked = 0;
        let mut meter = Meter::start();
        let mut visit = |iteration: usize, codes: &Tensor<2>| {
            if !plan.iterations().contains(&iteration) {
                return self.flow();
            }
            let forward = plan.reading(&mut meter);
            self.reporter.advance((iteration - walked) as u64);
            walked = iteration;
            add_at_codes(self, codes, forward, &mut sums.estimators);
            let losses = Losses::of(network, &Batch::new(x.clone()), codes);
            sums.reconstruction.push(to_scalar(&losses.reconstruction) * self.examples());
            sums.lasso.push(to_scalar(&losses.lasso) * self.examples());
            let codes = to_array(codes);
            sums.code_error_to_lasso.push(total_distance(&codes, lasso));
            sums.code_error_to_truth.extend(truth.map(|truth| total_distance(&codes, truth)));
            if plan.sections().compare.save_arrays_at.contains(&iteration) {
                sums.codes.push(codes);
            }
            // A solver begins anew.
            match solved {
                true => meter = Meter::start(),
                false => meter.resume(),
            }
            self.flow()
        };
        // The kernels of a convolution go from the beginning alone: the walk is made once.
        let convolutional = plan.sections().dictionary.is_convolutional();
        if solved {
            // Every T is the most that a solver may make: it begins anew for each.
            let mut unsolved = Vec::new();
            for &iterations in plan.iterations() {
                let encoder = network.encoder.clone().with_iterations(iterations);
                let AnyEncoder::Solved(encoder) = encoder else { break };
                let solution = encoder.solve(&dictionary, x, None);
                let flow = visit(iterations, &solution.codes);
                unsolved.push(solution.unfinished as f64);
                if flow.is_break() {
                    break;
                }
            }
            sums.unsolved = unsolved;
            return;
        }
        if convolutional || !plan.uses_kernels() {
            network.encoder.unroll(&dictionary, x, &mut visit);
            return;
        }
        // The kernels go from each T of the run to the next.
        let (mut first, mut codes) = (0, None::<Tensor<2>>);
        for &iterations in plan.iterations() {
            let encoder = network.encoder.clone().with_iterations(iterations);
            let start = codes.take().map(|codes| [codes.clone(), codes]);
            let next = encoder.encode_from(&dictionary, x, first, start);
            if visit(iterations, &next).is_break() {
                break;
            }
            (first, codes) = (iterations, Some(next));
        }
    }
}
