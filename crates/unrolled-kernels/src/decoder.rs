//! The decoder: residual, losses and what follows from them at z_T.

use pulp::Simd;

use crate::number::Number;
use crate::prepared::Prepared;
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

/// Room for one example's residual.
pub(crate) struct Decoder<T> {
    residual: Vec<T>,
}

impl<T: Number> Decoder<T> {
    pub fn new(prepared: &Prepared<T>) -> Self {
        Self { residual: vec![T::ZERO; prepared.width] }
    }

    /// Computes the residual D z − x of an example whose `active` atoms have these `codes`, adds its losses,
    /// and the direct part of the gradient of Dᵀ, `[p, width]`.
    #[expect(clippy::too_many_arguments, reason = "called from one place, with what a block holds")]
    #[inline(always)]
    pub fn decode<S: Simd>(
        &mut self,
        simd: S,
        prepared: &Prepared<T>,
        x: &[T],
        active: &[u32],
        codes: &[T],
        direct: Direct,
        gradient: &mut [T],
        losses: &mut Losses,
    ) {
        let width = prepared.width;
        for (r, x) in self.residual.iter_mut().zip(x) {
            *r = -*x;
        }
        for (atom, code) in active.iter().zip(codes) {
            vectors::add_scaled(simd, &mut self.residual, *code, prepared.atom(*atom as usize));
        }
        losses.reconstruction +=
            0.5 * self.residual.iter().map(|r| r.to_f64() * r.to_f64()).sum::<f64>();
        losses.sparsity += codes.iter().map(|z| z.to_f64().abs()).sum::<f64>();
        if direct == Direct::None {
            return;
        }
        for (atom, code) in active.iter().zip(codes) {
            let weight = match (direct, *code < T::ZERO) {
                (Direct::Signs, false) => T::ONE,
                (Direct::Signs, true) => -T::ONE,
                _ => *code,
            };
            let row = &mut gradient[*atom as usize * width..(*atom as usize + 1) * width];
            vectors::add_scaled(simd, row, weight, &self.residual);
        }
    }

    /// The derivative of `½‖D z − x‖² + λ‖z‖₁` by the codes of the active atoms, for the residual just
    /// computed.
    #[inline(always)]
    pub fn adjoint<S: Simd>(
        &self,
        simd: S,
        prepared: &Prepared<T>,
        penalty: T,
        active: &[u32],
        codes: &[T],
        out: &mut Vec<T>,
    ) {
        out.clear();
        for (atom, code) in active.iter().zip(codes) {
            let sign = if *code < T::ZERO { -penalty } else { penalty };
            out.push(vectors::dot(simd, prepared.atom(*atom as usize), &self.residual) + sign);
        }
    }
}
