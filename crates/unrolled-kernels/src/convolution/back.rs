//! A step back of a band: from z to z.

use pulp::{Simd, WithSimd};

use super::codes::Codes;
use super::geometry::{Band, Geometry};
use super::lists;
use super::patches::{Patches, TOGETHER};
use crate::number::Number;

/// What comes to codes through an image that they make.
pub(super) struct Incoming<'a, T> {
    /// Its derivative, a strip.
    pub strip: &'a [T],
    /// The filters that make it, `[p, width]`.
    pub filters: &'a [T],
    /// Times this.
    pub factor: T,
    /// Their gradient.
    pub gradient: &'a mut [T],
}

/// The iteration that made the codes.
pub(super) struct Below<'a, T> {
    /// d, a strip.
    pub residual: &'a [T],
    /// A, `[p, width]`.
    pub filters: &'a [T],
    /// Its gradient.
    pub gradient: &'a mut [T],
    /// That of b.
    pub thresholds: Option<&'a mut [f64]>,
    /// For A s, a strip of zeros, where something is further back.
    pub out: Option<&'a mut [T]>,
}

/// What else comes to codes.
pub(super) enum Direct<'a, T> {
    /// From z that came after these codes: its lists, and the derivative on them.
    After(&'a Codes<T>, &'a [T]),
    /// To the last codes: a penalty, and derivatives of one example `[p, H'·W']`.
    Last(T, Option<&'a [T]>),
}

/// For the derivative by codes and all that follows from it.
pub(super) struct Step<'a, T> {
    pub geometry: &'a Geometry,
    pub band: &'a Band,
    pub codes: &'a Codes<T>,
    pub incoming: Option<Incoming<'a, T>>,
    pub direct: Direct<'a, T>,
    pub below: Option<Below<'a, T>>,
    /// s on the lists of `codes`.
    pub s: &'a mut Vec<T>,
    pub scratch: &'a mut Scratch<T>,
}

pub(super) struct Scratch<T> {
    incoming: Patches<T>,
    residual: Patches<T>,
    out: Patches<T>,
    row: Vec<T>,
}

impl<T: Number> Scratch<T> {
    pub fn new(geometry: &Geometry) -> Self {
        Self {
            incoming: Patches::new(geometry),
            residual: Patches::new(geometry),
            out: Patches::new(geometry),
            row: vec![T::ZERO; geometry.lanes],
        }
    }
}

impl<T: Number> WithSimd for Step<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let columns = self.geometry.positions[1];
        self.s.clear();
        self.s.resize(self.codes.values.len(), T::ZERO);
        for y in 0..self.band.rows.len() {
            for first in (0..columns).step_by(TOGETHER) {
                let some = first..(first + TOGETHER).min(columns);
                self.take(y, some.clone());
                for (index, column) in some.clone().enumerate() {
                    self.position(simd, index, y * columns + column);
                }
                self.give(simd, y, some);
            }
        }
    }
}

impl<T: Number> Step<'_, T> {
    /// Where the patch of a position begins in a strip.
    #[inline(always)]
    fn at(&self, y: usize, column: usize) -> usize {
        (y * self.geometry.image[1] + column) * self.geometry.stride
    }

    #[inline(always)]
    fn take(&mut self, y: usize, some: std::ops::Range<usize>) {
        let columns = self.geometry.positions[1];
        for (index, column) in some.enumerate() {
            if self.codes.range(y * columns + column).is_empty() {
                continue;
            }
            let at = self.at(y, column);
            if let Some(incoming) = &self.incoming {
                let strip = &incoming.strip[at..];
                self.scratch.incoming.take(self.geometry, self.band, strip, index);
            }
            if let Some(below) = &self.below {
                let strip = &below.residual[at..];
                self.scratch.residual.take(self.geometry, self.band, strip, index);
            }
        }
    }

    #[inline(always)]
    fn position<S: Simd>(&mut self, simd: S, index: usize, position: usize) {
        let range = self.codes.range(position);
        if range.is_empty() {
            return;
        }
        let filters = &self.codes.filters[range.clone()];
        let values = &self.codes.values[range.clone()];
        let s = &mut self.s[range.clone()];
        self.direct.add(
            self.geometry,
            self.band,
            position,
            &mut self.scratch.row,
            (filters, values, s),
        );
        if let Some(incoming) = &mut self.incoming {
            let patch = self.scratch.incoming.patch(index);
            let with = (incoming.filters, incoming.factor);
            lists::products(simd, with, incoming.gradient, patch, (filters, values), s);
        }
        let Some(below) = &mut self.below else { return };
        let patch = self.scratch.residual.patch(index);
        lists::add_outer(simd, below.gradient, patch, filters, s);
        if let Some(thresholds) = &mut below.thresholds {
            for ((filter, value), s) in filters.iter().zip(values).zip(s.iter()) {
                let s = s.to_f64();
                thresholds[*filter as usize] -= if *value < T::ZERO { -s } else { s };
            }
        }
        if below.out.is_some() {
            let which = (index, range);
            self.scratch.out.combine(simd, below.filters, self.codes, self.s, which);
        }
    }

    #[inline(always)]
    fn give<S: Simd>(&mut self, simd: S, y: usize, some: std::ops::Range<usize>) {
        let columns = self.geometry.positions[1];
        for (index, column) in some.enumerate() {
            let at = self.at(y, column);
            let Some(Below { out: Some(out), .. }) = &mut self.below else { return };
            if !self.codes.range(y * columns + column).is_empty() {
                self.scratch.out.add(simd, self.geometry, self.band, index, &mut out[at..]);
            }
        }
    }
}

impl<T: Number> Direct<'_, T> {
    /// Sets `s` to what comes to the codes of `position` directly.
    #[inline(always)]
    fn add(
        &self,
        geometry: &Geometry,
        band: &Band,
        position: usize,
        row: &mut [T],
        (filters, values, s): (&[u32], &[T], &mut [T]),
    ) {
        match self {
            Direct::After(after, derivative) => {
                let range = after.range(position);
                for (filter, s) in
                    after.filters[range.clone()].iter().zip(&derivative[range.clone()])
                {
                    row[*filter as usize] = *s;
                }
                for (filter, s) in filters.iter().zip(s) {
                    *s = row[*filter as usize];
                }
                for filter in &after.filters[range] {
                    row[*filter as usize] = T::ZERO;
                }
            }
            Direct::Last(penalty, codes) => {
                let positions = geometry.positions[0] * geometry.positions[1];
                let at = band.rows.start * geometry.positions[1] + position;
                for ((filter, value), s) in filters.iter().zip(values).zip(s) {
                    *s = if *value < T::ZERO { -*penalty } else { *penalty };
                    if let Some(codes) = codes {
                        *s += codes[*filter as usize * positions + at];
                    }
                }
            }
        }
    }
}
