//! Linear models of rows, fitted to their minimum.

use burn::tensor::Device;
use ndarray::{Array2, Axis, concatenate};
use unrolled::dictionary::quick_spectral_norm_squared;
use unrolled::prelude::Precision;
use unrolled::task::{LinearTask, TaskKind};
use unrolled::tensors::{to_array, to_scalar, to_tensor};

/// Products of this many numbers are the most that it may take.
const MOST_WORK: f64 = 1e11;

/// Iterations, at least and at most, whatever the work.
const ITERATIONS: [f64; 2] = [50.0, 1000.0];

/// It ends where the gradient is so much smaller than at 0.
const TOLERANCE: f64 = 1e-5;

/// The bias is the weight of a column of ones.
pub fn with_ones(x: &Array2<f64>) -> Array2<f64> {
    let ones = Array2::ones((x.nrows(), 1));
    concatenate(Axis(1), &[x.view(), ones.view()]).expect("both have n rows")
}

/// The minimum of loss + ½ ridge ‖W‖², by accelerated gradient steps that begin anew where momentum leads uphill; W
/// `[m, k]`, and how many there were.
pub fn fit(
    x: &Array2<f64>,
    labels: &Array2<f64>,
    kind: TaskKind,
    ridge: f64,
) -> (Array2<f64>, usize) {
    let n = x.nrows() as f64;
    let curvature = match kind {
        TaskKind::Logistic => 0.25,
        TaskKind::Softmax => 0.5,
        TaskKind::Squared => 1.0,
    };
    // The norm is found to a relative 10⁻⁴.
    let bound = 1.01 * curvature * quick_spectral_norm_squared(x) / n + ridge;
    let mut weights: Array2<f64> = Array2::zeros((x.ncols(), labels.ncols()));
    let work = 2.0 * (x.len() * labels.ncols()) as f64;
    let most = (MOST_WORK / work).clamp(ITERATIONS[0], ITERATIONS[1]) as usize;
    if bound <= 0.0 {
        return (weights, 0);
    }
    let judge = Judge::new(kind, labels);
    let (mut before, mut time, mut first) = (weights.clone(), 1.0f64, None);
    for made in 0..most {
        let next = f64::midpoint(1.0, (1.0 + 4.0 * time * time).sqrt());
        let ahead = &weights + &((&weights - &before) * ((time - 1.0) / next));
        let (_, slope) = judge.of(&x.dot(&ahead), labels);
        let gradient = x.t().dot(&slope) + &ahead * ridge;
        let size = gradient.iter().map(|v| v * v).sum::<f64>().sqrt();
        let at_start = *first.get_or_insert(size);
        if size <= TOLERANCE * at_start {
            return (ahead, made);
        }
        let moved = &ahead - &(&gradient / bound);
        let uphill = (&gradient * &(&moved - &weights)).sum() > 0.0;
        before = std::mem::replace(&mut weights, moved);
        time = if uphill { 1.0 } else { next };
    }
    (weights, most)
}

/// The task of a kind, whatever its model of rows is.
pub struct Judge(LinearTask);

impl Judge {
    /// For labels `[n, k]`.
    pub fn new(kind: TaskKind, labels: &Array2<f64>) -> Self {
        let size = [1, labels.ncols()];
        Self(LinearTask::new(kind, size, 0.0, Precision::Float64, &Device::flex()))
    }

    /// The mean loss of scores against labels, `[n, k]` both, and its derivative by the scores.
    pub fn of(&self, scores: &Array2<f64>, labels: &Array2<f64>) -> (f64, Array2<f64>) {
        let tensor = |array| to_tensor(array, Precision::Float64, &Device::flex());
        let scores = tensor(scores).autodiff().require_grad();
        let value = self.0.loss(scores.clone(), &tensor(labels));
        let slope = scores.grad(&value.backward()).expect("the loss depends on the scores");
        (to_scalar(&value.inner()), to_array(&slope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_model_is_where_the_gradient_is_0() {
        let x = with_ones(&array![[1.0, 0.5], [-1.0, 2.0], [0.3, -1.0], [2.0, 1.0]]);
        let two = array![[1.0], [0.0], [0.0], [1.0]];
        let three = array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]];
        for (kind, labels) in
            [(TaskKind::Logistic, &two), (TaskKind::Squared, &two), (TaskKind::Softmax, &three)]
        {
            let (weights, _) = fit(&x, labels, kind, 0.05);
            let value = |weights: &Array2<f64>| {
                Judge::new(kind, labels).of(&x.dot(weights), labels).0
                    + 0.025 * weights.iter().map(|w| w * w).sum::<f64>()
            };
            let least = value(&weights);
            for at in 0..weights.len() {
                for change in [-1e-2, 1e-2] {
                    let mut other = weights.clone();
                    other.as_slice_mut().expect("it is whole")[at] += change;
                    assert!(value(&other) > least, "{kind:?}");
                }
            }
        }
    }
}
