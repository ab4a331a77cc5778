//! Sparse codes drawn at random, and what a random dictionary makes of them.

use std::ops::Range;

use ndarray::{Array2, Axis};
use rayon::prelude::*;
use unrolled::dictionary::initialisation;
use unrolled::random::Stream;

use crate::DataSet;

/// The distribution of the non-zero amplitudes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amplitude {
    /// Uniform in [low, high).
    Uniform {
        /// The least amplitude.
        low: f64,
        /// The greatest.
        high: f64,
    },
    /// Normal.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        std: f64,
    },
}

/// How signs are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// One fair coin for each example: all its entries share a sign, as in the paper's code.
    PerExample,
    /// One fair coin for each non-zero entry.
    PerEntry,
}

/// How the true dictionary is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Truth {
    /// `N(0, 1)` with columns normalised.
    #[default]
    Random,
    /// Two orthonormal bases, turned at random: [`initialisation::incoherent`]; `2 m` atoms at most.
    Incoherent,
}

/// `X = Z* D*ᵀ + noise`, as the code of Tolooshams and Ba makes it: every example has `nonzeros` atoms drawn without
/// replacement.
///
/// Every example is drawn from streams of its own, so the data are the same bytes for any number of
/// threads, and the first examples do not change when more are asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Synthetic {
    /// n.
    pub examples: usize,
    /// m.
    pub features: usize,
    /// p.
    pub atoms: usize,
    /// s, the non-zero entries of a code.
    pub nonzeros: usize,
    /// How large they are.
    pub amplitude: Amplitude,
    /// Which sign they have.
    pub sign: Sign,
    /// Standard deviation of the normal noise on X.
    pub noise: f64,
    /// D*.
    pub truth: Truth,
}

impl Synthetic {
    /// Draws repeat `repeat` of the data set with this seed; all three arrays are there.
    pub fn draw(&self, seed: u64, repeat: u64) -> DataSet {
        let dictionary = self.draw_dictionary(seed, repeat);
        let [x, codes] = self.draw_rows(&dictionary, seed, repeat, 0..self.examples as u64);
        let (true_dictionary, true_codes) = (Some(dictionary), Some(codes));
        DataSet { true_dictionary, true_codes, ..DataSet::of_rows(x) }
    }

    /// D* of a repeat.
    pub fn draw_dictionary(&self, seed: u64, repeat: u64) -> Array2<f64> {
        let mut stream = Stream::new(seed, "data/dictionary", address(repeat, 0));
        match self.truth {
            Truth::Random => initialisation::random(self.features, self.atoms, &mut stream),
            Truth::Incoherent => initialisation::incoherent(self.features, self.atoms, &mut stream),
        }
    }

    /// Some of the examples of a repeat, X and Z*: there is no end of them, whatever `examples` says.
    pub fn draw_rows(
        &self,
        dictionary: &Array2<f64>,
        seed: u64,
        repeat: u64,
        range: Range<u64>,
    ) -> [Array2<f64>; 2] {
        let count = (range.end - range.start) as usize;
        let mut x = Array2::zeros((count, self.features));
        let mut codes = Array2::zeros((count, self.atoms));
        // Atoms as rows: a column is far apart in memory.
        let atoms = dictionary.t().as_standard_layout().into_owned();
        let rows: Vec<_> = x.axis_iter_mut(Axis(0)).zip(codes.axis_iter_mut(Axis(0))).collect();
        rows.into_par_iter().enumerate().for_each(|(at, (mut x, mut z))| {
            let index = address(repeat, range.start + at as u64);
            let support = self.draw_code(&mut Stream::new(seed, "data/code", index));
            for &(atom, value) in &support {
                z[atom] = value;
                x.scaled_add(value, &atoms.row(atom));
            }
            if self.noise > 0.0 {
                let mut stream = Stream::new(seed, "data/noise", index);
                x.mapv_inplace(|v| v + self.noise * stream.normal());
            }
        });
        [x, codes]
    }

    /// The non-zero entries of one code, by atom.
    fn draw_code(&self, stream: &mut Stream) -> Vec<(usize, f64)> {
        let atoms = stream.sample_without_replacement(self.atoms, self.nonzeros);
        let mut support: Vec<(usize, f64)> = atoms
            .into_iter()
            .map(|atom| {
                let amplitude = match self.amplitude {
                    Amplitude::Uniform { low, high } => stream.uniform_between(low, high),
                    Amplitude::Normal { mean, std } => mean + std * stream.normal(),
                };
                (atom, amplitude)
            })
            .collect();
        match self.sign {
            Sign::PerExample => {
                let sign = stream.sign();
                support.iter_mut().for_each(|(_, value)| *value *= sign);
            }
            Sign::PerEntry => support.iter_mut().for_each(|(_, v)| *v *= stream.sign()),
        }
        support.sort_unstable_by_key(|&(atom, _)| atom);
        support
    }
}

/// Repeats are independent draws: the repeat is part of the address of every stream.
fn address(repeat: u64, index: u64) -> u64 {
    (repeat << 40) | index
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Synthetic {
        Synthetic {
            examples: 200,
            features: 20,
            atoms: 30,
            nonzeros: 3,
            amplitude: Amplitude::Uniform { low: 1.0, high: 2.0 },
            sign: Sign::PerExample,
            noise: 0.0,
            truth: Truth::Random,
        }
    }

    fn nonzero(row: ndarray::ArrayView1<f64>) -> Vec<f64> {
        row.iter().copied().filter(|v| *v != 0.0).collect()
    }

    #[test]
    fn codes_have_the_support_amplitudes_and_signs_asked_for() {
        let data = small().draw(39, 0);
        let codes = data.true_codes.unwrap();
        let mut positive = 0;
        for row in codes.rows() {
            let values = nonzero(row);
            assert_eq!(values.len(), 3);
            assert!(values.iter().all(|v| (1.0..2.0).contains(&v.abs())));
            assert!(values.iter().all(|v| v.signum() == values[0].signum()));
            positive += usize::from(values[0] > 0.0);
        }
        assert!((70..130).contains(&positive), "{positive}");
        let per_entry = Synthetic { sign: Sign::PerEntry, ..small() }.draw(39, 0);
        let mixed = per_entry.true_codes.unwrap();
        let mixed = mixed.rows().into_iter().filter(|row| {
            let values = nonzero(*row);
            values.iter().any(|v| *v > 0.0) && values.iter().any(|v| *v < 0.0)
        });
        assert!(mixed.count() > 100);
    }

    #[test]
    fn examples_are_the_synthesis_of_their_codes_plus_noise() {
        let data = small().draw(39, 0);
        let synthesis = data.true_codes.unwrap().dot(&data.true_dictionary.unwrap().t());
        assert!((&synthesis - &data.x).iter().all(|e| e.abs() < 1e-14));
        let noisy = Synthetic { noise: 0.1, ..small() }.draw(39, 0);
        let noise = &noisy.x - &data.x;
        let std = (noise.mapv(|e| e * e).sum() / noise.len() as f64).sqrt();
        assert!((std - 0.1).abs() < 0.005, "{std}");
    }

    #[test]
    fn threads_and_the_number_of_examples_change_nothing() {
        let draw = |threads, examples| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| Synthetic { examples, noise: 0.1, ..small() }.draw(7, 1))
        };
        let reference = draw(1, 200);
        assert_eq!(reference, draw(3, 200));
        let more = draw(2, 300);
        assert_eq!(reference.x, more.x.slice(ndarray::s![..200, ..]));
    }

    #[test]
    fn seeds_and_repeats_draw_different_data() {
        assert_ne!(small().draw(1, 0).x, small().draw(2, 0).x);
        assert_ne!(small().draw(1, 0).x, small().draw(1, 1).x);
    }

    #[test]
    fn the_bytes_never_change() {
        let data = Synthetic { noise: 0.1, ..small() }.draw(39, 0);
        let digest = data
            .x
            .iter()
            .fold(0u64, |hash, v| (hash ^ v.to_bits()).wrapping_mul(0x0000_0100_0000_01b3));
        assert_eq!(digest, 310288958539073039, "published results hang on these bytes");
    }
}
