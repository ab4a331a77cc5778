//! The figures of a network on some of the rows.

use std::ops::Range;

use burn::tensor::{DType, Tensor};
use ndarray::{Array2, s};
use unrolled::loss::Losses;
use unrolled::network::SparseCoder;
use unrolled::task::{LinearTask, TaskKind};
use unrolled::tensors::{to_array, to_scalar};

use super::Network;
use super::labels::classes_of;
use super::lesson::Driven;
use crate::training::unsolved;
use crate::workers::{Workers, in_order};

/// Rows that are coded at a time.
const BLOCK: usize = 256;

/// How many of some rows, true classes, were taken for which class: a row for each true class.
pub(super) type Confusion = Vec<Vec<usize>>;

/// Means over some rows.
#[derive(Clone, Debug)]
pub(super) struct Evaluation {
    pub examples: usize,
    /// (1 − β) reconstruction + β (task + ridge).
    pub loss: f64,
    /// Of the scores alone, without the ridge.
    pub task_loss: f64,
    pub reconstruction: f64,
    /// Entries of a code that are not 0.
    pub nonzeros: f64,
    /// Codes that are not solved to the tolerance, where codes are solved.
    pub unsolved: Option<usize>,
    pub score: Score,
}

/// How well labels are told.
#[derive(Clone, Debug)]
pub(super) enum Score {
    Classes(Confusion),
    /// 1 − Σ(y − s)²/Σ(y − ȳ)² over all rows and values, where y is not the same in every row.
    Values(Option<f64>),
}

impl Score {
    /// The share of rows whose class is told right.
    pub fn accuracy(&self) -> Option<f64> {
        let Self::Classes(confusion) = self else { return None };
        let all: usize = confusion.iter().flatten().sum();
        let right: usize = (0..confusion.len()).map(|class| confusion[class][class]).sum();
        (all > 0).then(|| right as f64 / all as f64)
    }

    pub fn r_squared(&self) -> Option<f64> {
        match self {
            Self::Values(share) => *share,
            Self::Classes(_) => None,
        }
    }

    /// Of all scores `[n, k]` against labels.
    pub fn of(kind: TaskKind, scores: &Array2<f64>, labels: &Array2<f64>) -> Self {
        if kind == TaskKind::Squared {
            return Self::Values(r_squared(scores, labels));
        }
        let classes = labels.ncols().max(2);
        let mut confusion = vec![vec![0; classes]; classes];
        for (truth, told) in classes_of(labels, 0.5).into_iter().zip(classes_of(scores, 0.0)) {
            confusion[truth][told] += 1;
        }
        Self::Classes(confusion)
    }
}

fn r_squared(scores: &Array2<f64>, labels: &Array2<f64>) -> Option<f64> {
    let mean = labels.mean_axis(ndarray::Axis(0))?;
    let squares = |off: &Array2<f64>| off.iter().map(|v| v * v).sum::<f64>();
    let all = squares(&(labels - &mean));
    (all > 0.0).then(|| 1.0 - squares(&(labels - scores)) / all)
}

/// The scores `[n, k]` of codes and the mean of the task's loss.
pub(super) fn scores(
    task: &LinearTask,
    codes: &Tensor<2>,
    labels: &Tensor<2>,
    wide: DType,
) -> (Tensor<2>, Tensor<1>) {
    let scores = task.scores(codes).inner().cast(wide);
    let loss = task.loss(scores.clone(), &labels.clone().cast(wide));
    (scores, loss)
}

/// Sums over a block.
struct Part {
    task_loss: f64,
    reconstruction: f64,
    nonzeros: f64,
    unsolved: Option<usize>,
    scores: Array2<f64>,
}

impl Driven<'_> {
    /// Where sums are taken.
    pub fn wide(&self) -> DType {
        let config = self.plan.config();
        if config.is_on_cpu() { DType::F64 } else { config.precision.dtype() }
    }

    /// The figures of a network on some rows; none where there are no rows. What is added up is added in the order of the
    /// rows, whatever the number of threads.
    pub fn evaluate(&self, network: &Network, rows: Range<usize>) -> Option<Evaluation> {
        let examples = rows.len();
        if examples == 0 {
            return None;
        }
        let blocks = examples.div_ceil(BLOCK);
        let compute = |block: usize| {
            let from = rows.start + block * BLOCK;
            self.part(network, from..(from + BLOCK).min(rows.end))
        };
        let mut parts = Vec::with_capacity(blocks);
        let workers = match (self.plan.config().is_on_cpu(), self.plan.coding.spreads_blocks()) {
            (false, _) => Workers::of(1),
            (true, true) => Workers { workers: 1, threads: self.threads },
            (true, false) => Workers::of(self.threads),
        };
        let done = in_order(
            blocks,
            workers,
            || {},
            |block, _| Ok(compute(block)),
            |_| {},
            |part| {
                parts.push(part);
                Ok(())
            },
        );
        done.expect("no block gives an error");
        let mean = |sum: f64| sum / examples as f64;
        let sum = |of: fn(&Part) -> f64| mean(parts.iter().map(of).sum());
        let (task_loss, reconstruction) = (sum(|p| p.task_loss), sum(|p| p.reconstruction));
        let scores: Vec<_> = parts.iter().map(|part| part.scores.view()).collect();
        let scores =
            ndarray::concatenate(ndarray::Axis(0), &scores).expect("scores have k columns");
        let labels = self.prepared.labels.rows.slice(s![rows, ..]).to_owned();
        let task = &self.plan.sections().task;
        let ridge = to_scalar(&network.task.ridge().inner());
        let loss = (1.0 - task.weight) * reconstruction + task.weight * (task_loss + ridge);
        Some(Evaluation {
            examples,
            loss,
            task_loss,
            reconstruction,
            nonzeros: sum(|p| p.nonzeros),
            unsolved: parts.iter().map(|part| part.unsolved).sum(),
            score: Score::of(task.kind, &scores, &labels),
        })
    }

    fn part(&self, network: &Network, rows: Range<usize>) -> Part {
        let count = rows.len() as f64;
        let of = |array: &Array2<f64>| array.slice(s![rows.clone(), ..]).to_owned();
        let target = self.prepared.data.target.as_ref().map(of);
        let (x, labels) = (of(&self.prepared.data.x), of(&self.prepared.labels.rows));
        let batch = self.plan.batch(&x, target.as_ref(), &labels);
        let codes = network.encode(&batch.x).inner();
        let losses = Losses::of(network, &batch, &codes);
        let labels = batch.label.as_ref().expect("every example has a label");
        let (scores, task_loss) = scores(&network.task, &codes, labels, self.wide());
        let nonzeros = codes.clone().not_equal_elem(0.0).float().sum();
        Part {
            task_loss: to_scalar(&task_loss) * count,
            reconstruction: to_scalar(&losses.reconstruction) * count,
            nonzeros: to_scalar(&nonzeros),
            unsolved: unsolved(&network.encoder, &network.dictionary, &batch.x, &codes),
            scores: to_array(&scores),
        }
    }

    /// The rows held out.
    pub fn held_out(&self) -> Range<usize> {
        self.prepared.training..self.prepared.data.examples()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_confusion_has_a_row_for_every_true_class() {
        let labels = array![[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]];
        let score =
            Score::of(TaskKind::Softmax, &array![[1.0, 0.0], [2.0, 1.0], [0.0, 1.0]], &labels);
        let Score::Classes(confusion) = &score else { panic!("they are classes") };
        assert_eq!(confusion, &[[1, 0], [1, 1]]);
        assert_eq!(score.accuracy(), Some(2.0 / 3.0));
        let logistic = Score::of(TaskKind::Logistic, &array![[-1.0], [3.0]], &array![[0.0], [1.0]]);
        assert_eq!(logistic.accuracy(), Some(1.0));
    }

    #[test]
    fn r_squared_is_1_where_all_is_told_and_0_at_the_mean() {
        let labels = array![[1.0], [3.0]];
        let of = |scores| Score::of(TaskKind::Squared, &scores, &labels).r_squared();
        assert_eq!(of(labels.clone()), Some(1.0));
        assert_eq!(of(array![[2.0], [2.0]]), Some(0.0));
        assert_eq!(Score::of(TaskKind::Squared, &labels, &array![[1.0], [1.0]]).r_squared(), None);
    }
}
