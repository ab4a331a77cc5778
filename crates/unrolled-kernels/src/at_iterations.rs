//! The gradients of several losses at several T, which share one forward pass.

use pulp::{Arch, Simd, WithSimd};

use crate::decoder::{Losses, by_codes, residuals};
use crate::form::Form;
use crate::gram::{Adjoint, Dense, Merge, Reached, Tail, Trace};
use crate::lockstep::{Iteration, Lockstep};
use crate::number::Number;
use crate::prepared::Prepared;
use crate::problem::{Matrix, Misfit, Unroll};
use crate::products::{View, multiply};
use crate::request::{DictionarySums, add};
use crate::sums::Sums;
use crate::{Outcome, Request, cost, ordered};

/// For every T of `at`, and for every λ of `penalties`, the gradients of `Σ ½‖D z_T − x‖² + λ ‖z_T‖₁` through
/// T iterations, T after T. `unroll.iterations` is the largest T. Outcomes have no codes; `bias` asks for the
/// gradient of the thresholds.
///
/// `None` where the forward pass cannot be shared: in residual form, and where so many iterations are dense that
/// not all iterates are kept. Then [`crate::run`] serves each T.
///
/// # Errors
/// As [`crate::run`], and when a T is beyond `unroll.iterations`.
pub fn at_iterations<T: Number>(
    unroll: &Unroll<T>,
    x: Matrix<T>,
    at: &[usize],
    penalties: &[T],
    bias: bool,
) -> Result<Option<Vec<Outcome<T>>>, Misfit> {
    T::at_iterations(unroll, x, at, penalties, bias)
}

pub(crate) fn at_iterations_in<T: Number>(
    unroll: &Unroll<T>,
    x: Matrix<T>,
    at: &[usize],
    penalties: &[T],
    bias: bool,
) -> Result<Option<Vec<Outcome<T>>>, Misfit> {
    unroll.check(&x, None)?;
    if let Some(beyond) = at.iter().find(|t| **t > unroll.iterations) {
        let (what, expected) = ("the largest number of iterations", unroll.iterations);
        return Err(Misfit::Shape { what, expected, found: *beyond });
    }
    if unroll.form != Form::Gram {
        return Ok(None);
    }
    let prepared = Prepared::new(unroll);
    let size = cost::block(x.rows);
    let mut total = Some(vec![Outcome::<T>::default(); at.len() * penalties.len()]);
    let arch = Arch::new();
    let range = |index: usize| index * size..((index + 1) * size).min(x.rows);
    ordered::in_order(
        x.rows.div_ceil(size),
        |index| {
            let x = x.some(range(index));
            arch.dispatch(OneBlock { prepared: &prepared, x, at, penalties, bias })
        },
        |_, block: Option<Vec<Outcome<T>>>| match (&mut total, block) {
            (Some(total), Some(block)) => {
                for (total, outcome) in total.iter_mut().zip(block) {
                    total.reconstruction += outcome.reconstruction;
                    total.sparsity += outcome.sparsity;
                    add(&mut total.dictionary, outcome.dictionary);
                    add(&mut total.bias, outcome.bias);
                }
            }
            _ => total = None,
        },
    );
    Ok(total)
}

/// A block of examples, compiled for the registers of the machine.
struct OneBlock<'a, T> {
    prepared: &'a Prepared<'a, T>,
    x: Matrix<'a, T>,
    at: &'a [usize],
    penalties: &'a [T],
    bias: bool,
}

impl<T: Number> WithSimd for OneBlock<'_, T> {
    type Output = Option<Vec<Outcome<T>>>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        self.outcomes(simd)
    }
}

impl<T: Number> OneBlock<'_, T> {
    #[inline(always)]
    fn outcomes<S: Simd>(&self, simd: S) -> Option<Vec<Outcome<T>>> {
        let Self { prepared, x, .. } = *self;
        let Prepared { stride, atoms, .. } = *prepared;
        let size = x.rows * stride;
        let row = |example: usize| example * stride..(example + 1) * stride;
        let iterations = prepared.unroll.iterations;
        let mut correlations = vec![T::ZERO; size];
        let examples = View::rows(x.data, x.rows, x.columns, x.columns);
        let step = prepared.unroll.step;
        multiply(&mut correlations, stride, T::ZERO, step, examples, prepared.dictionary());

        let rows: Vec<usize> = (0..x.rows).collect();
        let mut sums = Sums::new(prepared, x.rows, true, self.bias);
        let mut dense = Dense::new(prepared, &correlations, &rows, &mut sums);
        let go_on = |nonzeros| cost::dense(nonzeros, x.rows, stride, size_of::<T>());
        let early = Lockstep::forward(simd, &mut dense, size, None, [0, iterations], true, go_on);
        let before = early.iterates()?;
        let mut tail = Tail::new(stride);
        let mut merge = Merge::new(atoms);
        let mut traces = Vec::with_capacity(x.rows);
        for example in 0..x.rows {
            let mut trace = Trace::default();
            trace.begin(&early.last[row(example)][..atoms], true);
            let c = &correlations[row(example)];
            let reached = tail.forward(simd, prepared, c, &mut trace, early.to, usize::MAX);
            assert_eq!(reached, Reached::End);
            merge.merge(prepared, &mut trace);
            traces.push(trace);
        }

        let mut adjoint = Adjoint::new(stride);
        let mut outcomes = Vec::with_capacity(self.at.len() * self.penalties.len());
        for &t in self.at {
            let beyond = t.saturating_sub(early.to);
            let dense_iterations = t.min(early.to);
            let last = match dense_iterations == early.to {
                true => &early.last,
                false => &before[dense_iterations * size..(dense_iterations + 1) * size],
            };
            let mut codes = vec![T::ZERO; x.rows * atoms];
            for (example, codes) in codes.chunks_exact_mut(atoms).enumerate() {
                match t > early.to {
                    true => traces[example].codes_at(beyond, codes),
                    false => codes.copy_from_slice(&last[row(example)][..atoms]),
                }
            }
            let residuals = residuals(simd, prepared, x, &codes);
            for &penalty in self.penalties {
                let mut losses = Losses::default();
                losses.add(&codes, &residuals);
                let mut q = by_codes(simd, prepared, penalty, &codes, &residuals);
                sums.clear();
                for (example, trace) in traces.iter().enumerate().filter(|_| beyond > 0) {
                    let q = &mut q[row(example)];
                    adjoint.backward(simd, prepared, trace, beyond, example, &mut sums, q);
                }
                if dense_iterations > 0 {
                    let before = &before[..dense_iterations * size];
                    let mut dense = Dense::new(prepared, &correlations, &rows, &mut sums);
                    dense.adjoint(simd, [before, last], &mut q, true);
                }
                let mut outcome = Outcome {
                    reconstruction: losses.reconstruction,
                    sparsity: losses.sparsity,
                    bias: sums.bias.iter().take(atoms).copied().collect(),
                    ..Outcome::default()
                };
                let mut dictionary_sums = DictionarySums {
                    residuals: &residuals,
                    adjoint_sums: &sums.adjoint_sums,
                    scaled_gram: &mut sums.scaled_gram,
                    atoms: &[],
                };
                dictionary_sums.gradient(
                    prepared,
                    &Request::loss(penalty),
                    x,
                    &codes,
                    &mut outcome,
                );
                outcomes.push(outcome);
            }
        }
        Some(outcomes)
    }
}
