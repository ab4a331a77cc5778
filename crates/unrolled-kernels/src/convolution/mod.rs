//! An unrolled convolutional sparse coder, `z ← prox(z − α A(w ⊙ (w ⊙ B(z) − x)))`, its decoder and its exact adjoint.
//!
//! Inside, codes are lists: for each position of the filters, which of them are not 0. Products with codes, and all of
//! the adjoint, are sums over these lists; the one dense product, of patches with all filters, is a convolution in
//! registers that reads patches where they lie. An image is cut into *bands* of rows of positions, by its size
//! alone, so that threads can share it and the result does not depend on how many do.

mod adjoint;
mod aligned;
mod analysis;
mod back;
mod band;
mod check;
mod codes;
mod forward;
mod geometry;
mod gradients;
mod lists;
mod packed;
mod passed;
mod patches;

use crate::number::Number;
use crate::problem::{Matrix, Misfit, Operator, Sided};

pub use gradients::ConvolutionalGradients;
pub use passed::Passed;

/// Filters `[p, c, h, w]`, row-major.
#[derive(Clone, Copy, Debug)]
pub struct Filters<'a, T> {
    data: &'a [T],
    shape: [usize; 4],
}

impl<'a, T: Number> Filters<'a, T> {
    /// # Errors
    /// When a dimension is 0, or `data` does not hold as many numbers as `shape` says, or that overflows.
    pub fn new(data: &'a [T], shape: [usize; 4]) -> Result<Self, Misfit> {
        let [p, c, h, w] = shape;
        for (what, count) in [
            ("the number of filters", p),
            ("the number of channels", c),
            ("the height of the filters", h),
            ("the width of the filters", w),
        ] {
            if count == 0 {
                return Err(Misfit::Empty(what));
            }
        }
        let taps = c.checked_mul(h).and_then(|rows| rows.checked_mul(w));
        let taps = taps.ok_or(Misfit::Overflow { rows: c, columns: h })?;
        Matrix::new(data, p, taps)?;
        Ok(Self { data, shape })
    }

    /// `[p, c, h, w]`.
    pub fn shape(&self) -> [usize; 4] {
        self.shape
    }
}

/// T iterations of `z ← prox(z − α A(w ⊙ (w ⊙ B(z) − x)))` from z = 0, and `x̂ = D(z)`.
///
/// A is a cross-correlation with filters, without padding; B and D are transposes of such.
#[derive(Clone, Debug)]
pub struct ConvolutionalUnroll<'a, T> {
    /// `[height, width]` of the images.
    pub image: [usize; 2],
    /// Pixels between neighbouring positions of the filters.
    pub stride: usize,
    /// A: one for all iterations, or one for each.
    pub analysis: Vec<Filters<'a, T>>,
    /// B: likewise.
    pub synthesis: Vec<Filters<'a, T>>,
    /// D.
    pub decoder: Filters<'a, T>,
    /// w, a weight for each pixel: `[1, m]`, or `[n, m]`. Examples are masked already.
    pub weights: Option<Matrix<'a, T>>,
    /// α, of the gradient step.
    pub step: T,
    /// prox.
    pub operator: Operator,
    /// Which signs codes may have.
    pub sided: Sided,
    /// b, not below 0: `[1 or T, 1 or p]`.
    pub thresholds: Matrix<'a, T>,
    /// T.
    pub iterations: usize,
}

/// The derivative of a loss by what [`ConvolutionalUnroll::forward`] computes.
#[derive(Clone, Copy, Debug)]
pub struct Cotangents<'a, T> {
    /// By x̂, `[n, m]`: goes to the gradient of D at fixed codes, and through D to the codes.
    pub images: Option<Matrix<'a, T>>,
    /// λ of a penalty λ‖z_T‖₁.
    pub penalty: T,
    /// Further derivatives by z_T, `[n, p·H'·W']`.
    pub codes: Option<Matrix<'a, T>>,
}

impl<T: Number> ConvolutionalUnroll<'_, T> {
    /// All iterations for examples `x` `[n, c·H·W]`. Keeps what the adjoint of the last `window` iterations needs; with
    /// 0, that of the decoder alone.
    ///
    /// # Errors
    /// When shapes or values do not fit.
    pub fn forward(&self, x: Matrix<T>, window: usize) -> Result<Passed<T>, Misfit> {
        T::forward(self, x, window)
    }

    /// The pull-back through the decoder and the iterations that `passed` kept, summed over examples. `passed` comes from
    /// [`Self::forward`] with the same parameters.
    ///
    /// # Errors
    /// When shapes or values do not fit.
    pub fn adjoint(
        &self,
        passed: &Passed<T>,
        of: Cotangents<T>,
    ) -> Result<ConvolutionalGradients<T>, Misfit> {
        T::adjoint(self, passed, of)
    }

    /// Of iteration `t`: which of `sets`.
    fn set(sets: &[Filters<T>], t: usize) -> usize {
        if sets.len() == 1 { 0 } else { t }
    }
}

/// What is compiled in this crate, once for each precision.
pub trait Compiled: Sized {
    #[doc(hidden)]
    fn forward(
        unroll: &ConvolutionalUnroll<Self>,
        x: Matrix<Self>,
        window: usize,
    ) -> Result<Passed<Self>, Misfit>;
    #[doc(hidden)]
    fn adjoint(
        unroll: &ConvolutionalUnroll<Self>,
        passed: &Passed<Self>,
        of: Cotangents<Self>,
    ) -> Result<ConvolutionalGradients<Self>, Misfit>;
}

macro_rules! compiled {
    ($float:ident) => {
        impl Compiled for $float {
            #[inline(never)]
            fn forward(
                unroll: &ConvolutionalUnroll<Self>,
                x: Matrix<Self>,
                window: usize,
            ) -> Result<Passed<Self>, Misfit> {
                forward::forward(unroll, x, window)
            }
            #[inline(never)]
            fn adjoint(
                unroll: &ConvolutionalUnroll<Self>,
                passed: &Passed<Self>,
                of: Cotangents<Self>,
            ) -> Result<ConvolutionalGradients<Self>, Misfit> {
                adjoint::adjoint(unroll, passed, of)
            }
        }
    };
}

compiled!(f32);
compiled!(f64);
