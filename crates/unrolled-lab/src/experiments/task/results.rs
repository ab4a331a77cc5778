//! The figures and arrays of a task-driven run.

use serde_json::{Map, Value, json};

use super::Network;
use super::config::name_of as task_name;
use super::data::Prepared;
use super::evaluate::{Evaluation, Score};
use super::lesson::{Driven, Memory};
use super::plan::Plan;
use crate::arrays::{Arrays, Stored};
use crate::config::name_of;
use crate::training::State;

/// Its part of results.json: the figures on the rows held out stand at the top, those on the rows to train on under
/// `training`, those of a linear model on the rows themselves under `on_rows`. What does not exist is absent.
pub(super) fn figures(plan: &Plan, lesson: &Driven, state: &State<Network, Memory>) -> Value {
    let (config, sections) = (plan.config(), plan.sections());
    let Prepared { feature_shape, labels, training, .. } = &lesson.prepared;
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("device", json!(config.device));
    put("precision", json!(name_of(config.precision)));
    put("engine", json!(sections.encoder.engine(config.device_kind())));
    put("seed", json!(config.seed));
    put("steps", json!(state.step));
    put("estimator", json!(sections.train.estimator.name()));
    put("penalty", json!(sections.encoder.prox.penalty()));
    put("task", json!(task_name(sections.task.kind)));
    put("weight", json!(sections.task.weight));
    if let Some(shape) = feature_shape {
        put("feature_shape", json!(shape));
    }
    if let Some(classes) = &labels.classes {
        put("classes", json!(classes));
    }
    if sections.encoder.is_solved() {
        put("unsolved", json!({ "codes": state.lesson.unsolved, "of": state.lesson.coded }));
    }
    let network = lesson.settled(state);
    if let Some(found) = lesson.evaluate(&network, lesson.held_out()) {
        put("examples", json!(found.examples));
        of(&found).into_iter().for_each(|(name, value)| {
            put(name, value);
        });
    }
    if let Some(found) = lesson.evaluate(&network, 0..*training) {
        let mut of_training = Map::new();
        of_training.insert("examples".to_owned(), json!(found.examples));
        of_training.extend(of(&found).into_iter().map(|(name, value)| (name.to_owned(), value)));
        put("training", of_training.into());
    }
    if let Some(found) = lesson.prepared.on_rows(sections.task.kind, sections.task.ridge) {
        let mut of_rows = Map::new();
        of_rows.insert("task_loss".to_owned(), json!(found.task_loss));
        of_rows.insert("iterations".to_owned(), json!(found.iterations));
        if let Some(accuracy) = found.score.accuracy() {
            of_rows.insert("accuracy".to_owned(), json!(accuracy));
        }
        if let Some(share) = found.score.r_squared() {
            of_rows.insert("r_squared".to_owned(), json!(share));
        }
        put("on_rows", of_rows.into());
    }
    fields.into()
}

fn of(found: &Evaluation) -> Vec<(&'static str, Value)> {
    let mut figures = vec![
        ("loss", json!(found.loss)),
        ("task_loss", json!(found.task_loss)),
        ("reconstruction", json!(found.reconstruction)),
        ("nonzeros", json!(found.nonzeros)),
    ];
    figures.extend(found.unsolved.map(|count| ("unsolved_codes", json!(count))));
    figures.extend(found.score.accuracy().map(|share| ("accuracy", json!(share))));
    figures.extend(found.score.r_squared().map(|share| ("r_squared", json!(share))));
    if let Score::Classes(confusion) = &found.score {
        figures.push(("confusion", json!(confusion)));
    }
    figures
}

/// Its arrays.
pub(super) fn put_arrays(
    plan: &Plan,
    lesson: &Driven,
    state: &State<Network, Memory>,
    arrays: &mut Arrays,
) {
    state.put_parameters(&plan.run.name, arrays);
    let width = plan.config().precision.bytes();
    let mut put = |name: &str, shape: Vec<usize>, values: Vec<f64>| {
        arrays.insert(format!("{}/{name}", plan.run.name), Stored::new(shape, &values, width));
    };
    // What was done to the examples travels with the dictionary.
    if let Some(preprocessing) = &lesson.prepared.preprocessing {
        for (name, shape, values) in preprocessing.arrays() {
            put(name, shape, values);
        }
    }
}
