//! Patches taken from a strip, and added to it.

use pulp::Simd;

use super::aligned::Aligned;
use super::codes::Codes;
use super::geometry::{Band, Geometry};
use crate::number::{Number, PADDING};
use crate::vectors;

/// Patches that are worked on together: a patch is not read again right after it was written, which registers wait for.
pub(super) const TOGETHER: usize = 8;

/// Numbers of slack after a strip or a patch, where whole registers are moved.
pub(super) const SLACK: usize = PADDING;

/// A strip of zeros.
pub(super) fn strip<T: Number>(geometry: &Geometry, band: &Band) -> Vec<T> {
    vec![T::ZERO; geometry.strip(band) + SLACK]
}

/// Some patches, each `[taps]`, 0 from there to the width.
pub(super) struct Patches<T> {
    data: Aligned<T>,
    width: usize,
    /// Not 0 in the first lanes, for the last numbers of a row.
    inside: Vec<T>,
    zero: Vec<T>,
}

impl<T: Number> Patches<T> {
    pub fn new(geometry: &Geometry) -> Self {
        let w = geometry.filter[1];
        let rest = w - (w - 1) / PADDING * PADDING;
        let inside = (0..PADDING).map(|i| if i < rest { T::ONE } else { T::ZERO });
        Self {
            data: Aligned::zeros(TOGETHER * (geometry.width + SLACK)),
            width: geometry.width,
            inside: inside.collect(),
            zero: vec![T::ZERO; geometry.width],
        }
    }

    /// Patch `index`.
    #[inline(always)]
    pub fn patch(&self, index: usize) -> &[T] {
        &self.data[index * (self.width + SLACK)..][..self.width]
    }

    /// Takes patch `index` from `strip`, which begins with it.
    #[inline(always)]
    pub fn take(&mut self, geometry: &Geometry, band: &Band, strip: &[T], index: usize) {
        let w = geometry.filter[1];
        let patch = &mut self.data[index * (self.width + SLACK)..][..self.width + SLACK];
        for (k, offset) in band.offsets.iter().enumerate() {
            let mut x = 0;
            while x < w {
                let from = &strip[offset + x..][..PADDING];
                patch[k * w + x..][..PADDING].copy_from_slice(from);
                x += PADDING;
            }
        }
        // What came after the last row.
        patch[geometry.taps..][..PADDING].fill(T::ZERO);
    }

    /// Makes patch `index` the sum of `filters` `[p, width]` times `weights`, of those in `range` of `codes`.
    #[inline(always)]
    pub fn combine<S: Simd>(
        &mut self,
        simd: S,
        filters: &[T],
        codes: &Codes<T>,
        weights: &[T],
        (index, range): (usize, std::ops::Range<usize>),
    ) {
        let patch = &mut self.data[index * (self.width + SLACK)..][..self.width];
        let (rows, weights) = (&codes.filters[range.clone()], &weights[range]);
        vectors::combine(simd, patch, &self.zero, filters, rows, weights);
    }

    /// Adds patch `index` to `strip`, which begins where it belongs.
    #[inline(always)]
    pub fn add<S: Simd>(
        &self,
        simd: S,
        geometry: &Geometry,
        band: &Band,
        index: usize,
        strip: &mut [T],
    ) {
        let w = geometry.filter[1];
        let patch = &self.data[index * (self.width + SLACK)..][..self.width + SLACK];
        let inside = T::lanes::<S>(&self.inside);
        for (k, offset) in band.offsets.iter().enumerate() {
            let mut x = 0;
            while x < w {
                let from = T::lanes::<S>(&patch[k * w + x..][..PADDING]);
                let to = T::lanes_mut::<S>(&mut strip[offset + x..][..PADDING]);
                let whole = x + PADDING <= w;
                for ((to, from), inside) in to.iter_mut().zip(from).zip(inside) {
                    let from = if whole { *from } else { T::where_nonzero(simd, *inside, *from) };
                    *to = T::plus(simd, *to, from);
                }
                x += PADDING;
            }
        }
    }
}

/// Adds `Σ filters · weights` over the lists of `codes` to `strip`.
#[inline(always)]
pub(super) fn synthesise<S: Simd, T: Number>(
    simd: S,
    geometry: &Geometry,
    band: &Band,
    filters: &[T],
    codes: &Codes<T>,
    patches: &mut Patches<T>,
    strip: &mut [T],
) {
    let columns = geometry.positions[1];
    for row in 0..band.rows.len() {
        let pixels = row * geometry.stride * geometry.image[1];
        for first in (0..columns).step_by(TOGETHER) {
            let some = first..(first + TOGETHER).min(columns);
            for (index, column) in some.clone().enumerate() {
                let range = codes.range(row * columns + column);
                patches.combine(simd, filters, codes, &codes.values, (index, range));
            }
            for (index, column) in some.enumerate() {
                if !codes.range(row * columns + column).is_empty() {
                    let strip = &mut strip[pixels + column * geometry.stride..];
                    patches.add(simd, geometry, band, index, strip);
                }
            }
        }
    }
}
