//! The lasso's codes at a fixed dictionary, to a given duality gap.
//!
//! Not an encoder: nothing here is unrolled or differentiated. It is what trained dictionaries are applied with.

use ndarray::{Array2, ArrayView1};

use crate::metrics::relative_gap;
use crate::prox::Sided;

/// `argmin_z ½‖x − D z‖² + λ‖z‖₁` by cyclic coordinate descent over active atoms (J. Friedman, T. Hastie,
/// H. Höfling, R. Tibshirani, *Pathwise coordinate optimization*, Annals of Applied Statistics, 2007).
///
/// | | |
/// |---|---|
/// | requires | λ ≥ 0; the gap is that of [`crate::metrics::duality_gaps`] |
/// | shapes | `D [m, p]`, `x [n, m]`, codes `[n, p]` |
/// | cost | p operations for every entry that changes, beside DᵀD once and `n m p` for Dᵀx |
#[derive(Clone, Debug)]
pub struct Lasso {
    dictionary: Array2<f64>,
    gram: Array2<f64>,
    penalty: f64,
    sided: Sided,
}

/// Passes over the active atoms between two passes over all.
const INNER: usize = 20;

/// An inner pass that changes less than this share of what the pass before all did ends them.
const SETTLED: f64 = 0.01;

impl Lasso {
    /// For a dictionary `[m, p]` and the penalty λ.
    pub fn new(dictionary: &Array2<f64>, penalty: f64, sided: Sided) -> Self {
        let gram = dictionary.t().dot(dictionary);
        Self { dictionary: dictionary.clone(), gram, penalty, sided }
    }

    /// Codes `[n, p]` of examples `[n, m]` with a relative duality gap of at most `gap`, or what `most` passes over
    /// all atoms give; and the most passes that an example took.
    pub fn solve(&self, x: &Array2<f64>, gap: f64, most: usize) -> (Array2<f64>, usize) {
        let correlations = x.dot(&self.dictionary);
        let mut codes = Array2::zeros(correlations.dim());
        let mut longest = 0;
        let rows = codes.rows_mut().into_iter().zip(x.rows()).zip(correlations.rows());
        for ((mut codes, x), correlations) in rows {
            let codes = codes.as_slice_mut().expect("rows are contiguous");
            let mut example = Example {
                lasso: self,
                squares: x.dot(&x),
                at_zero: correlations,
                correlations: correlations.to_vec(),
                codes,
            };
            longest = longest.max(example.solve(gap, most));
        }
        (codes, longest)
    }
}

/// One example on its way.
struct Example<'a> {
    lasso: &'a Lasso,
    /// ‖x‖².
    squares: f64,
    /// Dᵀx.
    at_zero: ArrayView1<'a, f64>,
    /// Dᵀ(x − D z).
    correlations: Vec<f64>,
    /// z.
    codes: &'a mut [f64],
}

impl Example<'_> {
    /// How many passes over all atoms it took.
    fn solve(&mut self, gap: f64, most: usize) -> usize {
        let all: Vec<usize> = (0..self.codes.len()).collect();
        for pass in 1..=most {
            let change = self.pass(&all);
            if self.gap() <= gap {
                return pass;
            }
            let active: Vec<usize> =
                all.iter().copied().filter(|&j| self.codes[j] != 0.0).collect();
            for _ in 0..INNER {
                if self.pass(&active) <= SETTLED * change {
                    break;
                }
            }
        }
        most
    }

    /// Minimises over each of the atoms in turn; the largest change, in the length of D_j z_j.
    fn pass(&mut self, atoms: &[usize]) -> f64 {
        let mut largest = 0.0f64;
        for &j in atoms {
            let norm = self.lasso.gram[[j, j]];
            if norm == 0.0 {
                continue;
            }
            let v = self.correlations[j] + norm * self.codes[j];
            let shrunk = match self.lasso.sided {
                Sided::Two => v - v.clamp(-self.lasso.penalty, self.lasso.penalty),
                Sided::One => (v - self.lasso.penalty).max(0.0),
            };
            let change = shrunk / norm - self.codes[j];
            if change == 0.0 {
                continue;
            }
            self.codes[j] += change;
            let row = self.lasso.gram.row(j);
            let row = row.as_slice().expect("rows are contiguous");
            self.correlations.iter_mut().zip(row).for_each(|(c, g)| *c -= change * g);
            largest = largest.max(change.abs() * norm.sqrt());
        }
        largest
    }

    /// As [`crate::metrics::duality_gaps`], from what is at hand.
    fn gap(&self) -> f64 {
        let (mut l1, mut against, mut left) = (0.0, 0.0, 0.0);
        for ((z, b), c) in self.codes.iter().zip(self.at_zero).zip(&self.correlations) {
            l1 += z.abs();
            against += z * b;
            left += z * c;
        }
        let squares = (self.squares - against - left).max(0.0);
        let product = self.squares - against;
        let Lasso { penalty, sided, .. } = *self.lasso;
        relative_gap(squares, product, l1, self.correlations.iter(), penalty, sided)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dictionary::initialisation;
    use crate::metrics::duality_gaps;
    use crate::random::Stream;

    #[test]
    fn the_gap_asked_for_is_reached_from_either_side() {
        let mut stream = Stream::new(5, "lasso", 0);
        let dictionary = initialisation::random(12, 30, &mut stream);
        let x = Array2::from_shape_simple_fn((25, 12), || stream.normal());
        for sided in [Sided::Two, Sided::One] {
            for target in [1e-2, 1e-6, 1e-10] {
                let lasso = Lasso::new(&dictionary, 0.1, sided);
                let (codes, passes) = lasso.solve(&x, target, 10_000);
                assert!(passes < 10_000);
                let gaps = duality_gaps(&dictionary, &x, &codes, 0.1, sided);
                let worst = gaps.into_iter().fold(0.0, f64::max);
                assert!(worst <= target * 1.001 + 1e-14, "{sided:?} {target:e}: {worst:e}");
                assert!(sided == Sided::Two || codes.iter().all(|z| *z >= 0.0));
            }
        }
    }

    #[test]
    fn atoms_of_norm_zero_and_examples_that_are_zero_do_no_harm() {
        let mut dictionary = Array2::zeros((3, 4));
        dictionary[[0, 1]] = 1.0;
        let x = ndarray::array![[2.0, 0.0, 1.0], [0.0, 0.0, 0.0]];
        let (codes, _) = Lasso::new(&dictionary, 0.5, Sided::Two).solve(&x, 1e-12, 100);
        assert_eq!(codes.row(0).to_vec(), [0.0, 1.5, 0.0, 0.0]);
        assert_eq!(codes.row(1).to_vec(), [0.0; 4]);
    }
}
