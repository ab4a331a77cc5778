//! What is measured of one layer.

mod classes;
mod decode;
mod direction;
mod distances;
mod fate;
mod noise;
mod pairing;

pub(super) use classes::{Classes, classes};
pub(super) use decode::{Decoded, by_threshold, decoded};
pub(super) use distances::{Distances, distances};
pub(super) use fate::{Fates, NEAR, fates};
pub(super) use noise::{DecodeErrors, errors};
pub(super) use pairing::Pairing;

use ndarray::Array2;
use unrolled::one_layer::OneLayer;
use unrolled::tensors::to_array;

use super::lesson::Learning;
use crate::Error;
use direction::direction;

/// The columns of every measurement, after the step; those of the gradient are of the next step's batch.
pub(super) const MEASURED: &[&str] = &[
    "distance_least",
    "distance_median",
    "distance_worst",
    "cosine",
    "cosine_rows_median",
    "cosine_rows_least",
    "rows_astray",
    "rows_decoding",
    "support_precision",
    "support_recall",
    "sign_accuracy",
    "exact",
    "atoms_found",
];

/// W, `[p, m]`.
pub(super) fn weight(network: &OneLayer) -> Array2<f64> {
    to_array(&network.weight.val().inner())
}

/// Test examples of a measurement, at most.
const EXAMPLES: usize = 2000;

/// The values of the columns.
pub(super) fn columns(
    lesson: &Learning,
    network: &OneLayer,
    step: usize,
) -> Result<Vec<Option<f64>>, Error> {
    let prepared = &lesson.prepared;
    let Some(truth) = &prepared.truth else { return Ok(vec![None; MEASURED.len()]) };
    let weight = weight(network);
    let pairing = Pairing::of(lesson, &weight);
    let apart = pairing.as_ref().map(|pairing| distances(&pairing.rows(&weight), truth));
    // Where rows find atoms of their own choice, no way is the right one.
    let led = pairing.filter(|_| Pairing::is_given(lesson));
    let led = led.map(|_| direction(lesson, network, truth, step)).transpose()?;
    let decoded = decoded(lesson, network, network.activation, EXAMPLES);
    let found = fates(lesson, network).map(|fates| fates.found as f64);
    let led = led.as_ref();
    Ok(vec![
        apart.as_ref().map(|d| d.least),
        apart.as_ref().map(|d| d.median),
        apart.as_ref().map(|d| d.worst),
        led.map(|led| led.whole),
        led.map(|led| led.median),
        led.map(|led| led.least),
        led.map(|led| led.astray as f64),
        decoded.as_ref().map(|d| d.rows as f64),
        decoded.as_ref().map(|d| d.precision),
        decoded.as_ref().map(|d| d.recall),
        decoded.as_ref().map(|d| d.signs),
        decoded.as_ref().map(|d| d.exact),
        found,
    ])
}

/// The median; of an even count the mean of the two in the middle.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        count => f64::midpoint(sorted[(count - 1) / 2], sorted[count / 2]),
    }
}
