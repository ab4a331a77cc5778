//! Filters as the loops read them.

use super::Filters;
use super::aligned::Aligned;
use super::geometry::Geometry;
use crate::number::Number;

/// Sets of filters, each of which is packed once though it be used for several things.
pub(super) struct Packed<T> {
    sets: Vec<Aligned<T>>,
    of: Vec<usize>,
}

impl<T: Number> Packed<T> {
    fn new<'a>(
        all: impl Iterator<Item = &'a Filters<'a, T>>,
        pack: impl Fn(&[T]) -> Aligned<T>,
    ) -> Self {
        let mut packed = Self { sets: Vec::new(), of: Vec::new() };
        let mut seen: Vec<&[T]> = Vec::new();
        for filters in all {
            let at = seen.iter().position(|data| std::ptr::eq(*data, filters.data));
            packed.of.push(at.unwrap_or(seen.len()));
            if at.is_none() {
                seen.push(filters.data);
                packed.sets.push(pack(filters.data));
            }
        }
        packed
    }

    /// One filter after the other, `[p, width]`.
    pub fn rows<'a>(geometry: &Geometry, all: impl Iterator<Item = &'a Filters<'a, T>>) -> Self {
        let Geometry { filters, taps, width, .. } = *geometry;
        Self::new(all, |data| {
            let mut out = Aligned::zeros(filters * width);
            for (out, filter) in out.chunks_exact_mut(width).zip(data.chunks_exact(taps)) {
                out[..taps].copy_from_slice(filter);
            }
            out
        })
    }

    /// One tap of all filters after the other, `[taps, lanes]`.
    pub fn taps<'a>(geometry: &Geometry, all: impl Iterator<Item = &'a Filters<'a, T>>) -> Self {
        let Geometry { filters, taps, lanes, .. } = *geometry;
        Self::new(all, |data| {
            let mut out = Aligned::zeros(taps * lanes);
            for (j, filter) in data.chunks_exact(taps).enumerate().take(filters) {
                for (out, value) in out.chunks_exact_mut(lanes).zip(filter) {
                    out[j] = *value;
                }
            }
            out
        })
    }

    /// Set `index` of those given.
    pub fn set(&self, index: usize) -> &[T] {
        let set: &Aligned<T> = &self.sets[self.of[index]];
        set
    }
}

/// The other way: `[p, taps]` from `[p, width]`, times `factor`.
pub(super) fn unpack<T: Number>(geometry: &Geometry, packed: &[T], factor: T) -> Vec<T> {
    let rows = packed.chunks_exact(geometry.width);
    rows.flat_map(|row| &row[..geometry.taps]).map(|g| factor * *g).collect()
}
