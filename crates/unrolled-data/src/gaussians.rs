//! Examples from normal distributions: data that no dictionary made.

use ndarray::{Array2, Axis};
use rayon::prelude::*;
use unrolled::random::Stream;

use crate::DataSet;

/// As many examples around each of some means, those of the first mean first, and the number of its mean as the label of
/// every example.
#[derive(Clone, Debug, PartialEq)]
pub struct Gaussians {
    /// The means, each `[m]`.
    pub means: Vec<Vec<f64>>,
    /// The standard deviation of every feature around its mean.
    pub std: f64,
    /// ρ: features i and j have the correlation ρ^|i − j|.
    pub correlation: f64,
    /// n. Where it is no multiple of the means, the first of them have one more.
    pub examples: usize,
}

impl Gaussians {
    /// Draws repeat `repeat` of the data set with this seed: every example from a stream of its own.
    pub fn draw(&self, seed: u64, repeat: u64) -> DataSet {
        let features = self.means.first().map_or(0, Vec::len);
        let mut x = Array2::zeros((self.examples, features));
        let labels = self.labels();
        let rows: Vec<_> = x.axis_iter_mut(Axis(0)).enumerate().collect();
        rows.into_par_iter().for_each(|(example, mut row)| {
            let mut stream = Stream::new(seed, "data/gaussians", (repeat << 40) | example as u64);
            let mean = &self.means[labels[example]];
            let fresh = (1.0 - self.correlation * self.correlation).sqrt();
            let mut last = 0.0;
            for (index, (entry, mean)) in row.iter_mut().zip(mean).enumerate() {
                let drawn = stream.normal();
                last = match index {
                    0 => drawn,
                    _ => self.correlation * last + fresh * drawn,
                };
                *entry = mean + self.std * last;
            }
        });
        let labels = labels.into_iter().map(|label| label as f64).collect();
        let labels = Array2::from_shape_vec((self.examples, 1), labels);
        DataSet { labels: labels.ok(), ..DataSet::of_rows(x) }
    }

    /// Which mean every example is around.
    fn labels(&self) -> Vec<usize> {
        let (count, means) = (self.examples, self.means.len());
        let share = |mean: usize| count / means + usize::from(mean < count % means);
        (0..means).flat_map(|mean| std::iter::repeat_n(mean, share(mean))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_have_the_means_the_deviation_and_the_correlation_asked_for() {
        let means = vec![vec![1.0, 0.0, -2.0], vec![0.0, 5.0, 0.0]];
        let data = Gaussians { means, std: 0.5, correlation: 0.6, examples: 20_001 }.draw(3, 0);
        let labels = data.labels.unwrap();
        assert_eq!((labels[[10_000, 0]], labels[[10_001, 0]]), (0.0, 1.0));
        let first = data.x.slice(ndarray::s![..10_001, ..]);
        let mean = first.mean_axis(Axis(0)).unwrap();
        assert!(
            (&mean - &ndarray::array![1.0, 0.0, -2.0]).iter().all(|e| e.abs() < 0.02),
            "{mean}"
        );
        let centred = &first - &mean;
        let covariance = centred.t().dot(&centred) / 10_001.0 / 0.25;
        for ((i, j), found) in covariance.indexed_iter() {
            let expected = 0.6f64.powi((i as i32 - j as i32).abs());
            assert!((found - expected).abs() < 0.04, "{i} {j}: {found}");
        }
    }
}
