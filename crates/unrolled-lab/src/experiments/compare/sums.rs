//! Sums over the examples of blocks.

use ndarray::Array2;
use unrolled::gradient::Reach;

use super::plan::Plan;
use crate::Error;

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
    /// Σ of the implicit gradient of least squares at ẑ, where estimators are held against it.
    pub implicit_gradient: Option<Array2<f64>>,
    /// Examples that a solver did not solve to its tolerance, for every T.
    pub unsolved: Vec<f64>,
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
        for (own, other) in [
            (&mut self.true_gradient, &other.true_gradient),
            (&mut self.implicit_gradient, &other.implicit_gradient),
        ] {
            if let (Some(own), Some(other)) = (own, other) {
                *own += other;
            }
        }
        add(&mut self.unsolved, &other.unsolved);
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

    pub fn check_finite(&self, plan: &Plan, block: usize) -> Result<(), Error> {
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
            let estimators = plan.estimators.iter().zip(&plan.labels).zip(&self.estimators);
            for ((estimator, label), sums) in estimators {
                // A singular system is a finding, and is told as one.
                if estimator.reach() == Reach::Solution {
                    continue;
                }
                if sums.gradients[index].iter().any(|v| !v.is_finite()) {
                    return Err(place(t, &format!("the gradient {label}")));
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
