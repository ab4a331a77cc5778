//! One block of examples: all iterations, and their adjoint, on one thread.

use pulp::Simd;

use crate::decoder::{Decoder, Direct, Losses};
use crate::gram::{Adjoint, Dense, Reached, Tail};
use crate::lockstep::Lockstep;
use crate::look::keep_nonzero;
use crate::number::Number;
use crate::prepared::Prepared;
use crate::problem::{Form, Matrix};
use crate::products::{View, multiply};
use crate::residual::Residual;
use crate::sums::Sums;
use crate::{Derivative, Request, cost};

/// What a block adds up to.
pub(crate) struct Block<T> {
    /// z_T, `[examples, p]`.
    pub codes: Vec<T>,
    pub losses: Losses,
    pub sums: Sums<T>,
    /// The gradient of the examples, `[examples, m]`; empty when nobody asks.
    pub examples: Vec<T>,
}

/// Everything a block works with.
struct Work<'a, T> {
    prepared: &'a Prepared<'a, T>,
    request: &'a Request<'a, T>,
    x: Matrix<'a, T>,
    /// dL/dz_T, where it is given.
    given: Option<Matrix<'a, T>>,
    decoder: Decoder<T>,
    block: Block<T>,
    /// dL/dz_T at the active atoms of one example.
    q: Vec<T>,
}

/// Carries the examples `x` through all iterations and back.
#[inline(always)]
pub(crate) fn block<S: Simd, T: Number>(
    simd: S,
    prepared: &Prepared<T>,
    request: &Request<T>,
    x: Matrix<T>,
    start: Option<Matrix<T>>,
    given: Option<Matrix<T>>,
) -> Block<T> {
    let with_adjoint = request.derivative.is_some();
    let with_atoms = with_adjoint || request.direct != Direct::None;
    let block = Block {
        codes: vec![T::ZERO; x.rows * prepared.atoms],
        losses: Losses::default(),
        sums: Sums::new(prepared, x.rows, with_adjoint && request.bias, with_atoms),
        examples: Vec::new(),
    };
    let decoder = Decoder::new(prepared);
    let mut work = Work { prepared, request, x, given, decoder, block, q: Vec::new() };
    let start = start.map(|start| {
        let mut rows = vec![T::ZERO; x.rows * prepared.stride];
        for (index, row) in rows.chunks_exact_mut(prepared.stride).enumerate() {
            row[..prepared.atoms].copy_from_slice(start.row(index));
        }
        rows
    });
    match prepared.unroll.form {
        Form::Gram => work.gram(simd, start),
        Form::Residual => work.residual(simd, start),
    }
    if with_adjoint && request.examples {
        let mut examples = vec![T::ZERO; x.rows * x.columns];
        let s = View::rows(&work.block.sums.shrinkage, x.rows, prepared.atoms, prepared.stride);
        let (step, atoms) = (prepared.unroll.step, prepared.transposed_view());
        multiply(&mut examples, x.columns, T::ZERO, step, s, atoms);
        work.block.examples = examples;
    }
    work.block
}

impl<T: Number> Work<'_, T> {
    #[inline(always)]
    fn residual<S: Simd>(&mut self, simd: S, start: Option<Vec<T>>) {
        let prepared = self.prepared;
        let size = self.x.rows * prepared.stride;
        let span = [0, prepared.unroll.iterations];
        let keep = self.request.derivative.is_some();
        let mut iteration = Residual::new(prepared, self.x, &mut self.block.sums);
        let lockstep = Lockstep::forward(simd, &mut iteration, size, start, span, keep, |_| true);
        let rows: Vec<usize> = (0..self.x.rows).collect();
        let mut q = self.finish_rows(simd, &lockstep.last, &rows);
        if keep {
            let mut iteration = Residual::new(prepared, self.x, &mut self.block.sums);
            lockstep.backward(simd, &mut iteration, &mut q);
        }
    }

    #[inline(always)]
    fn gram<S: Simd>(&mut self, simd: S, start: Option<Vec<T>>) {
        let (prepared, x) = (self.prepared, self.x);
        let (stride, iterations) = (prepared.stride, prepared.unroll.iterations);
        let size = x.rows * stride;
        let keep = self.request.derivative.is_some();
        let mut correlations = vec![T::ZERO; size];
        let examples = View::rows(x.data, x.rows, x.columns, x.columns);
        let dictionary = prepared.transposed_view().transposed();
        multiply(&mut correlations, stride, T::ZERO, T::ONE, examples, dictionary);
        let plain = (keep && self.request.step).then(|| correlations.clone());
        correlations.iter_mut().for_each(|c| *c = prepared.unroll.step * *c);

        // The first iterations, in which most codes are not 0.
        let rows: Vec<usize> = (0..x.rows).collect();
        let mut dense = Dense::new(prepared, &correlations, &rows, &mut self.block.sums);
        let go_on = |nonzeros| cost::dense(nonzeros, x.rows, stride, size_of::<T>());
        let early = Lockstep::forward(simd, &mut dense, size, start, [0, iterations], keep, go_on);
        let mut q = if early.to == iterations {
            self.finish_rows(simd, &early.last, &rows)
        } else {
            self.tails(simd, &correlations, &early)
        };
        if !keep {
            return;
        }
        let mut dense = Dense::new(prepared, &correlations, &rows, &mut self.block.sums);
        early.backward(simd, &mut dense, &mut q);
        let sums = &mut self.block.sums;
        let s = View::rows(&sums.shrinkage, x.rows, prepared.atoms, stride);
        let step = prepared.unroll.step;
        multiply(&mut sums.atoms, prepared.width, T::ONE, step, s.transposed(), examples);
        if let Some(plain) = plain {
            let products = sums.shrinkage.iter().zip(&plain);
            sums.step += products.map(|(s, c)| s.to_f64() * c.to_f64()).sum::<f64>();
        }
    }

    /// The other iterations, one example at a time, and their adjoints. Returns dL/dz where they began.
    #[inline(always)]
    fn tails<S: Simd>(&mut self, simd: S, correlations: &[T], early: &Lockstep<T>) -> Vec<T> {
        let prepared = self.prepared;
        let stride = prepared.stride;
        let keep = self.request.derivative.is_some();
        let mut q = vec![T::ZERO; if keep { early.last.len() } else { 0 }];
        let mut tail = Tail::new(stride);
        let mut adjoint = Adjoint::new(stride);
        let mut crowded = Vec::new();
        for example in 0..self.x.rows {
            let range = example * stride..(example + 1) * stride;
            let (c, z) = (&correlations[range.clone()], &early.last[range.clone()]);
            match tail.forward(simd, prepared, c, z, early.to) {
                Reached::Dense => crowded.push(example),
                Reached::End => {
                    self.finish(simd, example, &tail.active, &tail.codes);
                    if keep {
                        let (from, q) = (&self.q, &mut q[range]);
                        let sums = &mut self.block.sums;
                        adjoint.backward(simd, prepared, &tail, from, example, sums, q);
                    }
                }
            }
        }
        if crowded.is_empty() {
            return q;
        }
        // Examples with too many active atoms go on together.
        let gather = |rows: &[T]| -> Vec<T> {
            let row = |example: &usize| &rows[example * stride..(example + 1) * stride];
            crowded.iter().flat_map(row).copied().collect()
        };
        let (c, start) = (gather(correlations), gather(&early.last));
        let span = [early.to, prepared.unroll.iterations];
        let mut dense = Dense::new(prepared, &c, &crowded, &mut self.block.sums);
        let rest = Lockstep::forward(simd, &mut dense, c.len(), Some(start), span, keep, |_| true);
        let mut ends = self.finish_rows(simd, &rest.last, &crowded);
        if keep {
            let mut dense = Dense::new(prepared, &c, &crowded, &mut self.block.sums);
            rest.backward(simd, &mut dense, &mut ends);
            for (example, row) in crowded.iter().zip(ends.chunks_exact(stride)) {
                q[example * stride..(example + 1) * stride].copy_from_slice(row);
            }
        }
        q
    }

    /// z_T of some examples of the block, as rows. Returns dL/dz_T.
    #[inline(always)]
    fn finish_rows<S: Simd>(&mut self, simd: S, z: &[T], rows: &[usize]) -> Vec<T> {
        let stride = self.prepared.stride;
        let keep = self.request.derivative.is_some();
        let mut q = vec![T::ZERO; if keep { z.len() } else { 0 }];
        let (mut active, mut codes) = (Vec::new(), Vec::new());
        for (index, (example, z)) in rows.iter().zip(z.chunks_exact(stride)).enumerate() {
            let z = z[..self.prepared.atoms].iter().copied();
            keep_nonzero((0..self.prepared.atoms as u32).zip(z), &mut active, &mut codes);
            self.finish(simd, *example, &active, &codes);
            for (atom, value) in active.iter().zip(&self.q).filter(|_| keep) {
                q[index * stride + *atom as usize] = *value;
            }
        }
        q
    }

    /// z_T of one example: its codes, losses, and dL/dz_T at the active atoms.
    #[inline(always)]
    fn finish<S: Simd>(&mut self, simd: S, example: usize, active: &[u32], codes: &[T]) {
        let (prepared, request) = (self.prepared, self.request);
        let out = &mut self.block.codes[example * prepared.atoms..(example + 1) * prepared.atoms];
        for (atom, code) in active.iter().zip(codes) {
            out[*atom as usize] = *code;
        }
        if request.losses {
            let (x, gradient) = (self.x.row(example), &mut self.block.sums.atoms);
            let losses = &mut self.block.losses;
            let direct = request.direct;
            self.decoder.decode(simd, prepared, x, active, codes, direct, gradient, losses);
        }
        match request.derivative {
            None => {}
            Some(Derivative::Loss { penalty }) => {
                self.decoder.adjoint(simd, prepared, penalty, active, codes, &mut self.q);
            }
            Some(Derivative::Codes(_)) => {
                let given = self.given.expect("given with the request").row(example);
                self.q.clear();
                self.q.extend(active.iter().map(|atom| given[*atom as usize]));
            }
        }
    }
}
