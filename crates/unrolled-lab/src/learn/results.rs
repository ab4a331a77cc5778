//! results.json and arrays.safetensors of a learning run.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use unrolled::metrics::{aligned, dictionary_error};
use unrolled::tensors::{to_array, to_values};

use super::plan::Plan;
use super::state::State;
use crate::config::{Run, name_of};
use crate::files::Stored;
use crate::{Configuration, Error, RunDirectory, run_directory};

/// results.json from the runs that are finished.
pub(super) fn assemble(
    configuration: &Configuration,
    finished: &[(&Run, State)],
    threads: usize,
) -> Value {
    let runs =
        finished.iter().map(|(run, state)| (run.name.clone(), figures(run, state))).collect();
    let seconds = finished.iter().map(|(_, state)| state.seconds).sum();
    run_directory::results(configuration, threads, seconds, runs)
}

fn figures(run: &Run, state: &State) -> Value {
    let mut fields = Map::new();
    fields.insert("device".to_owned(), json!(run.config.device));
    fields.insert("precision".to_owned(), json!(name_of(run.config.precision)));
    let engine = if run.config.encoder.is_fused() { "fused" } else { "autodiff" };
    fields.insert("engine".to_owned(), json!(engine));
    fields.insert("seed".to_owned(), json!(run.config.seed));
    fields.insert("steps".to_owned(), json!(state.step));
    fields.insert("stopped_early".to_owned(), json!(state.stopped_early));
    fields.insert("estimator".to_owned(), json!(run.config.train().estimator.name()));
    fields.insert("penalty".to_owned(), json!(run.config.encoder.prox.penalty()));
    let plan = Plan::new(run).ok();
    if let Some(plan) = &plan {
        fields.insert("form".to_owned(), json!(format!("{:?}", plan.form).to_lowercase()));
    }
    if let Some([height, width]) = plan.as_ref().and_then(|plan| plan.feature_shape) {
        fields.insert("feature_shape".to_owned(), json!([height, width]));
    }
    if let Some(plan) = &plan
        && let Some(truth) = &plan.data.true_dictionary
    {
        let end = to_array(&state.dictionary.value);
        let pair = |error: &dyn Fn(&ndarray::Array2<f64>) -> Option<f64>| json!({ "initial": error(&plan.start), "final": error(&end) });
        let plain = pair(&|d| Some(dictionary_error(d, truth)));
        fields.insert("dictionary_error".to_owned(), plain);
        let matched = pair(&|d| aligned(d, truth).map(|a| a.error));
        fields.insert("dictionary_error_aligned".to_owned(), matched);
    }
    if let Some((loss, _)) = &state.best {
        fields.insert("best_validation_loss".to_owned(), json!(loss));
    }
    fields.insert("resampled_atoms".to_owned(), json!(state.resampled));
    fields.into()
}

/// The arrays of all runs.
pub(super) fn write_arrays(
    directory: &RunDirectory,
    finished: &[(&Run, State)],
) -> Result<(), Error> {
    let mut arrays: BTreeMap<String, Stored> = BTreeMap::new();
    for (run, state) in finished {
        let width = run.config.precision.bytes();
        let mut put = |name: &str, shape: Vec<usize>, values: Vec<f64>| {
            arrays.insert(format!("{}/{name}", run.name), Stored::new(shape, &values, width));
        };
        let matrix = |array: &ndarray::Array2<f64>| {
            (vec![array.nrows(), array.ncols()], array.iter().copied().collect::<Vec<f64>>())
        };
        let (shape, values) = matrix(&to_array(&state.dictionary.value));
        put("dictionary", shape, values);
        if let Some(bias) = &state.bias {
            let values = to_values(&bias.value);
            put("bias", vec![values.len()], values);
        }
        if let Some(step) = &state.learned_step {
            put("step", vec![1], to_values(&step.value));
        }
        let plan = Plan::new(run).ok();
        // What was done to the examples travels with the dictionary.
        if let Some(preprocessing) = plan.as_ref().and_then(|plan| plan.preprocessing.as_ref()) {
            let mean: Vec<f64> = preprocessing.mean.to_vec();
            put("data_mean", vec![mean.len()], mean);
            put("data_scale", vec![1], vec![preprocessing.scale]);
        }
        // For the report, which shows learned atoms beside true ones.
        if let Some(plan) = plan.as_ref().filter(|plan| plan.feature_shape.is_some())
            && let Some(truth) = &plan.data.true_dictionary
        {
            let (shape, values) = matrix(truth);
            put("true_dictionary", shape, values);
        }
        if let Some((_, best)) = &state.best {
            let (shape, values) = matrix(best);
            put("best_dictionary", shape, values);
        }
        for (step, dictionary) in &state.saved {
            let (shape, values) = matrix(dictionary);
            put(&format!("dictionary_at_{step}"), shape, values);
        }
    }
    let bytes = safetensors::serialize(arrays, None).expect("arrays are valid safetensors");
    directory.write("arrays.safetensors", &bytes)
}
