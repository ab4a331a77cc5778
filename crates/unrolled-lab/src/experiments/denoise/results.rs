//! The figures and arrays of a run over images.

use burn::module::Module;
use serde_json::{Map, Value, json};
use unrolled::prelude::Denoiser;

use super::evaluate::{Restored, means};
use super::lesson::Memory;
use super::network::Blueprint;
use super::plan::Plan;
use crate::arrays::{Arrays, Stored};
use crate::config::name_of;
use crate::training::{State, with_values};

/// The array `[2]` of what training had settled when it ended: α, and the step that a decay is of.
pub(crate) const SETTLED: &str = "settled";

fn settled(state: &State<Denoiser, Memory>) -> (f64, usize) {
    (state.lesson.encoder_step, state.step.max(1))
}

/// The network that is tested: the best on the images to validate on, where there are any, else the last; and what it is
/// called.
pub(super) fn tested(
    blueprint: &Blueprint,
    state: &State<Denoiser, Memory>,
) -> (Denoiser, &'static str) {
    // A network that was read back has the parameters alone.
    let (step, train_step) = settled(state);
    let network = blueprint.settled(state.network.clone(), step, train_step);
    match &state.best {
        Some((_, values)) => {
            (with_values(network, values).expect("the best network is one of these"), "best")
        }
        None => (network, "last"),
    }
}

/// Its part of results.json.
pub(super) fn figures(
    plan: &Plan,
    state: &State<Denoiser, Memory>,
    tested: &str,
    restored: &[Restored],
) -> Value {
    let (config, sections) = (&plan.run.config, plan.sections());
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("device", json!(config.device));
    put("precision", json!(name_of(config.precision)));
    put("engine", json!(plan.engine()));
    put("seed", json!(config.seed));
    put("steps", json!(state.step));
    put("stopped_early", json!(state.stopped_early));
    put("estimator", json!(sections.train.train.estimator.name()));
    put("penalty", json!(sections.encoder.encoder.prox.penalty()));
    put("parameters", json!(Module::num_params(&state.network)));
    put("seconds", json!(state.seconds));
    if let Some((loss, _)) = &state.best {
        put("best_validation_loss", json!(loss));
    }
    if !restored.is_empty() {
        let [psnr, reference, noisy, ssim] = means(restored);
        let images: Vec<Value> = restored
            .iter()
            .map(|image| {
                json!({
                    "name": image.name,
                    "psnr": image.psnr,
                    "psnr_reference": image.psnr_reference,
                    "psnr_noisy": image.psnr_noisy,
                    "ssim": image.ssim,
                })
            })
            .collect();
        put(
            "test",
            json!({
                "noise": sections.data.test_noise(),
                "network": tested,
                "psnr": psnr,
                "psnr_reference": reference,
                "psnr_noisy": noisy,
                "ssim": ssim,
                "images": images,
            }),
        );
    }
    fields.into()
}

/// Its arrays: parameters, and the pictures that the report shows.
pub(super) fn put_arrays(
    plan: &Plan,
    state: &State<Denoiser, Memory>,
    restored: &[Restored],
    arrays: &mut Arrays,
) {
    let run = &plan.run.name;
    state.put_parameters(run, arrays);
    let (step, train_step) = settled(state);
    arrays.insert(format!("{run}/{SETTLED}"), Stored::new(vec![2], &[step, train_step as f64], 8));
    for (index, image) in restored.iter().enumerate() {
        let Some(pictures) = &image.pictures else { continue };
        for (name, values) in ["noisy", "restored", "clean"].iter().zip(pictures) {
            let stored = Stored::new(image.shape.to_vec(), values, 4);
            arrays.insert(format!("{run}/test/{index}/{name}"), stored);
        }
    }
}
