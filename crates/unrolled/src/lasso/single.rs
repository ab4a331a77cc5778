//! Coordinate descent on one example, in float32.

use crate::prox::{Separable, Sided};

/// Passes over the active atoms between two passes over all.
const INNER: usize = 20;

/// An inner pass that changes less than this share of what the pass before all did ends them.
const SETTLED: f32 = 0.1;

/// One example.
pub(super) struct Single<'a> {
    /// DᵀD, `[p, p]`.
    pub gram: &'a [f32],
    /// Dᵀx.
    pub at_zero: &'a [f32],
    pub sided: Sided,
    pub penalty: Separable,
}

impl Single<'_> {
    /// Descends from codes 0, with correlations Dᵀx, for so many passes over all atoms at most or until one changes no code
    /// by more than the tolerance. The fixed-point residual, with a step of 1, and how many passes there were.
    pub fn solve(
        &self,
        codes: &mut [f32],
        correlations: &mut [f32],
        tolerance: f64,
        most: usize,
    ) -> (f64, usize) {
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || self.descend(codes, correlations, tolerance as f32, most),
        )
    }

    #[inline(always)]
    fn descend(
        &self,
        codes: &mut [f32],
        correlations: &mut [f32],
        tolerance: f32,
        most: usize,
    ) -> (f64, usize) {
        let mut active = Vec::with_capacity(64);
        let mut passes = 0;
        while passes < most {
            passes += 1;
            let mut largest = 0.0f32;
            for j in 0..codes.len() {
                largest = largest.max(self.turn(codes, correlations, j));
            }
            active.clear();
            active.extend((0..codes.len()).filter(|&j| codes[j] != 0.0));
            if largest <= tolerance {
                break;
            }
            for _ in 0..INNER {
                let mut change = 0.0f32;
                for &j in &active {
                    change = change.max(self.turn(codes, correlations, j));
                }
                if change <= tolerance.max(SETTLED * largest) {
                    break;
                }
            }
        }
        // Rounding adds up in what was kept up with the codes.
        correlations.copy_from_slice(self.at_zero);
        for &j in &active {
            let row = &self.gram[j * codes.len()..(j + 1) * codes.len()];
            correlations.iter_mut().zip(row).for_each(|(c, g)| *c -= codes[j] * g);
        }
        let pairs = codes.iter().zip(&*correlations);
        let residual = pairs.fold(0.0f32, |largest, (z, c)| {
            let change = (self.minimiser(z + c, 1.0) - z).abs();
            if change > largest || change.is_nan() { change } else { largest }
        });
        (f64::from(residual), passes)
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

    /// Minimises over one code; by how much it changes.
    #[inline(always)]
    fn turn(&self, codes: &mut [f32], correlations: &mut [f32], j: usize) -> f32 {
        let row = &self.gram[j * codes.len()..(j + 1) * codes.len()];
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
