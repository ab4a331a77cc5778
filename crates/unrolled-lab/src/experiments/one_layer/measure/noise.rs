//! How well codes are decoded from noise, beside the best that a linear map can do.

use ndarray::Array2;
use unrolled::metrics::linear_decoder;
use unrolled::one_layer::OneLayer;

use super::decode::paired_scores;
use crate::experiments::one_layer::lesson::Learning;

/// Σ ‖ẑ − h‖² / Σ ‖h‖² over the test examples.
#[derive(Clone, Copy, Debug)]
pub struct DecodeErrors {
    /// Of a hard threshold, the one that does best on the examples to train on.
    pub thresholding: f64,
    /// That threshold.
    pub threshold: f64,
    /// Of the best linear decoder of the examples to train on, where there is one.
    pub linear: Option<f64>,
}

/// None where the true codes are not known, or there are not as many units as atoms.
pub fn errors(lesson: &Learning, network: &OneLayer) -> Option<DecodeErrors> {
    /// Thresholds that are tried.
    const TRIED: usize = 60;
    let (data, test) = (&lesson.prepared.data, &lesson.prepared.test);
    let (trained, truth) = (data.true_codes.as_ref()?, test.true_codes.as_ref()?);
    let on = |x: &Array2<f64>| paired_scores(lesson, network, x);
    let (of_data, of_test) = (on(&data.x)?, on(&test.x)?);
    let largest = trained.iter().fold(0.0f64, |most, h| most.max(h.abs()));
    let tried = (0..TRIED).map(|at| largest * at as f64 / TRIED as f64);
    let judged = tried.map(|threshold| (threshold, thresholded(&of_data, threshold, trained)));
    let (threshold, _) = judged.min_by(|a, b| a.1.total_cmp(&b.1))?;
    let linear = linear_decoder(&data.x, trained);
    Some(DecodeErrors {
        thresholding: thresholded(&of_test, threshold, truth),
        threshold,
        linear: linear.map(|map| thresholded(&test.x.dot(&map), 0.0, truth)),
    })
}

/// The error of scores with a hard threshold, entry by entry: codes of many thresholds are never held.
fn thresholded(scores: &Array2<f64>, threshold: f64, truth: &Array2<f64>) -> f64 {
    let size: f64 = truth.iter().map(|h| h * h).sum();
    let missed = scores.iter().zip(truth).map(|(score, h)| {
        let code = if score.abs() > threshold { *score } else { 0.0 };
        (code - h).powi(2)
    });
    missed.sum::<f64>() / size
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn what_is_not_above_the_threshold_counts_as_zero() {
        let (scores, truth) = (array![[1.0, -0.4], [0.5, -2.0]], array![[1.0, 0.0], [0.0, -1.0]]);
        assert!((thresholded(&scores, 0.5, &truth) - 0.5).abs() < 1e-15);
        assert!((thresholded(&scores, 0.0, &truth) - (0.16 + 0.25 + 1.0) / 2.0).abs() < 1e-15);
    }
}
