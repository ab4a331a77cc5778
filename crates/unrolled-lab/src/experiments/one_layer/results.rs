//! The figures and arrays of a run of one layer.

use serde_json::{Map, Value, json};
use unrolled::gradient::Estimator;
use unrolled::network::Batch;
use unrolled::one_layer::OneLayer;
use unrolled::tensors::to_scalar;

use super::lesson::Learning;
use super::measure::{
    Classes, DecodeErrors, Decoded, Distances, Fates, NEAR, Pairing, by_threshold, classes,
    decoded, distances, errors, fates, weight,
};
use super::plan::Plan;
use crate::arrays::{Arrays, Stored};
use crate::config::name_of;
use crate::training::{Lesson, State};

/// Its part of results.json. What does not exist is absent.
pub(super) fn figures(plan: &Plan, lesson: &Learning, state: &State<OneLayer, ()>) -> Value {
    let config = plan.config();
    let layer = &plan.sections().layer;
    let prepared = &lesson.prepared;
    let network = &state.network;
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("device", json!(config.device));
    put("precision", json!(name_of(config.precision)));
    put("engine", json!("by hand"));
    put("seed", json!(config.seed));
    put("steps", json!(state.step));
    put("estimator", json!(plan.rule.called()));
    let (units, features) = prepared.weight.dim();
    put("units", json!(units));
    put("features", json!(features));
    let judged = plan.rule.estimate_batch(network, &Batch::new(plan.tensor(&prepared.test.x)));
    put("test_reconstruction", json!(to_scalar(&judged.losses.reconstruction)));
    if let Some(format) = layer.rounding() {
        put("unit_roundoff", json!(format.unit_roundoff()));
    }
    if let Some(truth) = &prepared.truth {
        put("coherence", json!(coherence(truth)));
        let of = |network: &OneLayer| {
            let weight = weight(network);
            let pairing = Pairing::of(lesson, &weight)?;
            Some(distances(&pairing.rows(&weight), truth))
        };
        if let (Some(start), Some(end)) = (of(&lesson.start().0), of(network)) {
            let pair =
                |d: Distances| json!({ "least": d.least, "median": d.median, "worst": d.worst });
            // A cosine of that much, as a distance.
            let nearest = (2.0 - 2.0 * NEAR).sqrt();
            let recovered = end.rows.iter().filter(|distance| **distance <= nearest).count();
            put("recovered", json!(recovered as f64 / units as f64));
            put(
                "distance",
                json!({
                    "initial": pair(start),
                    "final": pair(end),
                }),
            );
        }
        for (name, of) in [("rows_at_start", &lesson.start().0), ("rows", network)] {
            if let Some(Fates { found, duplicates, mixtures, dead }) = fates(lesson, of) {
                put(
                    name,
                    json!({
                        "atoms": found, "duplicates": duplicates, "mixtures": mixtures, "dead": dead,
                    }),
                );
            }
        }
    }
    if let Some(found) = decoded(lesson, network, network.activation, usize::MAX) {
        put("decode", of_decoded(&found));
    }
    if let Some((thresholds, found)) = by_threshold(lesson, network) {
        let column = |of: fn(&Decoded) -> f64| found.iter().map(of).collect::<Vec<_>>();
        put(
            "by_threshold",
            json!({
                "threshold": thresholds,
                "support_precision": column(|d| d.precision),
                "support_recall": column(|d| d.recall),
                "exact": column(|d| d.exact),
            }),
        );
    }
    if let Some(DecodeErrors { thresholding, threshold, linear }) = errors(lesson, network) {
        let mut of = Map::new();
        of.insert("thresholding".to_owned(), json!(thresholding));
        of.insert("threshold".to_owned(), json!(threshold));
        if let Some(linear) = linear {
            of.insert("linear".to_owned(), json!(linear));
        }
        put("decode_error", of.into());
    }
    if prepared.truth.is_none() {
        let [side, size] = classes(lesson, network);
        let of = |Classes { codes, principal }: Classes| json!({ "codes": codes, "principal": principal });
        put("classes", json!({ "side": of(side), "size": of(size) }));
    }
    if let Some([1, height, width]) = prepared.data.image {
        put("feature_shape", json!([height, width]));
    }
    fields.into()
}

fn of_decoded(found: &Decoded) -> Value {
    json!({
        "support_precision": found.precision,
        "support_recall": found.recall,
        "sign_accuracy": found.signs,
        "exact": found.exact,
        "rows": found.rows,
    })
}

/// The largest cosine of two atoms.
fn coherence(truth: &ndarray::Array2<f64>) -> f64 {
    let gram = truth.t().dot(truth);
    let apart = gram.indexed_iter().filter(|((i, j), _)| i != j);
    apart.fold(0.0, |most: f64, (_, cosine)| most.max(cosine.abs()))
}

/// Its arrays.
pub(super) fn put_arrays(
    plan: &Plan,
    lesson: &Learning,
    state: &State<OneLayer, ()>,
    arrays: &mut Arrays,
) {
    state.put_parameters(&plan.run.name, arrays);
    let width = plan.config().precision.bytes();
    let mut put = |name: &str, shape: Vec<usize>, values: Vec<f64>| {
        arrays.insert(format!("{}/{name}", plan.run.name), Stored::new(shape, &values, width));
    };
    if let Some(preprocessing) = &lesson.prepared.preprocessing {
        for (name, shape, values) in preprocessing.arrays() {
            put(name, shape, values);
        }
    }
    if let Some(truth) = &lesson.prepared.truth {
        put("true_dictionary", truth.shape().to_vec(), truth.iter().copied().collect());
        let found = weight(&state.network);
        if let Some(pairing) = Pairing::of(lesson, &found) {
            let rows = distances(&pairing.rows(&found), truth).rows;
            put("distances", vec![rows.len()], rows);
        }
    }
}
