//! Dense iterations in Gram form.

use pulp::Simd;

use crate::lockstep::Iteration;
use crate::number::Number;
use crate::prepared::{BiasRow, Prepared};
use crate::products::{View, multiply};
use crate::sums::Sums;
use crate::{cost, vectors};

/// All examples of a block, or some, by products with N.
pub(crate) struct Dense<'a, T> {
    prepared: &'a Prepared<'a, T>,
    /// α Dᵀx, `[examples, stride]`.
    correlations: &'a [T],
    /// Which examples of the block these are.
    rows: &'a [usize],
    sums: &'a mut Sums<T>,
    bias: BiasRow<T>,
    workspace: Vec<T>,
}

impl<'a, T: Number> Dense<'a, T> {
    pub fn new(
        prepared: &'a Prepared<'a, T>,
        correlations: &'a [T],
        rows: &'a [usize],
        sums: &'a mut Sums<T>,
    ) -> Self {
        let (bias, workspace) = (BiasRow::default(), Vec::new());
        Self { prepared, correlations, rows, sums, bias, workspace }
    }
}

impl<T: Number> Iteration<T> for Dense<'_, T> {
    #[inline(always)]
    fn step<S: Simd>(&mut self, simd: S, t: usize, z: Option<&[T]>, next: &mut [T]) -> usize {
        let prepared = self.prepared;
        let stride = prepared.stride;
        next.copy_from_slice(self.correlations);
        if let Some(z) = z {
            vectors::add_scaled(simd, next, T::ONE, z);
            let z = View::rows(z, self.rows.len(), prepared.atoms, stride);
            prepared.scaled_gram().multiply(next, z);
        }
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
        let stride = prepared.stride;
        let examples = self.rows.len();
        let size = examples * stride;
        let steps = before.len() / size;
        let group = cost::GATHERED_ROWS.div_ceil(examples).min(steps);
        self.workspace.clear();
        self.workspace.resize(group * size, T::ZERO);
        let mut beyond = steps;
        while beyond > 0 {
            let begin = beyond.saturating_sub(group);
            for k in (begin..beyond).rev() {
                let s = &mut self.workspace[(k - begin) * size..(k - begin + 1) * size];
                let next = before.get((k + 1) * size..(k + 2) * size).unwrap_or(last);
                for (index, row) in self.rows.iter().enumerate() {
                    let range = index * stride..(index + 1) * stride;
                    let s = &mut s[range.clone()];
                    vectors::mask(simd, s, &next[range.clone()], &q[range.clone()]);
                    self.sums.add_adjoint(simd, prepared, *row, s, &next[range]);
                }
                self.sums.flush_bias();
                if k == 0 && from_zero {
                    q.fill(T::ZERO);
                } else {
                    let s = &self.workspace[(k - begin) * size..(k - begin + 1) * size];
                    q.copy_from_slice(s);
                    let s = View::rows(s, examples, prepared.atoms, stride);
                    prepared.scaled_gram().multiply(q, s);
                }
            }
            // z₀ = 0 adds nothing.
            let skip = usize::from(begin == 0 && from_zero);
            let count = (beyond - begin - skip) * examples;
            if count > 0 {
                let z = &before[(begin + skip) * size..beyond * size];
                let z = View::rows(z, count, prepared.atoms, stride).transposed();
                let s = &self.workspace[skip * size..(beyond - begin) * size];
                let s = View::rows(s, count, stride, stride);
                multiply(&mut self.sums.scaled_gram, stride, T::ONE, T::ONE, z, s);
            }
            beyond = begin;
        }
    }
}
