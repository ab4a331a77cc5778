//! What the examples of a block add up to.

use pulp::Simd;

use crate::form::Form;
use crate::number::Number;
use crate::prepared::Prepared;
use crate::problem::{Operator, Sided};
use crate::vectors;

/// Sums over the examples of a block, and over their iterations.
pub(crate) struct Sums<T> {
    /// Σ s over the iterations, for every example of the block, `[examples, stride]`.
    pub adjoint_sums: Vec<T>,
    /// Σ z ⊗ s, `[p, stride]`: the gradient of N; empty in residual form.
    pub scaled_gram: Vec<T>,
    /// The gradient of Dᵀ through the iterations, `[p, width]`; empty in Gram form.
    pub atoms: Vec<T>,
    /// The gradient of α but for what follows from `scaled_gram`.
    pub step: f64,
    /// The gradient of the thresholds, `[stride]`; empty when nobody asks.
    pub bias: Vec<f64>,
    /// The same over a few examples, in the precision of the iterations.
    small_bias: Vec<T>,
}

impl<T: Number> Sums<T> {
    /// Empty but for an adjoint.
    pub fn new(prepared: &Prepared<T>, examples: usize, adjoint: bool, with_bias: bool) -> Self {
        let stride = prepared.stride;
        let with_bias = adjoint && with_bias && prepared.unroll.operator == Operator::Soft;
        let bias = if with_bias { stride } else { 0 };
        let in_residual_form = prepared.unroll.form == Form::Residual;
        let zeros = |count| vec![T::ZERO; if adjoint { count } else { 0 }];
        Self {
            adjoint_sums: zeros(examples * stride),
            scaled_gram: zeros(if in_residual_form { 0 } else { prepared.atoms * stride }),
            atoms: zeros(if in_residual_form { prepared.transposed.len() } else { 0 }),
            step: 0.0,
            bias: vec![0.0; bias],
            small_bias: vec![T::ZERO; bias],
        }
    }

    /// Begins anew.
    pub fn clear(&mut self) {
        for numbers in [&mut self.adjoint_sums, &mut self.scaled_gram, &mut self.atoms] {
            numbers.fill(T::ZERO);
        }
        self.bias.fill(0.0);
        self.step = 0.0;
    }

    /// Adds s of one iteration of example `row`, where `next` is the iterate it belongs to.
    #[inline(always)]
    pub fn add_adjoint<S: Simd>(
        &mut self,
        simd: S,
        prepared: &Prepared<T>,
        row: usize,
        s: &[T],
        next: &[T],
    ) {
        let stride = prepared.stride;
        let sum = &mut self.adjoint_sums[row * stride..(row + 1) * stride];
        vectors::add_scaled(simd, sum, T::ONE, s);
        if !self.bias.is_empty() {
            subtract_signed(simd, prepared.unroll.sided, &mut self.small_bias, s, next);
        }
    }

    /// Moves the few to the many.
    #[inline(always)]
    pub fn flush_bias(&mut self) {
        for (sum, few) in self.bias.iter_mut().zip(&mut self.small_bias) {
            *sum += few.to_f64();
            *few = T::ZERO;
        }
    }
}

/// `out −= s sign(next)`, or `s` where codes have one sign: dL/db of `prox(v; b)`. s is 0 where next is.
#[inline(always)]
pub(crate) fn subtract_signed<S: Simd, T: Number>(
    simd: S,
    sided: Sided,
    out: &mut [T],
    s: &[T],
    next: &[T],
) {
    match sided {
        Sided::One => vectors::add_scaled(simd, out, -T::ONE, s),
        Sided::Two => {
            let one = T::splat(simd, T::ONE);
            let lanes = T::lanes_mut::<S>(out).iter_mut().zip(T::lanes::<S>(s));
            for ((out, s), next) in lanes.zip(T::lanes::<S>(next)) {
                let minus_sign =
                    T::minus(simd, T::splat(simd, T::ZERO), T::with_sign(simd, one, *next));
                *out = T::fma(simd, *s, minus_sign, *out);
            }
        }
    }
}
