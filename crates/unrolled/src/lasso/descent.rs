//! Coordinate descent on one example.

use ndarray::{Array2, ArrayView1, NdFloat};

use super::active_set::Scratch;
use crate::metrics::{largest_violation, relative_gap};
use crate::prox::Sided;
use crate::registers::{Loops, on_widest};

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

/// One example on its way, in float32 or float64.
pub(crate) struct Example<'a, T> {
    /// DᵀD.
    pub gram: &'a Array2<T>,
    /// Its diagonal, ‖D_j‖².
    pub norms: &'a [T],
    pub sided: Sided,
    /// λ.
    pub penalty: T,
    /// λγ of an elastic net.
    pub ridge: T,
    /// ‖x‖².
    pub squares: f64,
    /// Dᵀx.
    pub at_zero: ArrayView1<'a, T>,
    /// Dᵀ(x − D z), kept up with z. Rounding adds up in it, so it is computed anew now and then.
    pub correlations: &'a mut [T],
    /// z.
    pub codes: &'a mut [T],
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

/// As T holds it.
#[inline(always)]
pub(super) fn number<T: NdFloat>(value: f64) -> T {
    T::from(value).expect("float32 and float64 hold a float64, nearly")
}

/// In float64.
#[inline(always)]
pub(super) fn wide<T: NdFloat>(value: T) -> f64 {
    value.to_f64().expect("float64 holds float32 and float64")
}

impl<T: NdFloat> Example<'_, T> {
    /// Descends to what is aimed at, for `most` passes over all atoms at most, and as long as `go_on` says; how many passes it took.
    pub fn descend(
        &mut self,
        scratch: &mut Scratch<T>,
        aim: Aim,
        most: usize,
        go_on: &dyn Fn() -> bool,
    ) -> (usize, End) {
        on_widest(Descent { example: self, scratch, aim, most, go_on })
    }

    #[inline(always)]
    fn descend_here(
        &mut self,
        scratch: &mut Scratch<T>,
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
        let count = self.codes.len();
        let mut active = Vec::with_capacity(count);
        for pass in 1..=most {
            if !go_on() {
                return (pass - 1, End::Passes);
            }
            let change = self.pass(0..count);
            active.clear();
            active.extend((0..count).filter(|&j| !self.codes[j].is_zero()));
            if self.has_reached(aim, &active) {
                return (pass, End::Aim);
            }
            if change.is_zero() || (pass == most && change <= self.rounding(&active)) {
                return (pass, End::Rounding);
            }
            for _ in 0..INNER {
                if self.pass(active.iter().copied()) <= number::<T>(SETTLED) * change {
                    break;
                }
            }
        }
        (most, End::Passes)
    }

    /// Minimises over each of the atoms in turn; the largest change, in the length of D_j z_j.
    #[inline(always)]
    fn pass(&mut self, atoms: impl Iterator<Item = usize>) -> T {
        let mut largest = T::zero();
        for j in atoms {
            let (norm, code) = (self.norms[j], self.codes[j]);
            // An atom of which nothing is left beside the largest.
            if norm < T::min_positive_value() {
                continue;
            }
            let v = self.correlations[j] + norm * code;
            let shrunk = self.shrunk(v);
            if shrunk.is_zero() && code.is_zero() {
                continue;
            }
            let change = shrunk / (norm + self.ridge) - code;
            if change.is_zero() {
                continue;
            }
            self.codes[j] += change;
            let row = self.gram.row(j);
            let row = row.as_slice().expect("rows are contiguous");
            self.correlations.iter_mut().zip(row).for_each(|(c, g)| *c -= change * *g);
            largest = largest.max(change.abs() * norm.sqrt());
        }
        largest
    }

    /// The atoms whose codes are not 0.
    #[inline(always)]
    pub(super) fn used(&self) -> Vec<usize> {
        (0..self.codes.len()).filter(|&j| !self.codes[j].is_zero()).collect()
    }

    /// The soft threshold.
    #[inline(always)]
    fn shrunk(&self, v: T) -> T {
        match self.sided {
            Sided::Two => v - v.max(-self.penalty).min(self.penalty),
            Sided::One => (v - self.penalty).max(T::zero()),
        }
    }

    /// ‖prox₁(z − ∇) − z‖∞, from what is at hand.
    #[inline(always)]
    pub fn residual(&self) -> f64 {
        let change = |z: T, c: T| (self.shrunk(z + c) / (T::one() + self.ridge) - z).abs();
        let larger = |largest: T, v: T| if v > largest || v.is_nan() { v } else { largest };
        // Sixteen side by side, so that the registers of the machine are full.
        let (codes, rest) = self.codes.as_chunks::<16>();
        let (correlations, of_rest) = self.correlations.as_chunks::<16>();
        let mut largest = [T::zero(); 16];
        for (codes, correlations) in codes.iter().zip(correlations) {
            let pairs = codes.iter().zip(correlations);
            for (largest, (z, c)) in largest.iter_mut().zip(pairs) {
                *largest = larger(*largest, change(*z, *c));
            }
        }
        let rest = rest.iter().zip(of_rest).map(|(z, c)| change(*z, *c));
        wide(largest.into_iter().chain(rest).fold(T::zero(), larger))
    }

    /// As [`crate::metrics::duality_gaps`], from what is at hand.
    #[inline(always)]
    fn gap(&self, active: &[usize]) -> f64 {
        let (mut against, mut left) = (0.0, 0.0);
        for &j in active {
            let code = wide(self.codes[j]);
            against += code * wide(self.at_zero[j]);
            left += code * wide(self.correlations[j]);
        }
        let squares = (self.squares - against - left).max(0.0);
        let largest = wide(largest_violation(self.correlations, self.sided));
        let pairs = active.iter().map(|&j| (wide(self.codes[j]), wide(self.correlations[j])));
        relative_gap(squares, largest, pairs, wide(self.penalty))
    }

    /// What rounding may change in a pass, in the length of D_j z_j.
    #[inline(always)]
    fn rounding(&self, active: &[usize]) -> T {
        let lengths = active.iter().map(|&j| wide(self.codes[j].abs() * self.norms[j].sqrt()));
        let size = self.squares.sqrt() + lengths.sum::<f64>();
        number::<T>(ROUNDINGS * size) * T::epsilon()
    }
}

struct Descent<'a, 'e, T> {
    example: &'a mut Example<'e, T>,
    scratch: &'a mut Scratch<T>,
    aim: Aim,
    most: usize,
    go_on: &'a dyn Fn() -> bool,
}

impl<T: NdFloat> Loops for Descent<'_, '_, T> {
    type Output = (usize, End);

    #[inline(always)]
    fn run(self) -> (usize, End) {
        let Self { example, scratch, aim, most, go_on } = self;
        example.descend_here(scratch, aim, most, go_on)
    }
}
