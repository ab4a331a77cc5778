//! Sums over the list of a position: rows of filters and of their gradients times a patch, which stays in registers
//! where it fits.

use pulp::Simd;

use crate::number::Number;
use crate::vectors;

/// `$call` with the number of registers in a row as a constant, where it is small.
macro_rules! by_width {
    ($registers:expr, $function:ident::<$S:ident, $T:ident>($($argument:expr),*), $otherwise:expr) => {
        match $registers {
            1 => $function::<$S, $T, 1>($($argument),*),
            2 => $function::<$S, $T, 2>($($argument),*),
            3 => $function::<$S, $T, 3>($($argument),*),
            4 => $function::<$S, $T, 4>($($argument),*),
            6 => $function::<$S, $T, 6>($($argument),*),
            8 => $function::<$S, $T, 8>($($argument),*),
            _ => $otherwise,
        }
    };
}

/// `products[k] += factor · ⟨filters[rows[k]], patch⟩` and `gradient[rows[k]] += values[k] · patch`.
#[inline(always)]
pub(super) fn products<S: Simd, T: Number>(
    simd: S,
    (filters, factor): (&[T], T),
    gradient: &mut [T],
    patch: &[T],
    (rows, values): (&[u32], &[T]),
    products: &mut [T],
) {
    let width = patch.len();
    by_width!(
        T::lanes::<S>(patch).len(),
        products_of::<S, T>(simd, (filters, factor), gradient, patch, (rows, values), products),
        for ((row, value), product) in rows.iter().zip(values).zip(products) {
            let row = *row as usize * width..(*row as usize + 1) * width;
            vectors::add_scaled(simd, &mut gradient[row.clone()], *value, patch);
            *product += factor * vectors::dot(simd, &filters[row], patch);
        }
    );
}

/// `gradient[rows[k]] += values[k] · patch`.
#[inline(always)]
pub(super) fn add_outer<S: Simd, T: Number>(
    simd: S,
    gradient: &mut [T],
    patch: &[T],
    rows: &[u32],
    values: &[T],
) {
    let width = patch.len();
    by_width!(
        T::lanes::<S>(patch).len(),
        add_outer_of::<S, T>(simd, gradient, patch, rows, values),
        for (row, value) in rows.iter().zip(values) {
            let row = *row as usize * width..(*row as usize + 1) * width;
            vectors::add_scaled(simd, &mut gradient[row], *value, patch);
        }
    );
}

#[inline(always)]
fn products_of<S: Simd, T: Number, const W: usize>(
    simd: S,
    (filters, factor): (&[T], T),
    gradient: &mut [T],
    patch: &[T],
    (rows, values): (&[u32], &[T]),
    products: &mut [T],
) {
    let zero = T::splat(simd, T::ZERO);
    let mut pixels = [zero; W];
    pixels.copy_from_slice(T::lanes::<S>(patch));
    let (filters, gradient) = (T::lanes::<S>(filters), T::lanes_mut::<S>(gradient));
    for ((row, value), product) in rows.iter().zip(values).zip(products) {
        let row = *row as usize * W;
        let filter = &filters[row..row + W];
        let gradient = &mut gradient[row..row + W];
        let value = T::splat(simd, *value);
        let mut sums = [zero; 2];
        for w in 0..W {
            sums[w % 2] = T::fma(simd, filter[w], pixels[w], sums[w % 2]);
            gradient[w] = T::fma(simd, value, pixels[w], gradient[w]);
        }
        *product += factor * T::total(simd, T::plus(simd, sums[0], sums[1]));
    }
}

#[inline(always)]
fn add_outer_of<S: Simd, T: Number, const W: usize>(
    simd: S,
    gradient: &mut [T],
    patch: &[T],
    rows: &[u32],
    values: &[T],
) {
    let mut pixels = [T::splat(simd, T::ZERO); W];
    pixels.copy_from_slice(T::lanes::<S>(patch));
    let gradient = T::lanes_mut::<S>(gradient);
    for (row, value) in rows.iter().zip(values) {
        let row = *row as usize * W;
        let gradient = &mut gradient[row..row + W];
        let value = T::splat(simd, *value);
        for w in 0..W {
            gradient[w] = T::fma(simd, value, pixels[w], gradient[w]);
        }
    }
}
