//! An iteration of a band.

use pulp::{Simd, WithSimd};

use super::ConvolutionalUnroll;
use super::aligned::Aligned;
use super::analysis::analyse_row;
use super::codes::Codes;
use super::geometry::{Band, Geometry};
use super::patches::{self, Patches};
use crate::number::Number;
use crate::vectors;

/// What a band has and leaves.
pub(super) struct State<T> {
    /// z.
    pub codes: Codes<T>,
    /// z before.
    before: Codes<T>,
    /// What this band says of its pixels: B z, or D z at last.
    pub says: Vec<T>,
    /// w ⊙ (w ⊙ B z − x).
    pub residual: Vec<T>,
    row: Aligned<T>,
    patches: Patches<T>,
}

impl<T: Number> State<T> {
    pub fn new(geometry: &Geometry, band: &Band) -> Self {
        let positions = geometry.positions(band);
        Self {
            codes: Codes::zero(positions),
            before: Codes::new(positions),
            says: patches::strip(geometry, band),
            residual: patches::strip(geometry, band),
            row: Aligned::zeros(geometry.positions[1] * geometry.lanes),
            patches: Patches::new(geometry),
        }
    }
}

/// An iteration of one band of one example.
pub(super) struct Iteration<'a, T> {
    pub unroll: &'a ConvolutionalUnroll<'a, T>,
    pub geometry: &'a Geometry,
    pub bands: &'a [Band],
    pub band: &'a Band,
    pub x: &'a [T],
    pub weights: Option<&'a [T]>,
    /// What all bands said, unless z is 0.
    pub said: Option<&'a [Vec<T>]>,
    /// A, `[taps, lanes]`.
    pub analysis: &'a [T],
    /// b, padded.
    pub thresholds: &'a [T],
    /// B of the next iteration, or D, `[p, width]`.
    pub synthesis: &'a [T],
    pub state: &'a mut State<T>,
}

impl<T: Number> WithSimd for Iteration<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        self.residual();
        self.codes(simd);
        let State { codes, says, patches, .. } = self.state;
        says.fill(T::ZERO);
        patches::synthesise(simd, self.geometry, self.band, self.synthesis, codes, patches, says);
    }
}

impl<T: Number> Iteration<'_, T> {
    #[inline(always)]
    fn residual(&mut self) {
        let Self { geometry, band, .. } = *self;
        let residual = &mut self.state.residual;
        residual.fill(T::ZERO);
        if let Some(said) = self.said {
            geometry.gather(self.bands, said, band, residual);
        }
        let channels = residual.chunks_exact_mut(band.height * geometry.image[1]);
        let examples = geometry.under(band, self.x);
        match self.weights {
            None => {
                for (r, x) in channels.zip(examples) {
                    r.iter_mut().zip(x).for_each(|(r, x)| *r -= *x);
                }
            }
            Some(weights) => {
                for ((r, x), w) in channels.zip(examples).zip(geometry.under(band, weights)) {
                    for ((r, x), w) in r.iter_mut().zip(x).zip(w) {
                        *r = *w * (*w * *r - *x);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn codes<S: Simd>(&mut self, simd: S) {
        let Self { unroll, geometry, band, .. } = *self;
        let State { codes, before, residual, row, .. } = &mut *self.state;
        std::mem::swap(codes, before);
        codes.clear();
        let columns = geometry.positions[1];
        for y in 0..band.rows.len() {
            row.fill(T::ZERO);
            for (column, row) in row.chunks_exact_mut(geometry.lanes).enumerate() {
                for entry in before.range(y * columns + column) {
                    row[before.filters[entry] as usize] = before.values[entry];
                }
            }
            let strip = &residual[y * geometry.stride * geometry.image[1]..];
            analyse_row(simd, geometry, band, strip, self.analysis, -unroll.step, row);
            for row in row.chunks_exact_mut(geometry.lanes) {
                vectors::prox(simd, unroll.operator, unroll.sided, row, self.thresholds);
                codes.push(simd, row, geometry.filters);
            }
        }
    }
}
