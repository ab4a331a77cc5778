//! The decoder: residuals, losses and what follows from them at z_T.

use pulp::Simd;

use crate::number::{Number, sum};
use crate::prepared::Prepared;
use crate::problem::Matrix;
use crate::vectors;

/// How the gradient of D depends on D itself, beside through the codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direct {
    /// Not at all.
    None,
    /// `(D z − x) zᵀ`: that of the losses.
    Codes,
    /// `(D z − x) sign(z)ᵀ`.
    Signs,
}

/// Sums of the losses over examples.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Losses {
    /// Σ ½ ‖D z − x‖².
    pub reconstruction: f64,
    /// Σ ‖z‖₁.
    pub sparsity: f64,
}

impl Losses {
    /// Of codes `[n, p]` with these residuals `[n, width]`.
    #[inline(always)]
    pub fn add<T: Number>(&mut self, codes: &[T], residuals: &[T]) {
        self.reconstruction += 0.5 * sum(residuals, |r| r * r);
        self.sparsity += sum(codes, f64::abs);
    }
}

/// `D z − x`, `[n, width]`, for examples `x` `[n, m]` and codes `[n, p]`.
#[inline(always)]
pub(crate) fn residuals<S: Simd, T: Number>(
    simd: S,
    prepared: &Prepared<T>,
    x: Matrix<T>,
    codes: &[T],
) -> Vec<T> {
    let Prepared { atoms, width, features, .. } = *prepared;
    let mut residuals = vec![T::ZERO; x.rows * width];
    for (r, x) in residuals.chunks_exact_mut(width).zip(x.data.chunks_exact(features)) {
        r.iter_mut().zip(x).for_each(|(r, x)| *r = -*x);
    }
    for (r, codes) in residuals.chunks_exact_mut(width).zip(codes.chunks_exact(atoms)) {
        for (atom, code) in codes.iter().enumerate().filter(|(_, code)| **code != T::ZERO) {
            vectors::add_scaled(simd, r, *code, prepared.atom(atom));
        }
    }
    residuals
}

/// The derivative of `½‖D z − x‖² + λ‖z‖₁` by the codes, `[n, stride]`, where these are not 0.
#[inline(always)]
pub(crate) fn by_codes<S: Simd, T: Number>(
    simd: S,
    prepared: &Prepared<T>,
    penalty: T,
    codes: &[T],
    residuals: &[T],
) -> Vec<T> {
    let Prepared { atoms, stride, width, .. } = *prepared;
    let mut q = vec![T::ZERO; residuals.len() / width * stride];
    let rows = q.chunks_exact_mut(stride).zip(residuals.chunks_exact(width));
    for ((q, r), codes) in rows.zip(codes.chunks_exact(atoms)) {
        for (atom, code) in codes.iter().enumerate().filter(|(_, code)| **code != T::ZERO) {
            let sign = if *code < T::ZERO { -penalty } else { penalty };
            q[atom] = vectors::dot(simd, prepared.atom(atom), r) + sign;
        }
    }
    q
}
