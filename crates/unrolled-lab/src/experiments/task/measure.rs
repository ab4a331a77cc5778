//! The columns of metrics.csv.

use burn::tensor::Tensor;
use ndarray::Array2;
use unrolled::prelude::Precision;
use unrolled::task::TaskKind;
use unrolled::tensors::{to_array, to_scalar, vector_to_tensor};

use super::Network;
use super::evaluate::scores;
use super::labels::classes_of;
use super::lesson::{Driven, Memory};
use crate::training::{State, unsolved};

/// The figures of every step, on its batch: the mean loss of the task without its ridge, the share of classes that are
/// told right, and how many codes are not solved to the tolerance.
pub(super) const COLUMNS: &[&str] = &["task_loss", "accuracy", "unsolved"];

/// The figures of every measurement, on all rows held out, after the step.
pub(super) const MEASURED: &[&str] = &[
    "held_out_loss",
    "held_out_task_loss",
    "held_out_accuracy",
    "held_out_r_squared",
    "held_out_reconstruction",
    "held_out_nonzeros",
    "held_out_unsolved",
    "spectral_norm_squared",
];

/// Σ of the task's loss, classes told right, codes that are not solved, and codes.
pub(super) fn sums(
    lesson: &Driven,
    network: &Network,
    codes: &Tensor<2>,
    x: &Array2<f64>,
    label: &Array2<f64>,
) -> Tensor<1> {
    let count = label.nrows() as f64;
    let (scores, loss) = scores(&network.task, codes, &lesson.plan.tensor(label), lesson.wide());
    let told = classes_of(&to_array(&scores), 0.0).into_iter().zip(classes_of(label, 0.5));
    let right = told.filter(|(told, truth)| told == truth).count() as f64;
    let x = lesson.plan.tensor(x);
    let unsolved = unsolved(&network.encoder, &network.dictionary, &x, codes).unwrap_or(0);
    let sums = vec![to_scalar(&loss) * count, right, unsolved as f64, count];
    let precision = match lesson.plan.config().is_on_cpu() {
        true => Precision::Float64,
        false => lesson.plan.config().precision,
    };
    vector_to_tensor(&sums.into(), precision, &lesson.plan.coding.device)
}

/// The columns of a step, from means over the batch of [`sums`].
pub(super) fn record(lesson: &Driven, memory: &mut Memory, means: &[f64]) -> Vec<Option<f64>> {
    let sections = lesson.plan.sections();
    let batch = lesson.plan.coding.batch as f64;
    let unsolved = sections.encoder.is_solved().then(|| (means[2] * batch).round());
    memory.unsolved += unsolved.unwrap_or(0.0) as u64;
    memory.coded += batch as u64;
    let accuracy = (sections.task.kind != TaskKind::Squared).then_some(means[1]);
    vec![Some(means[0]), accuracy, unsolved]
}

/// The figures on the rows held out.
pub(super) fn examine(lesson: &Driven, network: &Network) -> Vec<Option<f64>> {
    match lesson.evaluate(network, lesson.held_out()) {
        None => vec![None; 7],
        Some(found) => vec![
            Some(found.loss),
            Some(found.task_loss),
            found.score.accuracy(),
            found.score.r_squared(),
            Some(found.reconstruction),
            Some(found.nonzeros),
            found.unsolved.map(|count| count as f64),
        ],
    }
}

/// What is measured of the network beside, and what the user should know.
pub(super) fn take(
    lesson: &Driven,
    state: &mut State<Network, Memory>,
) -> (Vec<Option<f64>>, Option<String>) {
    let norm = state.network.dictionary.norm_squared(false);
    let State { step, network, lesson: memory, .. } = state;
    let warning = memory.step.warning(*step, &network.encoder, norm);
    (vec![Some(norm)], warning.or_else(|| of_unsolved(lesson, *step, memory)))
}

/// Says once that codes are not what the gradient takes them for.
fn of_unsolved(lesson: &Driven, step: usize, memory: &mut Memory) -> Option<String> {
    if memory.unsolved == 0 || memory.warned_of_unsolved {
        return None;
    }
    memory.warned_of_unsolved = true;
    let config = lesson.plan.config();
    let digits = match config.precision {
        Precision::Float32 => ", or `precision = \"float64\"`",
        Precision::Float64 => "",
    };
    Some(format!(
        "up to step {step}, {} of {} codes were not solved to `encoder.tolerance`, and the gradient takes them for \
         solved; allow more than {} iterations, or a larger tolerance{digits}",
        memory.unsolved,
        memory.coded,
        lesson.plan.sections().encoder.iterations
    ))
}
