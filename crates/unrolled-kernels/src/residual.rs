//! The residual form: `v = z − α Dᵀ(D z − x)`.
//!
//! With `q` = dL/dz_{t+1} and `s = q` where `z_{t+1} ≠ 0`, else 0: `v = D s`, `r = D z_t − x`, an iteration
//! contributes `−α (r sᵀ + v z_tᵀ)` to the gradient of D and `−⟨v, r⟩` to that of α, and hands on
//! dL/dz_t = s − α Dᵀ v.

use pulp::Simd;

use crate::lockstep::Iteration;
use crate::number::Number;
use crate::prepared::{BiasRow, Prepared};
use crate::problem::Matrix;
use crate::products::{View, multiply};
use crate::sums::Sums;
use crate::vectors;

/// The share of non-zero codes below which products with codes run over index lists.
const SPARSE_BELOW: f64 = 0.3;

/// All examples of a block by products with D.
pub(crate) struct Residual<'a, T> {
    prepared: &'a Prepared<'a, T>,
    x: Matrix<'a, T>,
    sums: &'a mut Sums<T>,
    bias: BiasRow<T>,
    /// D z − x, and D s, `[examples, width]`.
    residual: Vec<T>,
    image: Vec<T>,
    s: Vec<T>,
}

impl<'a, T: Number> Residual<'a, T> {
    pub fn new(prepared: &'a Prepared<'a, T>, x: Matrix<'a, T>, sums: &'a mut Sums<T>) -> Self {
        let size = x.rows * prepared.width;
        let (residual, image) = (vec![T::ZERO; size], vec![T::ZERO; size]);
        Self { prepared, x, sums, bias: BiasRow::default(), residual, image, s: Vec::new() }
    }

    fn view<'b>(&self, rows: &'b [T]) -> View<'b, T> {
        View::rows(rows, self.x.rows, self.prepared.atoms, self.prepared.stride)
    }

    fn is_sparse(&self, rows: &[T]) -> bool {
        let nonzeros = rows.iter().filter(|z| **z != T::ZERO).count();
        (nonzeros as f64) < SPARSE_BELOW * (self.x.rows * self.prepared.atoms) as f64
    }

    /// `residual = D z − x`, for z = 0 where there is none.
    #[inline(always)]
    fn residuals<S: Simd>(&mut self, simd: S, z: Option<&[T]>) {
        for (index, r) in self.residual.chunks_exact_mut(self.prepared.width).enumerate() {
            r.iter_mut().zip(self.x.row(index)).for_each(|(r, x)| *r = -*x);
        }
        if let Some(z) = z {
            let mut residual = std::mem::take(&mut self.residual);
            self.add_image(simd, z, &mut residual);
            self.residual = residual;
        }
    }

    /// `out += D z` for every row.
    #[inline(always)]
    fn add_image<S: Simd>(&self, simd: S, z: &[T], out: &mut [T]) {
        let Prepared { width, stride, .. } = *self.prepared;
        if !self.is_sparse(z) {
            let atoms = self.prepared.transposed_view();
            multiply(out, width, T::ONE, T::ONE, self.view(z), atoms);
            return;
        }
        for (z, out) in z.chunks_exact(stride).zip(out.chunks_exact_mut(width)) {
            for (atom, code) in z.iter().enumerate().filter(|(_, code)| **code != T::ZERO) {
                vectors::add_scaled(simd, out, *code, self.prepared.atom(atom));
            }
        }
    }

    /// Adds `−α Σ weight ⊗ rows` to the gradient of Dᵀ.
    #[inline(always)]
    fn add_gradient<S: Simd>(&mut self, simd: S, weights: &[T], of_image: bool) {
        let Prepared { width, stride, features, .. } = *self.prepared;
        let step = self.prepared.unroll.step;
        let rows = if of_image { &self.image } else { &self.residual };
        if !self.is_sparse(weights) {
            let rows = View::rows(rows, self.x.rows, features, width);
            let weights = self.view(weights).transposed();
            multiply(&mut self.sums.atoms, width, T::ONE, -step, weights, rows);
            return;
        }
        for (weights, row) in weights.chunks_exact(stride).zip(rows.chunks_exact(width)) {
            for (atom, weight) in weights.iter().enumerate().filter(|(_, w)| **w != T::ZERO) {
                let gradient = &mut self.sums.atoms[atom * width..(atom + 1) * width];
                vectors::add_scaled(simd, gradient, -(step * *weight), row);
            }
        }
    }
}

impl<T: Number> Iteration<T> for Residual<'_, T> {
    #[inline(always)]
    fn step<S: Simd>(&mut self, simd: S, t: usize, z: Option<&[T]>, next: &mut [T]) -> usize {
        let prepared = self.prepared;
        let Prepared { width, stride, features, .. } = *prepared;
        self.residuals(simd, z);
        match z {
            Some(z) => next.copy_from_slice(z),
            None => next.fill(T::ZERO),
        }
        let residual = View::rows(&self.residual, self.x.rows, features, width);
        let dictionary = prepared.transposed_view().transposed();
        multiply(next, stride, T::ONE, -prepared.unroll.step, residual, dictionary);
        prepared.shrink(simd, &mut self.bias, t, next)
    }

    #[inline(always)]
    fn adjoint<S: Simd>(
        &mut self,
        simd: S,
        [before, last]: [&[T]; 2],
        q: &mut [T],
        from_zero: bool,
    ) {
        let prepared = self.prepared;
        let Prepared { width, stride, features, .. } = *prepared;
        let step = prepared.unroll.step;
        let size = q.len();
        let mut s = std::mem::take(&mut self.s);
        s.clear();
        s.resize(size, T::ZERO);
        for k in (0..before.len() / size).rev() {
            let next = before.get((k + 1) * size..(k + 2) * size).unwrap_or(last);
            vectors::mask(simd, &mut s, next, q);
            for row in 0..self.x.rows {
                let range = row * stride..(row + 1) * stride;
                self.sums.add_adjoint(simd, prepared, row, &s[range.clone()], &next[range]);
            }
            self.sums.flush_bias();
            let z = (k > 0 || !from_zero).then_some(&before[k * size..(k + 1) * size]);
            self.residuals(simd, z);
            let mut image = std::mem::take(&mut self.image);
            image.fill(T::ZERO);
            self.add_image(simd, &s, &mut image);
            self.image = image;
            self.sums.step -= vectors::dot(simd, &self.image, &self.residual).to_f64();
            self.add_gradient(simd, &s, false);
            let Some(z) = z else {
                q.fill(T::ZERO);
                continue;
            };
            self.add_gradient(simd, z, true);
            if self.is_sparse(z) {
                // Only dL/dz_t where z_t ≠ 0 is ever used.
                let rows = q.chunks_exact_mut(stride).zip(z.chunks_exact(stride));
                let images = self.image.chunks_exact(width);
                for (((q, z), s), image) in rows.zip(s.chunks_exact(stride)).zip(images) {
                    for (atom, q) in q.iter_mut().enumerate() {
                        *q = match z[atom] == T::ZERO {
                            true => T::ZERO,
                            false => {
                                s[atom] - step * vectors::dot(simd, prepared.atom(atom), image)
                            }
                        };
                    }
                }
            } else {
                q.copy_from_slice(&s);
                let image = View::rows(&self.image, self.x.rows, features, width);
                let dictionary = prepared.transposed_view().transposed();
                multiply(q, stride, T::ONE, -step, image, dictionary);
            }
        }
        self.s = s;
    }
}
