//! The loops over rows of numbers. Every row is padded to a multiple of [`crate::number::PADDING`], which
//! every vector register divides, so none of them has a tail.
//!
//! All of them are inlined into functions that are compiled for the registers of the machine at hand.

use pulp::Simd;

use crate::number::Number;
use crate::problem::{Operator, Sided};

/// `row = prox(row)` with thresholds `bias`. Not-a-number passes.
#[inline(always)]
pub(crate) fn prox<S: Simd, T: Number>(
    simd: S,
    operator: Operator,
    sided: Sided,
    row: &mut [T],
    bias: &[T],
) {
    let (row, bias) = (T::lanes_mut::<S>(row), T::lanes::<S>(bias));
    match (operator, sided) {
        (Operator::Soft, Sided::Two) => {
            for (u, b) in row.iter_mut().zip(bias) {
                let shrunk = T::minus(simd, *u, T::with_sign(simd, *b, *u));
                *u = T::unless_at_most(simd, T::magnitude(simd, *u), *b, shrunk);
            }
        }
        (Operator::Soft, Sided::One) => {
            for (u, b) in row.iter_mut().zip(bias) {
                *u = T::unless_at_most(simd, *u, *b, T::minus(simd, *u, *b));
            }
        }
        (Operator::Hard, Sided::Two) => {
            for (u, b) in row.iter_mut().zip(bias) {
                *u = T::unless_at_most(simd, T::magnitude(simd, *u), *b, *u);
            }
        }
        (Operator::Hard, Sided::One) => {
            for (u, b) in row.iter_mut().zip(bias) {
                *u = T::unless_at_most(simd, *u, *b, *u);
            }
        }
    }
}

/// `out = q` where `z ≠ 0`, else 0.
#[inline(always)]
pub(crate) fn mask<S: Simd, T: Number>(simd: S, out: &mut [T], z: &[T], q: &[T]) {
    let (out, z, q) = (T::lanes_mut::<S>(out), T::lanes::<S>(z), T::lanes::<S>(q));
    for ((out, z), q) in out.iter_mut().zip(z).zip(q) {
        *out = T::where_nonzero(simd, *z, *q);
    }
}

/// `out += factor · row`.
#[inline(always)]
pub(crate) fn add_scaled<S: Simd, T: Number>(simd: S, out: &mut [T], factor: T, row: &[T]) {
    let factor = T::splat(simd, factor);
    for (out, x) in T::lanes_mut::<S>(out).iter_mut().zip(T::lanes::<S>(row)) {
        *out = T::fma(simd, factor, *x, *out);
    }
}

/// `Σ a b`.
#[inline(always)]
pub(crate) fn dot<S: Simd, T: Number>(simd: S, a: &[T], b: &[T]) -> T {
    let (a, b) = (T::lanes::<S>(a), T::lanes::<S>(b));
    let mut sums = [T::splat(simd, T::ZERO); 4];
    let (a_fours, a_rest) = a.as_chunks::<4>();
    let (b_fours, b_rest) = b.as_chunks::<4>();
    for (a, b) in a_fours.iter().zip(b_fours) {
        for i in 0..4 {
            sums[i] = T::fma(simd, a[i], b[i], sums[i]);
        }
    }
    for (a, b) in a_rest.iter().zip(b_rest) {
        sums[0] = T::fma(simd, *a, *b, sums[0]);
    }
    let left = T::plus(simd, sums[0], sums[1]);
    let right = T::plus(simd, sums[2], sums[3]);
    T::total(simd, T::plus(simd, left, right))
}

/// `‖a − b‖²`.
#[inline(always)]
pub(crate) fn distance_squared<S: Simd, T: Number>(simd: S, a: &[T], b: &[T]) -> T {
    let mut sum = T::splat(simd, T::ZERO);
    for (a, b) in T::lanes::<S>(a).iter().zip(T::lanes::<S>(b)) {
        let difference = T::minus(simd, *a, *b);
        sum = T::fma(simd, difference, difference, sum);
    }
    T::total(simd, sum)
}

/// `out = start + Σ_k weights[k] · matrix[rows[k]]`, where the rows of `matrix` are as long as `out`.
#[inline(always)]
pub(crate) fn combine<S: Simd, T: Number>(
    simd: S,
    out: &mut [T],
    start: &[T],
    matrix: &[T],
    rows: &[u32],
    weights: &[T],
) {
    let rows = Chosen { matrix, stride: out.len(), rows };
    columns(simd, out, start, weights, rows);
}

/// `out = Σ_k matrix[rows[k]]²`, entry by entry, where the rows of `matrix` are as long as `out`.
#[inline(always)]
pub(crate) fn squares<S: Simd, T: Number>(simd: S, out: &mut [T], matrix: &[T], rows: &[u32]) {
    const TILE: usize = 8;
    let stride = out.len();
    let zero = T::splat(simd, T::ZERO);
    let rows = Chosen { matrix, stride, rows };
    for (tile, out) in T::lanes_mut::<S>(out).chunks_mut(TILE).enumerate() {
        let mut sums = [zero; TILE];
        for k in 0..rows.rows.len() {
            let row = &T::lanes::<S>(rows.row(k))[tile * TILE..];
            for (sum, x) in sums.iter_mut().zip(row) {
                *sum = T::fma(simd, *x, *x, *sum);
            }
        }
        let length = out.len();
        out.copy_from_slice(&sums[..length]);
    }
}

/// `out = start + Σ_k weights[k] · matrix[k]` for the first `weights.len()` rows of `matrix`.
#[inline(always)]
pub(crate) fn multiply_small<S: Simd, T: Number>(
    simd: S,
    out: &mut [T],
    start: &[T],
    matrix: &[T],
    weights: &[T],
) {
    let rows = First { matrix, stride: out.len() };
    columns(simd, out, start, weights, rows);
}

/// Rows of a matrix. (Closures are not always inlined, and must be.)
trait Rows<'a, T>: Copy {
    fn row(self, k: usize) -> &'a [T];
}

/// The first rows.
#[derive(Clone, Copy)]
struct First<'a, T> {
    matrix: &'a [T],
    stride: usize,
}

impl<'a, T: Number> Rows<'a, T> for First<'a, T> {
    #[inline(always)]
    fn row(self, k: usize) -> &'a [T] {
        &self.matrix[k * self.stride..(k + 1) * self.stride]
    }
}

/// Some rows.
#[derive(Clone, Copy)]
struct Chosen<'a, T> {
    matrix: &'a [T],
    stride: usize,
    rows: &'a [u32],
}

impl<'a, T: Number> Rows<'a, T> for Chosen<'a, T> {
    #[inline(always)]
    fn row(self, k: usize) -> &'a [T] {
        let first = self.rows[k] as usize * self.stride;
        &self.matrix[first..first + self.stride]
    }
}

/// `start + Σ_k weights[k] · row(k)`, a few registers of columns at a time, which stay in registers.
#[inline(always)]
fn columns<'a, S: Simd, T: Number>(
    simd: S,
    out: &mut [T],
    start: &[T],
    weights: &[T],
    rows: impl Rows<'a, T>,
) {
    let (out, start) = (T::lanes_mut::<S>(out), T::lanes::<S>(start));
    let mut at = 0;
    while at + 8 <= out.len() {
        column_tile::<S, T, 8, 1>(simd, out, start, weights, rows, at);
        at += 8;
    }
    match out.len() - at {
        7 => column_tile::<S, T, 7, 1>(simd, out, start, weights, rows, at),
        6 => column_tile::<S, T, 6, 1>(simd, out, start, weights, rows, at),
        5 => column_tile::<S, T, 5, 2>(simd, out, start, weights, rows, at),
        4 => column_tile::<S, T, 4, 2>(simd, out, start, weights, rows, at),
        3 => column_tile::<S, T, 3, 3>(simd, out, start, weights, rows, at),
        2 => column_tile::<S, T, 2, 4>(simd, out, start, weights, rows, at),
        1 => column_tile::<S, T, 1, 4>(simd, out, start, weights, rows, at),
        _ => {}
    }
}

/// `W` registers of columns; `I` sums side by side hide the latency of a multiplication.
#[inline(always)]
fn column_tile<'a, S: Simd, T: Number, const W: usize, const I: usize>(
    simd: S,
    out: &mut [T::Lanes<S>],
    start: &[T::Lanes<S>],
    weights: &[T],
    rows: impl Rows<'a, T>,
    at: usize,
) {
    let zero = T::splat(simd, T::ZERO);
    let mut sums = [[zero; W]; I];
    sums[0].copy_from_slice(&start[at..at + W]);
    let (groups, rest) = weights.as_chunks::<I>();
    for (g, group) in groups.iter().enumerate() {
        for i in 0..I {
            let weight = T::splat(simd, group[i]);
            let row = &T::lanes::<S>(rows.row(g * I + i))[at..at + W];
            for w in 0..W {
                sums[i][w] = T::fma(simd, weight, row[w], sums[i][w]);
            }
        }
    }
    for (i, weight) in rest.iter().enumerate() {
        let weight = T::splat(simd, *weight);
        let row = &T::lanes::<S>(rows.row(groups.len() * I + i))[at..at + W];
        for w in 0..W {
            sums[i][w] = T::fma(simd, weight, row[w], sums[i][w]);
        }
    }
    for w in 0..W {
        let mut sum = sums[0][w];
        for other in sums.iter().skip(1) {
            sum = T::plus(simd, sum, other[w]);
        }
        out[at + w] = sum;
    }
}

/// `out += Σ_k a[k] ⊗ b[k]`: `a` and `b` have `count` rows of `stride` numbers, of which the first `height`
/// of `a` count; `out` is `[height, stride]`.
#[inline(always)]
pub(crate) fn add_outer_products<S: Simd, T: Number>(
    simd: S,
    out: &mut [T],
    height: usize,
    stride: usize,
    count: usize,
    a: &[T],
    b: &[T],
) {
    let width = T::lanes::<S>(&b[..stride]).len();
    let mut i = 0;
    while i < height {
        let tall = (height - i).min(4);
        let mut j = 0;
        while j < width {
            let wide = if width - j >= 2 { 2 } else { 1 };
            let place = Place { i, j, stride, count };
            match (tall, wide) {
                (4, 2) => outer_tile::<S, T, 4, 2>(simd, out, a, b, place),
                (4, _) => outer_tile::<S, T, 4, 1>(simd, out, a, b, place),
                (3, 2) => outer_tile::<S, T, 3, 2>(simd, out, a, b, place),
                (3, _) => outer_tile::<S, T, 3, 1>(simd, out, a, b, place),
                (2, 2) => outer_tile::<S, T, 2, 2>(simd, out, a, b, place),
                (2, _) => outer_tile::<S, T, 2, 1>(simd, out, a, b, place),
                (_, 2) => outer_tile::<S, T, 1, 2>(simd, out, a, b, place),
                _ => outer_tile::<S, T, 1, 1>(simd, out, a, b, place),
            }
            j += wide;
        }
        i += tall;
    }
}

#[derive(Clone, Copy)]
struct Place {
    i: usize,
    j: usize,
    stride: usize,
    count: usize,
}

#[inline(always)]
fn outer_tile<S: Simd, T: Number, const H: usize, const W: usize>(
    simd: S,
    out: &mut [T],
    a: &[T],
    b: &[T],
    Place { i, j, stride, count }: Place,
) {
    let mut sums = [[T::splat(simd, T::ZERO); W]; H];
    for k in 0..count {
        let a = &a[k * stride + i..k * stride + i + H];
        let b = &T::lanes::<S>(&b[k * stride..(k + 1) * stride])[j..j + W];
        for h in 0..H {
            let factor = T::splat(simd, a[h]);
            for w in 0..W {
                sums[h][w] = T::fma(simd, factor, b[w], sums[h][w]);
            }
        }
    }
    for h in 0..H {
        let row =
            &mut T::lanes_mut::<S>(&mut out[(i + h) * stride..(i + h + 1) * stride])[j..j + W];
        for w in 0..W {
            row[w] = T::plus(simd, row[w], sums[h][w]);
        }
    }
}
