//! The figures and arrays of a learning run.

use ndarray::Array2;
use serde_json::{Map, Value, json};
use unrolled::metrics::{aligned, dictionary_error};
use unrolled::tensors::to_array;

use super::Network;
use super::data::{Prepared, Streaming};
use super::lesson::{Learning, Memory};
use super::objective;
use super::plan::Plan;
use crate::Error;
use crate::arrays::{Arrays, Stored};
use crate::config::{DictionaryConfig, name_of};
use crate::training::{State, window_and_stretch};

/// Its part of results.json.
pub(in crate::experiments) fn figures(
    plan: &Plan,
    lesson: &Learning,
    state: &State<Network, Memory>,
) -> Result<Value, Error> {
    let (config, sections) = (plan.config(), plan.sections());
    let Prepared { data, feature_shape, start, .. } = &lesson.prepared;
    let engine = sections.encoder.engine(config.device_kind());
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("device", json!(config.device));
    put("precision", json!(name_of(config.precision)));
    put("engine", json!(engine));
    put("seed", json!(config.seed));
    put("steps", json!(state.step));
    put("stopped_early", json!(state.stopped_early));
    put("estimator", json!(sections.train.estimator.name()));
    put("penalty", json!(sections.encoder.prox.penalty()));
    put("form", json!(format!("{:?}", plan.coding.form).to_lowercase()));
    if let Some(shape) = feature_shape {
        put("feature_shape", json!(shape));
    }
    if let Some(shape) = data.image {
        put("image_shape", json!(shape));
    }
    if let Some(Streaming { files, window, .. }) = &lesson.prepared.stream {
        let [window, stretch] = window_and_stretch(files, *window);
        let [rows, _] = files.shape();
        put(
            "stream",
            json!({ "files": files.files(), "rows": rows, "window": window, "stretch": stretch }),
        );
    }
    if let Some(truth) = &data.true_dictionary {
        let end = to_array(&state.network.dictionary.columns());
        let pair = |error: &dyn Fn(&Array2<f64>) -> Option<f64>| json!({ "initial": error(start), "final": error(&end) });
        put("dictionary_error", pair(&|d| Some(dictionary_error(d, truth))));
        put("dictionary_error_aligned", pair(&|d| aligned(d, truth).map(|a| a.error)));
    }
    if let Some((loss, _)) = &state.best {
        put("best_validation_loss", json!(loss));
    }
    let (examples, held_out) = lesson.sample();
    let [reconstruction, lasso] = lesson.losses_on_sample(&state.network)?;
    let of = if held_out { "validation" } else { "training" };
    let mut sample =
        json!({ "examples": examples, "of": of, "reconstruction": reconstruction, "lasso": lasso });
    if let Some(objective) = objective::of(lesson, &state.network)? {
        sample["objective"] = json!(objective.value);
        sample["objective_gap"] = json!(objective.worst_gap);
    }
    put("sample", sample);
    put("resampled_atoms", json!(state.lesson.resampled));
    Ok(fields.into())
}

/// Its arrays.
pub(in crate::experiments) fn put_arrays(
    plan: &Plan,
    lesson: &Learning,
    state: &State<Network, Memory>,
    arrays: &mut Arrays,
) {
    state.put_parameters(&plan.run.name, arrays);
    let Prepared { data, preprocessing, feature_shape, .. } = &lesson.prepared;
    let width = plan.config().precision.bytes();
    let mut put = |name: &str, shape: Vec<usize>, values: Vec<f64>| {
        arrays.insert(format!("{}/{name}", plan.run.name), Stored::new(shape, &values, width));
    };
    // What was done to the examples travels with the dictionary.
    if let Some(preprocessing) = preprocessing {
        for (name, shape, values) in preprocessing.arrays() {
            put(name, shape, values);
        }
    }
    // For the report, which shows learned atoms beside true ones.
    if let (Some(truth), Some(_)) = (&data.true_dictionary, feature_shape) {
        let [rows, atoms] = [truth.nrows(), truth.ncols()];
        match &plan.sections().dictionary {
            DictionaryConfig::Dense(_) => {
                put("true_dictionary", vec![rows, atoms], truth.iter().copied().collect());
            }
            DictionaryConfig::Convolutional(filters) => {
                let [height, width] = filters.size;
                let shape = vec![atoms, rows / (height * width), height, width];
                put("true_dictionary", shape, truth.t().iter().copied().collect());
            }
        }
    }
}
