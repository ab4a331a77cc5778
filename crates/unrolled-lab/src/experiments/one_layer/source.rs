//! Examples that never come twice.

use std::ops::Range;
use std::sync::Arc;

use ndarray::Array2;
use unrolled_data::Synthetic;

use crate::Error;
use crate::training::{Rows, Source};

/// New examples of a dictionary in every step.
pub(super) struct Fresh {
    pub of: Synthetic,
    pub truth: Arc<Array2<f64>>,
    pub seed: u64,
    pub batch: usize,
}

impl Fresh {
    fn first(&self, step: usize) -> u64 {
        ((step - 1) * self.batch) as u64
    }
}

impl Source for Fresh {
    fn batch(&self) -> usize {
        self.batch
    }

    /// So many steps see as many examples as the data say there are.
    fn steps_of_an_epoch(&self) -> usize {
        (self.of.examples / self.batch).max(1)
    }

    fn rows(&self, step: usize, range: Range<usize>) -> Result<Rows, Error> {
        let first = self.first(step);
        let range = first + range.start as u64..first + range.end as u64;
        let [x, codes] = self.of.draw_rows(&self.truth, self.seed, 0, range);
        Ok(Rows { x, target: None, label: None, true_codes: Some(codes) })
    }

    fn describe(&self, step: usize) -> String {
        format!("the batch that begins with fresh example {}", self.first(step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unrolled_data::{Amplitude, Sign, Truth};

    #[test]
    fn no_example_comes_twice_and_any_of_them_can_be_asked_for() {
        let of = Synthetic {
            examples: 10,
            features: 6,
            atoms: 8,
            nonzeros: 2,
            amplitude: Amplitude::Uniform { low: 1.0, high: 2.0 },
            sign: Sign::PerEntry,
            noise: 0.0,
            truth: Truth::Random,
        };
        let truth = Arc::new(of.draw_dictionary(3, 0));
        let fresh = Fresh { of, truth, seed: 3, batch: 5 };
        let steps: Vec<_> = (1..=4).map(|step| fresh.rows(step, 0..5).unwrap().x).collect();
        let rows: Vec<_> = steps.iter().flat_map(|x| x.rows()).collect();
        let alike = |i: usize| rows[..i].iter().any(|other| *other == rows[i]);
        assert!(!(1..rows.len()).any(alike));
        assert_eq!(fresh.rows(3, 2..4).unwrap().x, steps[2].slice(ndarray::s![2..4, ..]));
        assert_eq!((fresh.epoch_of(2), fresh.epoch_of(3)), (1, 2));
    }
}
