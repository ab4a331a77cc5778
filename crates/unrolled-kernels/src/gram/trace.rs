//! The iterates of one example whose code is sparse, kept for its adjoint.

use std::ops::Range;

use crate::look::keep_nonzero;
use crate::number::Number;
use crate::prepared::Prepared;

/// Iterates that share a list of atoms.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// The atoms, in [`Trace::indices`].
    pub atoms: Range<usize>,
    /// Numbers in an iterate: the count of atoms, padded where there is a matrix.
    pub width: usize,
    /// The iterates, one after another, in [`Trace::values`].
    pub values: usize,
    /// How many.
    pub count: usize,
    /// How often the last of them follows itself.
    pub repeats: usize,
    /// The copy of N over these atoms, `[atoms, width]`, in [`Trace::matrices`]; a point has none.
    pub matrix: Option<usize>,
}

/// A sequence of iterates: *points*, which are single iterates over their active atoms, and *sets*, which are
/// several over the same atoms.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace<T> {
    pub(super) segments: Vec<Segment>,
    pub(super) indices: Vec<u32>,
    pub(super) values: Vec<T>,
    pub(super) matrices: Vec<T>,
    /// Active atoms of the last iterate and their codes.
    pub active: Vec<u32>,
    pub codes: Vec<T>,
    /// Whether to keep more than the last segment.
    keep: bool,
}

impl<T: Number> Trace<T> {
    /// Begins at `start`, one number for each atom. `keep`: for an adjoint.
    #[inline(always)]
    pub fn begin(&mut self, start: &[T], keep: bool) {
        self.clear();
        self.keep = keep;
        let atoms = 0..start.len() as u32;
        keep_nonzero(atoms.zip(start.iter().copied()), &mut self.active, &mut self.codes);
        self.push_point();
    }

    pub(super) fn clear(&mut self) {
        self.segments.clear();
        self.indices.clear();
        self.values.clear();
        self.matrices.clear();
    }

    /// Room for the next segment.
    #[inline(always)]
    pub(super) fn go_on(&mut self) {
        if !self.keep {
            self.clear();
        }
    }

    /// Keeps the last iterate by itself.
    #[inline(always)]
    pub(super) fn push_point(&mut self) {
        self.go_on();
        let first = self.indices.len();
        self.indices.extend_from_slice(&self.active);
        self.segments.push(Segment {
            atoms: first..self.indices.len(),
            width: self.codes.len(),
            values: self.values.len(),
            count: 1,
            repeats: 0,
            matrix: None,
        });
        self.values.extend_from_slice(&self.codes);
    }

    /// Appends N over the atoms from `first` on, in rows of `width`. Returns where.
    #[inline(always)]
    pub(super) fn push_matrix(
        &mut self,
        prepared: &Prepared<T>,
        first: usize,
        width: usize,
    ) -> usize {
        let chosen = &self.indices[first..];
        let at = self.matrices.len();
        self.matrices.resize(at + chosen.len() * width, T::ZERO);
        for (atom, out) in chosen.iter().zip(self.matrices[at..].chunks_exact_mut(width)) {
            prepared.scaled_gram().gather(*atom as usize, chosen, out);
        }
        at
    }

    /// The atoms of a segment.
    pub(super) fn atoms(&self, segment: &Segment) -> &[u32] {
        &self.indices[segment.atoms.clone()]
    }

    /// Iterate `index` of a segment.
    pub(super) fn iterate(&self, segment: &Segment, index: usize) -> &[T] {
        let at = segment.values + index * segment.width;
        &self.values[at..at + segment.width]
    }

    /// The codes `iterations` after the start, one for each atom; `out` is 0 before.
    pub fn codes_at(&self, iterations: usize, out: &mut [T]) {
        let (_, segment) = self.until(iterations);
        let codes = self.iterate(&segment, segment.count - 1);
        for (atom, code) in self.atoms(&segment).iter().zip(codes) {
            out[*atom as usize] = *code;
        }
    }

    /// Iterate `iterations` after the start: how many segments lead there, and how much of the last of them.
    pub(super) fn until(&self, iterations: usize) -> (usize, Segment) {
        let mut left = iterations;
        for (index, segment) in self.segments.iter().enumerate() {
            if left < segment.count {
                return (index, Segment { count: left + 1, repeats: 0, ..segment.clone() });
            }
            left -= segment.count;
            if left < segment.repeats {
                return (index, Segment { repeats: left + 1, ..segment.clone() });
            }
            left -= segment.repeats;
        }
        unreachable!("a trace is asked for an iterate that it holds")
    }
}
