//! The same task on the rows themselves: what a linear model makes of them without any dictionary.

use ndarray::{Array2, s};
use unrolled::task::TaskKind;

use super::data::Prepared;
use super::evaluate::Score;
use crate::linear_model::{Judge, fit, with_ones};

/// Its figures on the rows held out.
#[derive(Clone, Debug)]
pub(super) struct Baseline {
    /// Without the ridge.
    pub task_loss: f64,
    pub score: Score,
    /// Iterations that it took.
    pub iterations: usize,
}

impl Prepared {
    /// The figures of a linear model on the rows; none where none are held out. It is found once.
    pub fn on_rows(&self, kind: TaskKind, ridge: f64) -> Option<&Baseline> {
        let rows = self.data.examples();
        (self.training < rows).then(|| {
            self.baseline.get_or_init(|| {
                let x = with_ones(&self.data.x);
                let labels = &self.labels.rows;
                let first = |array: &Array2<f64>| array.slice(s![..self.training, ..]).to_owned();
                let (weights, iterations) = fit(&first(&x), &first(labels), kind, ridge);
                let last = |array: &Array2<f64>| array.slice(s![self.training.., ..]).to_owned();
                let (scores, labels) = (last(&x).dot(&weights), last(labels));
                let (task_loss, _) = Judge::new(kind, &labels).of(&scores, &labels);
                Baseline { task_loss, score: Score::of(kind, &scores, &labels), iterations }
            })
        })
    }
}
