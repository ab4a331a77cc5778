//! The figures and arrays of a run of the softmax attributor.

use ndarray::Array2;
use serde_json::{Map, Value, json};

use super::lesson::{Attributing, Memory};
use super::measure;
use super::network::Explainer;
use super::plan::Plan;
use crate::arrays::{Arrays, Stored};
use crate::config::{DataConfig, name_of};
use crate::training::State;

/// Its part of results.json. What does not exist is absent.
pub(super) fn figures(
    plan: &Plan,
    lesson: &Attributing,
    state: &State<Explainer, Memory>,
) -> Value {
    let (config, sections) = (plan.config(), plan.sections());
    let attributor = &sections.attributor;
    let encodes = attributor.attribution().is_none();
    let network = lesson.settled(state);
    let found = measure::examine(lesson, &network);
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("device", json!(config.device));
    put("precision", json!(name_of(config.precision)));
    let engine = sections.encoder.engine(config.device_kind());
    put("engine", json!(if encodes { engine } else { "autodiff" }));
    put("seed", json!(config.seed));
    put("steps", json!(state.step));
    put("attribution", json!(attributor.attribution));
    put("terms", json!(attributor.terms));
    put("loss", json!(found.loss));
    if !encodes {
        put("floor", json!(lesson.prepared.floor));
    }
    put("entropy", json!(found.entropy));
    put("largest_entropy", json!((attributor.terms as f64).ln()));
    put("largest_share", json!(found.largest));
    put("nonzeros", json!(found.nonzeros));
    if let DataConfig::Gaussians(gaussians) = &sections.data
        && !gaussians.means.is_empty()
    {
        let distances = distances_to_means(&gaussians.means, &network.dictionary(), encodes);
        put("distances_to_means", json!(distances));
        put("std", json!(gaussians.std));
    }
    if let Some(share) = lesson.prepared.plane.share() {
        put("plane_share", json!(share));
    }
    fields.into()
}

/// From every mean to the nearest atom, whatever its sign where codes have signs.
fn distances_to_means(means: &[Vec<f64>], dictionary: &Array2<f64>, signed: bool) -> Vec<f64> {
    let signs = if signed { &[1.0, -1.0][..] } else { &[1.0] };
    let distance = |mean: &[f64], atom: ndarray::ArrayView1<f64>| {
        let of_sign = |sign: &f64| {
            atom.iter().zip(mean).map(|(a, b)| (sign * a - b).powi(2)).sum::<f64>().sqrt()
        };
        signs.iter().map(of_sign).fold(f64::INFINITY, f64::min)
    };
    let nearest = |mean: &Vec<f64>| {
        let atoms = dictionary.columns().into_iter();
        atoms.map(|atom| distance(mean, atom)).fold(f64::INFINITY, f64::min)
    };
    means.iter().map(nearest).collect()
}

/// Its arrays: the parameters, and under `plane/` what the report draws.
pub(super) fn put_arrays(
    plan: &Plan,
    lesson: &Attributing,
    state: &State<Explainer, Memory>,
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
    let plane = &lesson.prepared.plane;
    put("plane/points", vec![plane.points.len(), 2], plane.points.concat());
    let path = &state.lesson.path;
    let terms = plan.sections().attributor.terms;
    let places = path.iter().flat_map(|(_, places)| places.concat()).collect();
    put("plane/path", vec![path.len(), terms, 2], places);
    put("plane/steps", vec![path.len()], path.iter().map(|(step, _)| *step as f64).collect());
    if let DataConfig::Gaussians(gaussians) = &plan.sections().data
        && let Some(first) = gaussians.means.first()
    {
        let shape = (gaussians.means.len(), first.len());
        if let Ok(means) = Array2::from_shape_vec(shape, gaussians.means.concat()) {
            put("plane/means", vec![shape.0, 2], plane.of_rows(&means).concat());
        }
    }
}
