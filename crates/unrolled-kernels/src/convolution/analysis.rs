//! Patches times all filters: a convolution in registers.

use pulp::Simd;

use super::geometry::{Band, Geometry};
use crate::number::Number;

/// Positions whose sums are in registers at once.
const RUN: usize = 6;

/// `out += factor · (patch · filters)` for a row of positions: `out` is `[positions, lanes]`, `strip` begins with the
/// first patch, `taps` are the filters `[taps, lanes]`.
#[inline(always)]
pub(super) fn analyse_row<S: Simd, T: Number>(
    simd: S,
    geometry: &Geometry,
    band: &Band,
    strip: &[T],
    taps: &[T],
    factor: T,
    out: &mut [T],
) {
    let columns = geometry.positions[1];
    let registers = T::lanes::<S>(&taps[..geometry.lanes]).len();
    // Half as many registers where they are half as many, and half as wide.
    let most = if size_of::<T::Lanes<S>>() == 32 { 2 } else { 4 };
    let runs = columns.div_ceil(RUN);
    let row = Row {
        strip,
        offsets: &band.offsets,
        stride: geometry.stride,
        filter: geometry.filter[1],
        taps: T::lanes::<S>(taps),
        registers,
    };
    let out = T::lanes_mut::<S>(out);
    let factor = T::splat(simd, factor);
    let mut first = 0;
    while first < registers {
        let some = (registers - first).min(most);
        for run in 0..runs {
            let (start, end) = (run * columns / runs, (run + 1) * columns / runs);
            let out = &mut out[start * registers..end * registers];
            match some {
                4 => run_of::<S, T, 4>(simd, row, factor, start, first, out),
                3 => run_of::<S, T, 3>(simd, row, factor, start, first, out),
                2 => run_of::<S, T, 2>(simd, row, factor, start, first, out),
                _ => run_of::<S, T, 1>(simd, row, factor, start, first, out),
            }
        }
        first += some;
    }
}

struct Row<'a, T, L> {
    strip: &'a [T],
    offsets: &'a [usize],
    stride: usize,
    filter: usize,
    taps: &'a [L],
    registers: usize,
}

impl<T, L> Clone for Row<'_, T, L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, L> Copy for Row<'_, T, L> {}

#[inline(always)]
fn run_of<S: Simd, T: Number, const R: usize>(
    simd: S,
    row: Row<T, T::Lanes<S>>,
    factor: T::Lanes<S>,
    start: usize,
    first: usize,
    out: &mut [T::Lanes<S>],
) {
    match out.len() / row.registers {
        6 => tile::<S, T, R, 6>(simd, row, factor, start, first, out),
        5 => tile::<S, T, R, 5>(simd, row, factor, start, first, out),
        4 => tile::<S, T, R, 4>(simd, row, factor, start, first, out),
        3 => tile::<S, T, R, 3>(simd, row, factor, start, first, out),
        2 => tile::<S, T, R, 2>(simd, row, factor, start, first, out),
        _ => tile::<S, T, R, 1>(simd, row, factor, start, first, out),
    }
}

/// `P` positions from `start` on and `R` registers of filters from `first` on.
#[inline(always)]
fn tile<S: Simd, T: Number, const R: usize, const P: usize>(
    simd: S,
    row: Row<T, T::Lanes<S>>,
    factor: T::Lanes<S>,
    start: usize,
    first: usize,
    out: &mut [T::Lanes<S>],
) {
    let mut sums = [[T::splat(simd, T::ZERO); R]; P];
    let rows_of_taps = row.taps.chunks_exact(row.filter * row.registers);
    for (offset, taps) in row.offsets.iter().zip(rows_of_taps) {
        let mut pixels: [&[T]; P] = [&[]; P];
        for (p, pixels) in pixels.iter_mut().enumerate() {
            *pixels = &row.strip[offset + (start + p) * row.stride..][..row.filter];
        }
        for (x, taps) in taps.chunks_exact(row.registers).enumerate() {
            let taps = &taps[first..first + R];
            for p in 0..P {
                let pixel = T::splat(simd, pixels[p][x]);
                for r in 0..R {
                    sums[p][r] = T::fma(simd, pixel, taps[r], sums[p][r]);
                }
            }
        }
    }
    for p in 0..P {
        let out = &mut out[p * row.registers + first..][..R];
        for r in 0..R {
            out[r] = T::fma(simd, factor, sums[p][r], out[r]);
        }
    }
}
