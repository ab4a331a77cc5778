//! A pass over all rows.

use ndarray::{Array1, Array2, Axis};
use rayon::prelude::*;

use super::Rows;
use crate::DataError;

/// What a pass over all rows finds.
#[derive(Clone, Debug, PartialEq)]
pub struct Survey {
    /// The mean of every column, `[m]`.
    pub mean: Array1<f64>,
    /// The mean square of an entry after its column's mean is taken off.
    pub variance: f64,
    /// The largest ‖x‖².
    pub largest_norm_squared: f64,
    /// CRC-32 of all entries as little-endian float64, row by row.
    pub checksum: u32,
}

/// Numbers of a block.
const BLOCK: usize = 1 << 18;

/// Blocks that are read at a time.
const TOGETHER: usize = 16;

/// Of some rows.
struct Part {
    rows: usize,
    mean: Array1<f64>,
    /// Σ (x − mean)², `[m]`.
    squares: Array1<f64>,
    largest_norm_squared: f64,
    hasher: crc32fast::Hasher,
}

impl Part {
    fn of(rows: &Array2<f64>) -> Self {
        let mean = rows.mean_axis(Axis(0)).expect("a block has rows");
        let (mut squares, mut largest) = (Array1::zeros(mean.len()), 0f64);
        let mut hasher = crc32fast::Hasher::new();
        let mut bytes = Vec::with_capacity(8 * mean.len());
        for row in rows.rows() {
            let mut norm_squared = 0.0;
            bytes.clear();
            for ((value, mean), sum) in row.iter().zip(&mean).zip(&mut squares) {
                norm_squared += value * value;
                *sum += (value - mean) * (value - mean);
                bytes.extend(value.to_le_bytes());
            }
            largest = largest.max(norm_squared);
            hasher.update(&bytes);
        }
        Self { rows: rows.nrows(), mean, squares, largest_norm_squared: largest, hasher }
    }

    /// With the rows that come next (Chan, Golub and LeVeque, 1983).
    fn and(mut self, next: Self) -> Self {
        let [a, b] = [self.rows as f64, next.rows as f64];
        let difference = &next.mean - &self.mean;
        self.squares += &next.squares;
        self.squares.scaled_add(a * b / (a + b), &(&difference * &difference));
        self.mean.scaled_add(b / (a + b), &difference);
        self.hasher.combine(&next.hasher);
        self.rows += next.rows;
        self.largest_norm_squared = self.largest_norm_squared.max(next.largest_norm_squared);
        self
    }
}

impl Rows {
    /// Reads every row once, some blocks at a time, and checks that every entry is finite. `None` where there are no rows
    /// or columns. The same to the bit whatever the number of threads.
    pub fn survey(&self) -> Result<Option<Survey>, DataError> {
        let [n, m] = self.shape();
        if n == 0 || m == 0 {
            return Ok(None);
        }
        let rows = (BLOCK / m).max(1);
        let blocks: Vec<usize> = (0..n).step_by(rows).collect();
        let mut all: Option<Part> = None;
        for together in blocks.chunks(TOGETHER) {
            let part = |from: &usize| Ok(Part::of(&self.read(*from, (*from + rows).min(n))?));
            let parts: Vec<Result<Part, DataError>> = together.par_iter().map(part).collect();
            for part in parts {
                let part = part?;
                all = Some(match all.take() {
                    None => part,
                    Some(before) => before.and(part),
                });
            }
        }
        Ok(all.map(|Part { mean, squares, largest_norm_squared, hasher, .. }| Survey {
            variance: squares.sum() / (n as f64 * m as f64),
            mean,
            largest_norm_squared,
            checksum: hasher.finalize(),
        }))
    }
}
