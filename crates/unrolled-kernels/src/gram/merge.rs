//! Points of a trace whose atoms hardly differ become sets, which are cheaper to go back through.
//!
//! The adjoint of an iteration between points reads and writes whole rows of matrices `[p, p]`, one for each
//! active atom. Over the union of the active atoms of several points the same is done on a small copy, and
//! the large matrices are read and written once.

use super::trace::{Segment, Trace};
use crate::cost;
use crate::number::{Number, padded};
use crate::prepared::Prepared;

/// Room to work in.
pub(crate) struct Merge {
    /// Place of an atom in the union, `[p]`.
    place: Vec<u32>,
    /// The atoms of the points looked at.
    union: Vec<u32>,
    segments: Vec<Segment>,
}

impl Merge {
    pub fn new(atoms: usize) -> Self {
        Self { place: vec![u32::MAX; atoms], union: Vec::new(), segments: Vec::new() }
    }

    /// The same iterates in as few segments as pays.
    #[inline(always)]
    pub fn merge<T: Number>(&mut self, prepared: &Prepared<T>, trace: &mut Trace<T>) {
        let mut segments = std::mem::take(&mut self.segments);
        segments.clear();
        std::mem::swap(&mut segments, &mut trace.segments);
        let mut rest = &segments[..];
        while !rest.is_empty() {
            let (some, others) = rest.split_at(self.similar(rest, trace));
            let active: usize = some[1..].iter().map(|point| point.atoms.len()).sum();
            let union = self.union.len();
            if some.len() > 1 && cost::merging_pays(union, some.len(), active, prepared.stride) {
                self.set(prepared, some, trace);
            } else {
                trace.segments.extend_from_slice(some);
            }
            for atom in &self.union {
                self.place[*atom as usize] = u32::MAX;
            }
            rest = others;
        }
        self.segments = segments;
    }

    /// How many of the first segments are points with similar atoms; the union of these is left in `self`.
    fn similar<T: Number>(&mut self, segments: &[Segment], trace: &Trace<T>) -> usize {
        self.union.clear();
        let mut count = 0;
        for segment in segments.iter().take_while(|segment| segment.matrix.is_none()) {
            let atoms = trace.atoms(segment);
            let fresh = atoms.iter().filter(|a| self.place[**a as usize] == u32::MAX).count();
            let all = self.union.len() + fresh;
            if count > 0 && !cost::similar(all, atoms.len(), fresh) {
                break;
            }
            for atom in atoms {
                if self.place[*atom as usize] == u32::MAX {
                    self.place[*atom as usize] = self.union.len() as u32;
                    self.union.push(*atom);
                }
            }
            count += 1;
        }
        count.max(1)
    }

    /// Appends `points`, whose union was just taken, as one set.
    #[inline(always)]
    fn set<T: Number>(&mut self, prepared: &Prepared<T>, points: &[Segment], trace: &mut Trace<T>) {
        self.union.sort_unstable();
        for (place, atom) in self.union.iter().enumerate() {
            self.place[*atom as usize] = place as u32;
        }
        let width = padded(self.union.len().max(1));
        let (first, values) = (trace.indices.len(), trace.values.len());
        trace.indices.extend_from_slice(&self.union);
        trace.values.resize(values + points.len() * width, T::ZERO);
        let (before, rows) = trace.values.split_at_mut(values);
        for (point, row) in points.iter().zip(rows.chunks_exact_mut(width)) {
            let atoms = &trace.indices[point.atoms.clone()];
            for (atom, code) in atoms.iter().zip(&before[point.values..]) {
                row[self.place[*atom as usize] as usize] = *code;
            }
        }
        let matrix = trace.push_matrix(prepared, first, width);
        trace.segments.push(Segment {
            atoms: first..trace.indices.len(),
            width,
            values,
            count: points.len(),
            repeats: 0,
            matrix: Some(matrix),
        });
    }
}
