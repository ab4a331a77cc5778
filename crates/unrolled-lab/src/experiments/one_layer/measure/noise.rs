//! How well codes are decoded from noise, beside the best that a linear map can do.

use ndarray::Array2;
use unrolled::metrics::linear_decoder;
use unrolled::one_layer::{Activation, OneLayer};

use super::decode::{codes, paired_scores};
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
    let error = |codes: &Array2<f64>, truth: &Array2<f64>| {
        let size: f64 = truth.iter().map(|h| h * h).sum();
        codes.iter().zip(truth).map(|(z, h)| (z - h).powi(2)).sum::<f64>() / size
    };
    let largest = trained.iter().fold(0.0f64, |most, h| most.max(h.abs()));
    let tried = (0..TRIED).map(|at| largest * at as f64 / TRIED as f64);
    let judged = tried.map(|t| (t, error(&codes(Activation::Hard(t), &of_data), trained)));
    let (threshold, _) = judged.min_by(|a, b| a.1.total_cmp(&b.1))?;
    let linear = linear_decoder(&data.x, trained);
    Some(DecodeErrors {
        thresholding: error(&codes(Activation::Hard(threshold), &of_test), truth),
        threshold,
        linear: linear.map(|map| error(&test.x.dot(&map), truth)),
    })
}
