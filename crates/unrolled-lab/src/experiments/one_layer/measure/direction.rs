//! Whether the gradient leads the right way.

use ndarray::Array2;
use unrolled::gradient::Estimator;
use unrolled::network::Batch;
use unrolled::one_layer::OneLayer;
use unrolled::tensors::to_array;

use super::{median, weight};
use crate::Error;
use crate::experiments::one_layer::lesson::Learning;
use crate::training::Lesson;

/// Cosines of −∂W with the way from W to Aᵀ.
#[derive(Clone, Debug)]
pub struct Direction {
    /// Of the whole matrix.
    pub whole: f64,
    /// Over the rows.
    pub median: f64,
    pub least: f64,
    /// Rows whose cosine is 0 or less.
    pub astray: usize,
}

/// On the examples of the next step, because the network has just moved by what is special about those of the last. Where rows keep norm 1, what goes along a row moves nothing: both are taken at right angles
/// to it.
pub fn direction(
    lesson: &Learning,
    network: &OneLayer,
    truth: &Array2<f64>,
    step: usize,
) -> Result<Direction, Error> {
    let source = lesson.source();
    let rows = source.rows(step + 1, 0..source.batch().min(4096))?;
    let estimate =
        lesson.plan.rule.estimate_batch(network, &Batch::new(lesson.plan.tensor(&rows.x)));
    let weight = weight(network);
    let mut down = match estimate.gradients.get::<2>(network.weight.id) {
        Some(gradient) => -to_array(&gradient),
        None => Array2::zeros(weight.dim()),
    };
    let mut way = &truth.t() - &weight;
    if lesson.plan.sections().layer.is_normalised() {
        for moved in [&mut down, &mut way] {
            for (mut moved, row) in moved.rows_mut().into_iter().zip(weight.rows()) {
                let along = moved.dot(&row) / row.dot(&row).max(f64::MIN_POSITIVE);
                moved.scaled_add(-along, &row);
            }
        }
    }
    let pairs = down.rows().into_iter().zip(way.rows());
    let parts: Vec<[f64; 3]> = pairs.map(|(d, w)| [d.dot(&w), d.dot(&d), w.dot(&w)]).collect();
    let cosine = |[both, down, way]: [f64; 3]| both / (down * way).sqrt().max(f64::MIN_POSITIVE);
    let cosines: Vec<f64> = parts.iter().copied().map(cosine).collect();
    let sum = |at: usize| parts.iter().map(|part| part[at]).sum();
    Ok(Direction {
        whole: cosine([sum(0), sum(1), sum(2)]),
        median: median(&cosines),
        least: cosines.iter().copied().fold(f64::INFINITY, f64::min),
        astray: cosines.iter().filter(|cosine| **cosine <= 0.0).count(),
    })
}
