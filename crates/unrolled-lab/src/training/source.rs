//! Where the batches of training come from.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{Array2, Axis, s};
use unrolled::random::Stream;
use unrolled_data::DataSet;

use crate::Error;
use crate::config::steps_of_an_epoch;

/// Some examples, and what is known of them; a row each.
#[derive(Clone, Debug)]
pub struct Rows {
    /// What is encoded, `[n, m]`.
    pub x: Array2<f64>,
    /// What reconstructions are held against instead of x, `[n, m]`.
    pub target: Option<Array2<f64>>,
    /// What a task's loss compares with, `[n, k]`.
    pub label: Option<Array2<f64>>,
    /// Z*, `[n, p]`.
    pub true_codes: Option<Array2<f64>>,
}

/// Batches without hidden state: the examples of a step follow from the seed and the step alone, so that any step
/// can be taken again.
pub trait Source: Sync {
    /// Examples of a step.
    fn batch(&self) -> usize;

    /// Steps in which every example comes once.
    fn steps_of_an_epoch(&self) -> usize;

    /// Some of the examples of a step, which is counted from 1. An error where they cannot be read.
    fn rows(&self, step: usize, range: Range<usize>) -> Result<Rows, Error>;

    /// How a person finds the batch of a step again.
    fn describe(&self, step: usize) -> String;

    /// The epoch of a step; both are counted from 1.
    fn epoch_of(&self, step: usize) -> usize {
        1 + (step - 1) / self.steps_of_an_epoch()
    }
}

/// Examples of which some are held out, and on which all runs can be measured.
pub trait Examples: Source {
    /// How many examples there are to train on.
    fn training(&self) -> usize;

    /// How many examples are held out.
    fn held_out(&self) -> usize;

    /// Some of `count` examples to train on that are evenly spread over them, and their targets where there are any, each
    /// `[n, m]`.
    fn spread_rows(&self, range: Range<usize>, count: usize) -> Result<Pair, Error>;

    /// Some of the examples that are held out, and their targets where there are any, each `[n, m]`.
    fn held_out_rows(&self, range: Range<usize>) -> Result<Pair, Error>;
}

/// Examples, and what reconstructions of them are held against, where that is something else.
pub type Pair = (Array2<f64>, Option<Array2<f64>>);

/// Examples that are arrays in memory.
#[derive(Debug)]
pub struct InMemory {
    data: Arc<DataSet>,
    seed: u64,
    training: usize,
    batch: usize,
    shuffle: bool,
    /// What a task's loss compares with, `[n, k]`.
    labels: Option<Arc<Array2<f64>>>,
    /// The order of the epoch asked for last.
    epoch: Mutex<Option<(usize, Arc<Vec<usize>>)>>,
}

impl InMemory {
    /// The first `training` examples, `batch` of them in a step; the others are held out. Without `shuffle` the stored
    /// order cycles.
    pub fn new(
        data: Arc<DataSet>,
        seed: u64,
        training: usize,
        batch: usize,
        shuffle: bool,
    ) -> Self {
        Self { data, seed, training, batch, shuffle, labels: None, epoch: Mutex::default() }
    }

    /// With a label for every example, `[n, k]`.
    pub fn with_labels(self, labels: Arc<Array2<f64>>) -> Self {
        Self { labels: Some(labels), ..self }
    }

    /// Which examples a step sees.
    pub fn indices(&self, step: usize) -> Vec<usize> {
        let position = (step - 1) % self.steps_of_an_epoch();
        let range = position * self.batch..(position + 1) * self.batch;
        if !self.shuffle || self.batch == self.training {
            return range.collect();
        }
        self.order(self.epoch_of(step))[range].to_vec()
    }

    fn order(&self, epoch: usize) -> Arc<Vec<usize>> {
        let mut last = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((known, order)) if *known == epoch => order.clone(),
            _ => {
                let mut stream = Stream::new(self.seed, "train/shuffle", epoch as u64);
                let order = stream.sample_without_replacement(self.training, self.training);
                last.insert((epoch, Arc::new(order))).1.clone()
            }
        }
    }
}

impl Examples for InMemory {
    fn training(&self) -> usize {
        self.training
    }

    fn held_out(&self) -> usize {
        self.data.examples() - self.training
    }

    fn spread_rows(&self, range: Range<usize>, count: usize) -> Result<Pair, Error> {
        let indices: Vec<usize> = range.map(|index| index * self.training / count).collect();
        let select = |array: &Array2<f64>| array.select(Axis(0), &indices);
        Ok((select(&self.data.x), self.data.target.as_ref().map(select)))
    }

    fn held_out_rows(&self, range: Range<usize>) -> Result<Pair, Error> {
        let range = self.training + range.start..self.training + range.end;
        let some = |array: &Array2<f64>| array.slice(s![range.clone(), ..]).to_owned();
        Ok((some(&self.data.x), self.data.target.as_ref().map(some)))
    }
}

impl Source for InMemory {
    fn batch(&self) -> usize {
        self.batch
    }

    fn steps_of_an_epoch(&self) -> usize {
        steps_of_an_epoch(self.training, self.batch)
    }

    fn rows(&self, step: usize, range: Range<usize>) -> Result<Rows, Error> {
        let indices = &self.indices(step)[range];
        let select = |array: &Array2<f64>| array.select(Axis(0), indices);
        let true_codes = self.data.true_codes.as_ref().map(select);
        let target = self.data.target.as_ref().map(select);
        let label = self.labels.as_deref().map(select);
        Ok(Rows { x: select(&self.data.x), target, label, true_codes })
    }

    fn describe(&self, step: usize) -> String {
        format!("the batch that begins with example {}", self.indices(step)[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(examples: usize, shuffle: bool) -> InMemory {
        let x = Array2::zeros((examples, 1));
        let data = DataSet::of_rows(x);
        InMemory::new(Arc::new(data), 1, examples, 5, shuffle)
    }

    #[test]
    fn an_epoch_sees_every_example_once_and_any_step_can_be_asked_for() {
        let batches = source(20, true);
        let mut epoch: Vec<usize> = (5..=8).flat_map(|step| batches.indices(step)).collect();
        assert_eq!(source(20, true).indices(7), epoch[10..15]);
        assert_ne!(epoch[..5], source(20, true).indices(1)[..]);
        epoch.sort_unstable();
        assert_eq!(epoch, (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn without_shuffling_the_stored_order_cycles() {
        let batches = source(11, false);
        assert_eq!(batches.indices(1), [0, 1, 2, 3, 4]);
        assert_eq!(batches.indices(2), [5, 6, 7, 8, 9]);
        assert_eq!(batches.indices(3), [0, 1, 2, 3, 4]);
    }
}
