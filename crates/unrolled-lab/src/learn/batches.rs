//! Which examples a step sees.

use unrolled::random::Stream;

use crate::config::steps_of_an_epoch;

/// Batches without hidden state: the examples of a step follow from the seed and the step alone.
#[derive(Debug)]
pub(super) struct Batches {
    seed: u64,
    examples: usize,
    batch: usize,
    shuffle: bool,
    /// The order of the epoch asked for last.
    epoch: Option<(usize, Vec<usize>)>,
}

impl Batches {
    pub fn new(seed: u64, examples: usize, batch: usize, shuffle: bool) -> Self {
        Self { seed, examples, batch, shuffle, epoch: None }
    }

    /// The epoch of a step; both are counted from 1.
    pub fn epoch_of(step: usize, examples: usize, batch: usize) -> usize {
        1 + (step - 1) / steps_of_an_epoch(examples, batch)
    }

    /// The examples of a step, counted from 1.
    pub fn of_step(&mut self, step: usize) -> Vec<usize> {
        let epoch = Self::epoch_of(step, self.examples, self.batch);
        let position = (step - 1) % steps_of_an_epoch(self.examples, self.batch);
        let range = position * self.batch..(position + 1) * self.batch;
        if !self.shuffle || self.batch == self.examples {
            return range.collect();
        }
        let order = match self.epoch.take() {
            Some((known, order)) if known == epoch => order,
            _ => Stream::new(self.seed, "train/shuffle", epoch as u64)
                .sample_without_replacement(self.examples, self.examples),
        };
        let indices = order[range].to_vec();
        self.epoch = Some((epoch, order));
        indices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_sees_every_example_once_and_any_step_can_be_asked_for() {
        let mut batches = Batches::new(1, 20, 5, true);
        let mut epoch: Vec<usize> = (5..=8).flat_map(|step| batches.of_step(step)).collect();
        let seventh = Batches::new(1, 20, 5, true).of_step(7);
        assert_eq!(seventh, epoch[10..15]);
        assert_ne!(epoch[..5], Batches::new(1, 20, 5, true).of_step(1)[..]);
        epoch.sort_unstable();
        assert_eq!(epoch, (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn without_shuffling_the_stored_order_cycles() {
        let mut batches = Batches::new(1, 11, 5, false);
        assert_eq!(batches.of_step(1), [0, 1, 2, 3, 4]);
        assert_eq!(batches.of_step(2), [5, 6, 7, 8, 9]);
        assert_eq!(batches.of_step(3), [0, 1, 2, 3, 4]);
    }
}
