//! Examples that never come twice.

use std::ops::Range;
use std::sync::Arc;

use ndarray::Array2;
use unrolled_data::Synthetic;

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

    fn rows(&self, step: usize, range: Range<usize>) -> Rows {
        let first = self.first(step);
        let range = first + range.start as u64..first + range.end as u64;
        let [x, codes] = self.of.draw_rows(&self.truth, self.seed, 0, range);
        Rows { x, target: None, label: None, true_codes: Some(codes) }
    }

    fn describe(&self, step: usize) -> String {
        format!("the batch that begins with fresh example {}", self.first(step))
    }
}
