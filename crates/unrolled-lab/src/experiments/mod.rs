//! Every kind of experiment: a folder each, and a line in the list.

mod attributor;
mod compare;
pub(crate) mod denoise;
pub(crate) mod explain;
mod learn;
mod one_layer;
mod sequence;
mod shelf;
mod task;
mod theory;

use crate::experiment::Experiments;

/// The kinds that `unrolled` knows.
pub const EXPERIMENTS: Experiments = Experiments::new(&[
    &compare::CompareGradients,
    &learn::LearnDictionary,
    &denoise::Denoise,
    &task::TaskDrivenLearning,
    &attributor::SoftmaxAttributor,
    &one_layer::OneLayerLearning,
    &explain::Explain,
    &theory::Theory,
]);
