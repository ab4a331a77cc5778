//! Coordinate descent on one example.

use ndarray::{Array2, ArrayView1};

use super::active_set::Scratch;
use crate::metrics::{largest_violation, relative_gap};
use crate::prox::Sided;

/// Passes over the active atoms between two passes over all.
const INNER: usize = 20;

/// An inner pass that changes less than this share of what the pass before all did ends them.
const SETTLED: f64 = 0.01;

/// A pass that changes no more than this many roundings may well change nothing else.
const ROUNDINGS: f64 = 8.0;

/// What is descended to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Aim {
    /// A relative duality gap; without a ridge.
    Gap(f64),
    /// A fixed-point residual, with a step of 1.
    Residual(f64),
}

/// One example on its way.
pub(crate) struct Example<'a> {
    /// DᵀD.
    pub gram: &'a Array2<f64>,
    /// Its diagonal, ‖D_j‖².
    pub norms: &'a [f64],
    pub sided: Sided,
    /// λ.
    pub penalty: f64,
    /// λγ of an elastic net.
    pub ridge: f64,
    /// ‖x‖².
    pub squares: f64,
    /// Dᵀx.
    pub at_zero: ArrayView1<'a, f64>,
    /// Dᵀ(x − D z), kept up with z. Rounding adds up in it, so it is computed anew now and then.
    pub correlations: &'a mut [f64],
    /// z.
    pub codes: &'a mut [f64],
}

/// What ended the descent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// What was aimed at, as far as what is at hand can tell.
    Aim,
    /// The last pass changed no more than rounding does.
    Rounding,
    /// The number of passes, or a wish to stop.
    Passes,
}

impl Example<'_> {
    /// Descends to what is aimed at, for `most` passes over all atoms at most, and as long as `go_on` says; how many passes it took.
    pub fn descend(
        &mut self,
        scratch: &mut Scratch,
        aim: Aim,
        most: usize,
        go_on: &dyn Fn() -> bool,
    ) -> (usize, End) {
        // With the widest registers of the machine; what they compute does not depend on their width.
        pulp::Arch::new().dispatch(|| self.descend_here(scratch, aim, most, go_on))
    }

    #[inline(always)]
    fn descend_here(
        &mut self,
        scratch: &mut Scratch,
        aim: Aim,
        most: usize,
        go_on: &dyn Fn() -> bool,
    ) -> (usize, End) {
        if !go_on() {
            return (0, End::Passes);
        }
        let (rounds, reached) = self.active_set(scratch, aim, most);
        if reached {
            return (rounds, End::Aim);
        }
        let (passes, end) = self.coordinates(aim, most - rounds, go_on);
        (rounds + passes, end)
    }

    /// Whether what is aimed at is there, as far as what is at hand can tell.
    #[inline(always)]
    pub(super) fn has_reached(&self, aim: Aim, active: &[usize]) -> bool {
        match aim {
            Aim::Gap(gap) => self.gap(active) <= gap,
            Aim::Residual(residual) => self.residual() <= residual,
        }
    }

    #[inline(always)]
    fn coordinates(&mut self, aim: Aim, most: usize, go_on: &dyn Fn() -> bool) -> (usize, End) {
        let all: Vec<usize> = (0..self.codes.len()).collect();
        let mut active = Vec::with_capacity(all.len());
        for pass in 1..=most {
            if !go_on() {
                return (pass - 1, End::Passes);
            }
            let change = self.pass(&all);
            active.clear();
            active.extend(all.iter().copied().filter(|&j| self.codes[j] != 0.0));
            if self.has_reached(aim, &active) {
                return (pass, End::Aim);
            }
            if change == 0.0 || (pass == most && change <= self.rounding(&active)) {
                return (pass, End::Rounding);
            }
            for _ in 0..INNER {
                if self.pass(&active) <= SETTLED * change {
                    break;
                }
            }
        }
        (most, End::Passes)
    }

    /// Minimises over each of the atoms in turn; the largest change, in the length of D_j z_j.
    #[inline(always)]
    fn pass(&mut self, atoms: &[usize]) -> f64 {
        let mut largest = 0.0f64;
        for &j in atoms {
            let (norm, code) = (self.norms[j], self.codes[j]);
            // An atom of which nothing is left beside the largest.
            if norm < f64::MIN_POSITIVE {
                continue;
            }
            let v = self.correlations[j] + norm * code;
            let shrunk = self.shrunk(v);
            if shrunk == 0.0 && code == 0.0 {
                continue;
            }
            let change = shrunk / (norm + self.ridge) - code;
            if change == 0.0 {
                continue;
            }
            self.codes[j] += change;
            let row = self.gram.row(j);
            let row = row.as_slice().expect("rows are contiguous");
            self.correlations.iter_mut().zip(row).for_each(|(c, g)| *c -= change * g);
            largest = largest.max(change.abs() * norm.sqrt());
        }
        largest
    }

    /// The soft threshold.
    #[inline(always)]
    fn shrunk(&self, v: f64) -> f64 {
        match self.sided {
            Sided::Two => v - v.clamp(-self.penalty, self.penalty),
            Sided::One => (v - self.penalty).max(0.0),
        }
    }

    /// ‖prox₁(z − ∇) − z‖∞, from what is at hand.
    #[inline(always)]
    pub fn residual(&self) -> f64 {
        let pairs = self.codes.iter().zip(&*self.correlations);
        let change = |(z, c): (&f64, &f64)| (self.shrunk(z + c) / (1.0 + self.ridge) - z).abs();
        pairs
            .map(change)
            .fold(0.0, |largest, v| if v > largest || v.is_nan() { v } else { largest })
    }

    /// As [`crate::metrics::duality_gaps`], from what is at hand.
    #[inline(always)]
    fn gap(&self, active: &[usize]) -> f64 {
        let (mut against, mut left) = (0.0, 0.0);
        for &j in active {
            against += self.codes[j] * self.at_zero[j];
            left += self.codes[j] * self.correlations[j];
        }
        let squares = (self.squares - against - left).max(0.0);
        let largest = largest_violation(self.correlations, self.sided);
        let pairs = active.iter().map(|&j| (self.codes[j], self.correlations[j]));
        relative_gap(squares, largest, pairs, self.penalty)
    }

    /// What rounding may change in a pass, in the length of D_j z_j.
    #[inline(always)]
    fn rounding(&self, active: &[usize]) -> f64 {
        let lengths = active.iter().map(|&j| self.codes[j].abs() * self.norms[j].sqrt());
        ROUNDINGS * f64::EPSILON * (self.squares.sqrt() + lengths.sum::<f64>())
    }
}
