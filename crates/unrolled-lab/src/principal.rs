//! Principal components: the directions in which examples vary most.

use ndarray::{Array1, Array2, Axis};
use unrolled::dictionary::initialisation;
use unrolled::random::Stream;

/// The leading directions of examples around their mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Principal {
    /// The mean, `[m]`.
    pub mean: Array1<f64>,
    /// The directions, each of norm 1, in rows, `[k, m]`.
    pub directions: Array2<f64>,
    /// The variance along each of them (1/n).
    pub variances: Vec<f64>,
    /// The sum of the variances of all features.
    pub total: f64,
}

impl Principal {
    /// The `count` leading directions of examples `[n, m]`, m of them at most.
    pub fn of(x: &Array2<f64>, count: usize) -> Self {
        let mean = x.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(x.ncols()));
        let centred = x - &mean;
        let n = x.nrows().max(1) as f64;
        let total = centred.iter().map(|v| v * v).sum::<f64>() / n;
        let count = count.min(x.ncols());
        // Nothing is drawn: there are enough directions.
        let mut none = Stream::new(0, "principal", 0);
        let mut directions = initialisation::svd(&centred, count, &mut none)
            .reversed_axes()
            .as_standard_layout()
            .into_owned();
        // A direction has two signs: the larger entry is positive.
        for mut direction in directions.rows_mut() {
            let largest =
                direction.iter().fold(0.0, |a: f64, b| if b.abs() > a.abs() { *b } else { a });
            direction *= if largest < 0.0 { -1.0 } else { 1.0 };
        }
        let scores = centred.dot(&directions.t());
        let variances =
            scores.columns().into_iter().map(|column| column.dot(&column) / n).collect();
        Self { mean, directions, variances, total }
    }

    /// Coordinates `[n, k]` of examples `[n, m]`.
    pub fn coordinates(&self, x: &Array2<f64>) -> Array2<f64> {
        (x - &self.mean).dot(&self.directions.t())
    }

    /// The sum of the variances that the directions leave out.
    pub fn left_out(&self) -> f64 {
        (self.total - self.variances.iter().sum::<f64>()).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leading_direction_is_the_long_one() {
        let x = ndarray::array![[2.0, 0.1], [-2.0, -0.1], [4.0, -0.1], [-4.0, 0.1]];
        let found = Principal::of(&(&x + 3.0), 1);
        assert!((found.directions[[0, 0]].abs() - 1.0).abs() < 1e-3);
        assert!((found.variances[0] - 10.0).abs() < 1e-2 && (found.left_out() - 0.01).abs() < 1e-2);
        let both = Principal::of(&x, 5);
        assert!(both.directions.nrows() == 2 && both.left_out() < 1e-12);
    }
}
