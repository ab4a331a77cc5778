//! Coordinate descent in float32, for codes that need not be better than that.

use ndarray::{Array2, Zip};

use crate::metrics::sparse_residual;
use crate::prox::{Separable, Sided};

/// Passes over the active atoms between two passes over all.
const INNER: usize = 20;

/// An inner pass that changes less than this share of what the pass before all did ends them.
const SETTLED: f32 = 0.1;

/// What is descended on: for many examples the same.
pub(crate) struct Problem<'a> {
    /// Dᵀ, `[p, m]`.
    pub atoms: &'a Array2<f32>,
    pub sided: Sided,
    pub penalty: Separable,
    /// What the largest change of a pass is brought to.
    pub tolerance: f32,
    /// Passes over all atoms, at most.
    pub most: usize,
}

impl Problem<'_> {
    /// Codes `[n, p]` of examples `[n, m]`, from 0; the fixed-point residual of each, with a step of 1; and the most
    /// passes over all atoms that one took.
    pub fn solve(&self, x: &Array2<f32>) -> (Array2<f32>, Vec<f64>, usize) {
        let gram = self.atoms.dot(&self.atoms.t());
        let mut correlations = x.dot(&self.atoms.t());
        let mut codes = Array2::zeros(correlations.dim());
        let mut active = Vec::with_capacity(gram.nrows());
        let mut passes = 0;
        let arch = pulp::Arch::new();
        for (mut codes, mut correlations) in
            codes.rows_mut().into_iter().zip(correlations.rows_mut())
        {
            let codes = codes.as_slice_mut().expect("rows are contiguous");
            let correlations = correlations.as_slice_mut().expect("rows are contiguous");
            let gram = gram.as_slice().expect("a product is contiguous");
            let took = arch.dispatch(
                #[inline(always)]
                || self.descend(gram, correlations, codes, &mut active),
            );
            passes = passes.max(took);
        }
        // Rounding adds up in what was kept up with the codes.
        let fresh = sparse_residual(self.atoms, x, &codes).dot(&self.atoms.t());
        let residuals = Zip::from(codes.rows()).and(fresh.rows()).map_collect(|codes, fresh| {
            let change = |(z, c): (&f32, &f32)| f64::from((self.minimiser(z + c, 1.0) - z).abs());
            let larger = |largest: f64, v: f64| if v > largest || v.is_nan() { v } else { largest };
            codes.iter().zip(fresh).map(change).fold(0.0, larger)
        });
        (codes, residuals.to_vec(), passes)
    }

    /// The code of an atom of norm² `norm` with the others as they are, by its correlation `v` with what they leave.
    #[inline(always)]
    fn minimiser(&self, v: f32, norm: f32) -> f32 {
        let penalty = self.penalty.penalty as f32;
        let shrunk = match self.sided {
            Sided::Two => v - v.clamp(-penalty, penalty),
            Sided::One => (v - penalty).max(0.0),
        };
        shrunk / (norm + self.penalty.ridge as f32)
    }

    /// Until a pass over all atoms changes no code by more than the tolerance; how many there were.
    #[inline(always)]
    fn descend(
        &self,
        gram: &[f32],
        correlations: &mut [f32],
        codes: &mut [f32],
        active: &mut Vec<usize>,
    ) -> usize {
        let p = codes.len();
        for pass in 1..=self.most {
            let mut largest = 0.0f32;
            for j in 0..p {
                largest = largest.max(self.turn(gram, correlations, codes, j));
            }
            if largest <= self.tolerance {
                return pass;
            }
            active.clear();
            active.extend((0..p).filter(|&j| codes[j] != 0.0));
            for _ in 0..INNER {
                let mut change = 0.0f32;
                for &j in &*active {
                    change = change.max(self.turn(gram, correlations, codes, j));
                }
                if change <= self.tolerance.max(SETTLED * largest) {
                    break;
                }
            }
        }
        self.most
    }

    /// Minimises over one code; by how much it changes.
    #[inline(always)]
    fn turn(&self, gram: &[f32], correlations: &mut [f32], codes: &mut [f32], j: usize) -> f32 {
        let row = &gram[j * codes.len()..(j + 1) * codes.len()];
        let (norm, code) = (row[j], codes[j]);
        let v = correlations[j] + norm * code;
        if norm < f32::MIN_POSITIVE || (code == 0.0 && v.abs() <= self.penalty.penalty as f32) {
            return 0.0;
        }
        let change = self.minimiser(v, norm) - code;
        if change == 0.0 {
            return 0.0;
        }
        codes[j] += change;
        correlations.iter_mut().zip(row).for_each(|(c, g)| *c -= change * g);
        change.abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dictionary::initialisation;
    use crate::lasso::Lasso;
    use crate::random::Stream;

    /// Within what float32 holds, the codes are those of the solver in float64.
    #[test]
    fn codes_are_those_of_float64() {
        let (m, p) = (30, 60);
        let mut stream = Stream::new(5, "single", 0);
        let dictionary = initialisation::random(m, p, &mut stream);
        let x = Array2::from_shape_simple_fn((100, m), || stream.normal());
        let atoms = dictionary.t().mapv(|v| v as f32).as_standard_layout().into_owned();
        for sided in [Sided::Two, Sided::One] {
            let penalty = Separable { penalty: 0.6, ridge: 0.0 };
            let problem = Problem { atoms: &atoms, sided, penalty, tolerance: 1e-6, most: 10_000 };
            let (codes, residuals, _) = problem.solve(&x.mapv(|v| v as f32));
            let solved = Lasso::new(&dictionary, 0.6, sided).solve(&x, 1e-12, 10_000, &|| true);
            let error = (codes.mapv(f64::from) - &solved.codes).mapv(f64::abs);
            assert!(error.iter().all(|e| *e < 1e-4), "{sided:?}");
            assert!(residuals.iter().all(|residual| *residual < 1e-5), "{sided:?}");
        }
    }

    #[test]
    fn what_is_not_a_number_stays_visible() {
        let atoms = Array2::eye(2);
        let penalty = Separable { penalty: 0.1, ridge: 0.0 };
        let problem =
            Problem { atoms: &atoms, sided: Sided::Two, penalty, tolerance: 1e-3, most: 10 };
        let x = ndarray::array![[f32::NAN, 1.0], [1.0, 1.0]];
        let (_, residuals, _) = problem.solve(&x);
        assert!(residuals[0].is_nan());
        assert!(residuals[1] < 1e-6);
    }
}
