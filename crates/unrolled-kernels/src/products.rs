//! Dense products of row-major matrices, through `gemm`.

use rayon::prelude::*;

use crate::number::Number;

/// A product of fewer multiplications than this is not worth waking a thread for.
pub const LEAST_WORK: usize = 1 << 24;

/// Columns of a product that one task computes, where it has more columns than rows.
const PANEL: usize = 128;

/// Most rows of a product that one task computes. How many are is fixed by the number of rows, so that the
/// result is the same on any number of threads.
const TILE: usize = 256;

/// A matrix in memory: entry (i, j) is at `i · row_stride + j · column_stride`.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, T> {
    data: &'a [T],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a, T: Number> View<'a, T> {
    /// Rows of `stride` numbers of which the first `columns` count.
    ///
    /// # Panics
    /// Where there are fewer numbers than that.
    pub fn rows(data: &'a [T], rows: usize, columns: usize, stride: usize) -> Self {
        let last = rows.checked_sub(1).map_or(Some(0), |last| last.checked_mul(stride));
        let end = last.and_then(|last| last.checked_add(columns));
        let fits = rows == 0 || end.is_some_and(|end| end <= data.len());
        assert!(columns <= stride && fits, "an array of {rows} rows of {stride} numbers");
        Self { data, rows, columns, row_stride: stride, column_stride: 1 }
    }

    /// The transpose.
    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// `count` rows from `first` on.
    ///
    /// # Panics
    /// Where there are fewer rows.
    pub fn some_rows(self, first: usize, count: usize) -> Self {
        assert!(count <= self.rows && first <= self.rows - count);
        Self { data: &self.data[first * self.row_stride..], rows: count, ..self }
    }

    /// `count` columns from `first` on.
    ///
    /// # Panics
    /// Where there are fewer columns.
    pub fn some_columns(self, first: usize, count: usize) -> Self {
        self.transposed().some_rows(first, count).transposed()
    }

    /// How many columns there are.
    pub fn columns(&self) -> usize {
        self.columns
    }
}

/// `out = keep · out + factor · a b` on this thread, where `out` has rows of `stride` numbers.
pub(crate) fn multiply<T: Number>(
    out: &mut [T],
    stride: usize,
    keep: T,
    factor: T,
    a: View<T>,
    b: View<T>,
) {
    assert_eq!(a.columns, b.rows);
    let (rows, columns) = (a.rows, b.columns);
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(columns <= stride && (rows - 1) * stride + columns <= out.len());
    // SAFETY: both views were checked against their slices when they were made, `out` just now, and `out` is
    // borrowed mutably, so it does not overlap them.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            a.columns,
            out.as_mut_ptr(),
            1,
            stride as isize,
            keep != T::ZERO,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            keep,
            factor,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// As [`multiply`], with tiles of rows on all threads.
pub(crate) fn multiply_in_parallel<T: Number>(
    out: &mut [T],
    stride: usize,
    keep: T,
    factor: T,
    a: View<T>,
    b: View<T>,
) {
    let tile = a.rows.div_ceil(4).clamp(16, TILE);
    out.par_chunks_mut(tile * stride).enumerate().for_each(|(index, out)| {
        let first = index * tile;
        if first < a.rows {
            let a = a.some_rows(first, tile.min(a.rows - first));
            multiply(out, stride, keep, factor, a, b);
        }
    });
}

/// `a b`, row-major, on the threads of the current pool where it is worth their waking; the same on any number of them.
///
/// # Panics
/// Where `a` does not have as many columns as `b` has rows.
pub fn product<T: Number>(a: View<T>, b: View<T>) -> Vec<T> {
    let [rows, columns] = [a.rows, b.columns];
    let entries = rows.checked_mul(columns).expect("a product can be addressed");
    let mut out = vec![T::ZERO; entries];
    if entries.saturating_mul(a.columns) < LEAST_WORK {
        multiply(&mut out, columns, T::ZERO, T::ONE, a, b);
    } else if rows >= columns {
        multiply_in_parallel(&mut out, columns, T::ZERO, T::ONE, a, b);
    } else {
        let panel = |first: usize| {
            let count = PANEL.min(columns - first);
            let mut panel = vec![T::ZERO; rows * count];
            let b = b.some_columns(first, count);
            multiply(&mut panel, count, T::ZERO, T::ONE, a, b);
            (first, count, panel)
        };
        let panels: Vec<usize> = (0..columns).step_by(PANEL).collect();
        for (first, count, panel) in panels.into_par_iter().map(panel).collect::<Vec<_>>() {
            for (out, panel) in out.chunks_exact_mut(columns).zip(panel.chunks_exact(count)) {
                out[first..first + count].copy_from_slice(panel);
            }
        }
    }
    out
}

/// `a + aᵀ` in place, for a square matrix.
pub(crate) fn symmetrise<T: Number>(a: &mut [T], rows: usize, stride: usize) {
    const SQUARE: usize = 32;
    for top in (0..rows).step_by(SQUARE) {
        for left in (0..=top).step_by(SQUARE) {
            for i in top..(top + SQUARE).min(rows) {
                for j in left..(left + SQUARE).min(i + 1) {
                    let sum = a[i * stride + j] + a[j * stride + i];
                    a[i * stride + j] = sum;
                    a[j * stride + i] = sum;
                }
            }
        }
    }
}

/// The transpose of `[rows, columns]` with rows of `from` numbers, with rows of `to` numbers (the rest 0).
///
/// # Panics
/// Where there are fewer numbers than that, or rows of `to` are too short.
pub fn transpose<T: Number>(
    a: &[T],
    [rows, columns]: [usize; 2],
    from: usize,
    to: usize,
) -> Vec<T> {
    const SQUARE: usize = 32;
    /// Numbers that are not worth waking a thread for.
    const FEW: usize = 1 << 16;
    assert!(columns <= from && rows <= to, "rows of {from} and {to} numbers");
    let mut out = vec![T::ZERO; columns * to];
    let some = |(index, out): (usize, &mut [T])| {
        let left = index * SQUARE;
        for top in (0..rows).step_by(SQUARE) {
            for i in top..(top + SQUARE).min(rows) {
                for (j, out) in (left..(left + SQUARE).min(columns)).zip(out.chunks_exact_mut(to)) {
                    out[i] = a[i * from + j];
                }
            }
        }
    };
    let chunk = (SQUARE * to).max(1);
    match out.len() <= FEW {
        true => out.chunks_mut(chunk).enumerate().for_each(some),
        false => out.par_chunks_mut(chunk).enumerate().for_each(some),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive(a: View<f64>, b: View<f64>) -> Vec<f64> {
        let at = |v: &View<f64>, i, j| v.data[i * v.row_stride + j * v.column_stride];
        let mut out = Vec::new();
        for i in 0..a.rows {
            for j in 0..b.columns {
                out.push((0..a.columns).map(|k| at(&a, i, k) * at(&b, k, j)).sum());
            }
        }
        out
    }

    #[test]
    fn products_agree_with_three_loops() {
        for (n, k, m) in [(1, 1, 1), (3, 5, 7), (300, 20, 90), (17, 64, 33)] {
            let a: Vec<f64> = (0..n * k).map(|i| ((i * 7919) % 101) as f64 / 50.0 - 1.0).collect();
            let b: Vec<f64> =
                (0..k * m).map(|i| ((i * 104_729) % 97) as f64 / 48.0 - 1.0).collect();
            let (a, b) = (View::rows(&a, n, k, k), View::rows(&b, k, m, m));
            let expected = naive(a, b);
            let mut out = vec![1.0; n * m];
            multiply_in_parallel(&mut out, m, 2.0, 0.5, a, b);
            for (x, y) in out.iter().zip(&expected) {
                assert!((x - (2.0 + 0.5 * y)).abs() < 1e-12);
            }
        }
    }

    /// Small, taller than wide and wider than tall; the panels of no thread depend on how many there are.
    #[test]
    fn a_product_is_the_same_on_any_number_of_threads() {
        for [n, k, m] in [[3, 5, 7], [600, 300, 100], [100, 300, 2 * PANEL + 300]] {
            let a: Vec<f64> = (0..n * k).map(|i| ((i * 7919) % 101) as f64 / 50.0 - 1.0).collect();
            let b: Vec<f64> =
                (0..k * m).map(|i| ((i * 104_729) % 97) as f64 / 48.0 - 1.0).collect();
            // The second factor as a transpose.
            let (a, b) = (View::rows(&a, n, k, k), View::rows(&b, m, k, k).transposed());
            let on = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| product(a, b))
            };
            let out = on(1);
            assert_eq!(out, on(3));
            assert_eq!(out.len(), n * m);
            let near = |(x, y): (&f64, &f64)| (x - y).abs() < 1e-10;
            assert!(out.iter().zip(&naive(a, b)).all(near));
        }
    }
}
