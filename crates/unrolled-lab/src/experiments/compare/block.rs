//! The measurements of one block of examples: codes and references here, the gradients by whichever way serves.

use std::ops::Range;

use burn::tensor::{Device, Tensor};
use ndarray::{Array2, s};
use unrolled::dictionary::AnyDictionary;
use unrolled::encoder::Encoder;
use unrolled::gradient::references::lasso_encoder;
use unrolled::prelude::Precision;
use unrolled::tensors::{to_array, to_tensor};

use super::gradients::{add_alone, add_together};
use super::plan::{Network, Plan, Problem};
use super::sums::{EstimatorSums, Sums};
use crate::Error;
use crate::progress::Stop;
use crate::workers::Reporter;

/// A block of examples and what it is measured with.
pub(super) struct Block<'a> {
    pub plan: &'a Plan<'a>,
    pub problem: &'a Problem,
    /// Which block.
    pub index: usize,
    /// Which examples.
    range: Range<usize>,
    pub x: Tensor<2>,
    /// With the most iterations of the run.
    pub network: Network,
    pub stop: &'a Stop,
    pub reporter: &'a Reporter<Sums>,
}

/// Runs every estimator on a full block, at the longest T on one example and briefly on all, so that
/// what Burn and the products keep on a thread is there before anything is measured.
pub(super) fn warm_up(plan: &Plan, problem: &Problem) {
    let longest = plan.longest();
    let network = plan.network(problem, longest);
    // A solver needs more iterations than are gone back through.
    let brief = if plan.sections().encoder.is_solved() { longest } else { longest.min(2) };
    let brief = plan.network(problem, brief);
    for (network, examples) in [(&network, 1), (&brief, plan.block)] {
        let x = problem.data.x.slice(s![..examples, ..]).to_owned();
        let x = to_tensor(&x, plan.run.config.precision, &plan.device);
        for estimator in &plan.estimators {
            let _ = estimator.estimate(network, &x);
        }
    }
}

impl<'a> Block<'a> {
    pub fn new(
        plan: &'a Plan<'a>,
        problem: &'a Problem,
        index: usize,
        stop: &'a Stop,
        reporter: &'a Reporter<Sums>,
    ) -> Self {
        let range = index * plan.block..((index + 1) * plan.block).min(plan.sizes[0]);
        let x = problem.data.x.slice(s![range.clone(), ..]).to_owned();
        let x = to_tensor(&x, plan.run.config.precision, &plan.device);
        let network = plan.network(problem, plan.longest());
        Self { plan, problem, index, range, x, network, stop, reporter }
    }

    /// Measures it.
    pub fn measure(&self) -> Result<Sums, Error> {
        let plan = self.plan;
        let x = self.rows(&self.problem.data.x);
        let lasso_codes = self.lasso_codes(&x);
        let true_codes = self.problem.data.true_codes.as_ref().map(|codes| self.rows(codes));
        let gradient_at = |codes| {
            let tensor = |array| to_tensor(array, Precision::Float64, &Device::flex());
            let dictionary = self.reference_dictionary();
            to_array(&dictionary.columns_at_codes(&tensor(&x), &tensor(codes))) * self.examples()
        };
        let mut sums = Sums {
            examples: self.range.len(),
            examples_of_a_block: self.range.len(),
            lasso_gradient: gradient_at(&lasso_codes),
            true_gradient: true_codes.as_ref().map(gradient_at),
            implicit_gradient: self.implicit_gradient(&x, &lasso_codes),
            estimators: plan.estimators.iter().map(|_| EstimatorSums::default()).collect(),
            ..Sums::default()
        };
        self.go_on()?;
        self.walk(&mut sums, &lasso_codes, true_codes.as_ref());
        self.go_on()?;
        if !plan.sections().compare.save_arrays_at.is_empty() {
            sums.lasso_codes.push(lasso_codes);
        }
        add_together(self, &mut sums.estimators);
        add_alone(self, &mut sums.estimators)?;
        self.go_on()?;
        sums.check_finite(plan, self.index)?;
        Ok(sums)
    }

    /// How many examples, for sums.
    pub fn examples(&self) -> f64 {
        self.range.len() as f64
    }

    /// D⁰ in float64 on the CPU.
    pub fn reference_dictionary(&self) -> AnyDictionary {
        let config = &self.plan.run.config;
        self.problem.dictionary(config, Precision::Float64, &Device::flex())
    }

    fn rows(&self, array: &Array2<f64>) -> Array2<f64> {
        array.slice(s![self.range.clone(), ..]).to_owned()
    }

    /// An error where somebody asked to stop.
    pub fn go_on(&self) -> Result<(), Error> {
        match self.stop.is_requested() {
            true => Err(Error::Interrupted(String::new())),
            false => Ok(()),
        }
    }

    /// ẑ, in float64 on the CPU: what others are held against does not depend on the device or the precision of
    /// a run.
    fn lasso_codes(&self, x: &Array2<f64>) -> Array2<f64> {
        let iterations = self.plan.sections().compare.lasso_iterations;
        let tensor = |array| to_tensor(array, Precision::Float64, &Device::flex());
        let (dictionary, x) = (self.reference_dictionary(), tensor(x));
        let lasso = lasso_encoder(&self.network.encoder, iterations).with_form(self.plan.form);
        if self.plan.sections().encoder.is_by_hand() {
            let codes = lasso.encode(&dictionary, &x);
            self.reporter.advance(iterations as u64);
            return to_array(&codes);
        }
        to_array(&lasso.unroll(&dictionary, &x, &mut |_, _| {
            self.reporter.advance(1);
            self.flow()
        }))
    }
}
