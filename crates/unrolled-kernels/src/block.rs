//! One block of examples: all iterations, and their adjoint, on one thread.

use pulp::Simd;

use crate::decoder::{Losses, by_codes, residuals};
use crate::form::Form;
use crate::gram::{Adjoint, Dense, Merge, Panels, Reached, Tail, Trace};
use crate::lockstep::Lockstep;
use crate::number::Number;
use crate::prepared::Prepared;
use crate::problem::Matrix;
use crate::products::{View, multiply};
use crate::residual::Residual;
use crate::sums::Sums;
use crate::{Derivative, Request, cost};

/// What a block adds up to.
pub(crate) struct Block<T> {
    /// z_T, `[examples, p]`.
    pub codes: Vec<T>,
    /// D z_T − x, `[examples, width]`; empty without losses.
    pub residuals: Vec<T>,
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
    block: Block<T>,
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
    let adjoint = request.derivative.is_some();
    let block = Block {
        codes: vec![T::ZERO; x.rows * prepared.atoms],
        residuals: vec![T::ZERO; if request.losses { x.rows * prepared.width } else { 0 }],
        losses: Losses::default(),
        sums: Sums::new(prepared, x.rows, adjoint, request.bias),
        examples: Vec::new(),
    };
    let mut work = Work { prepared, request, x, given, block };
    let padded = |start: Matrix<T>| pad(start.data, prepared.atoms, prepared.stride);
    match (prepared.unroll.form, start) {
        // Codes that are given, and not differentiated.
        (_, Some(start)) if prepared.unroll.iterations == 0 && !adjoint => {
            let rows: Vec<usize> = (0..x.rows).collect();
            work.finish(simd, &rows, start.data);
        }
        (Form::Gram, start) => work.gram(simd, start.map(padded)),
        (Form::Residual, start) => work.residual(simd, start.map(padded)),
    }
    if adjoint && request.examples {
        let mut examples = vec![T::ZERO; x.data.len()];
        let s = View::rows(&work.block.sums.adjoint_sums, x.rows, prepared.atoms, prepared.stride);
        let (step, atoms) = (prepared.unroll.step, prepared.dictionary().transposed());
        multiply(&mut examples, x.columns, T::ZERO, step, s, atoms);
        work.block.examples = examples;
    }
    work.block
}

/// Rows of `from` numbers as rows of `to`.
fn pad<T: Number>(rows: &[T], from: usize, to: usize) -> Vec<T> {
    let mut padded = vec![T::ZERO; rows.len() / from * to];
    let common = from.min(to);
    for (row, padded) in rows.chunks_exact(from).zip(padded.chunks_exact_mut(to)) {
        padded[..common].copy_from_slice(&row[..common]);
    }
    padded
}

impl<T: Number> Work<'_, T> {
    fn keep(&self) -> bool {
        self.request.derivative.is_some()
    }

    #[inline(always)]
    fn residual<S: Simd>(&mut self, simd: S, start: Option<Vec<T>>) {
        let prepared = self.prepared;
        let size = self.x.rows * prepared.stride;
        let span = [0, prepared.unroll.iterations];
        let keep = self.keep();
        let mut iteration = Residual::new(prepared, self.x, &mut self.block.sums);
        let lockstep = Lockstep::forward(simd, &mut iteration, size, start, span, keep, |_| true);
        let rows: Vec<usize> = (0..self.x.rows).collect();
        let mut q = self.finish_padded(simd, &rows, &lockstep.last);
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
        let keep = self.keep();
        let mut correlations = vec![T::ZERO; size];
        let examples = View::rows(x.data, x.rows, x.columns, x.columns);
        multiply(&mut correlations, stride, T::ZERO, T::ONE, examples, prepared.dictionary());
        let plain = (keep && self.request.step).then(|| correlations.clone());
        correlations.iter_mut().for_each(|c| *c = prepared.unroll.step * *c);

        // The first iterations, in which most codes are not 0.
        let rows: Vec<usize> = (0..x.rows).collect();
        let mut dense = Dense::new(prepared, &correlations, &rows, &mut self.block.sums);
        let go_on = |nonzeros| cost::dense(nonzeros, x.rows, stride, size_of::<T>());
        let early = Lockstep::forward(simd, &mut dense, size, start, [0, iterations], keep, go_on);
        let mut q = if early.to == iterations {
            self.finish_padded(simd, &rows, &early.last)
        } else {
            self.tails(simd, &correlations, &early)
        };
        if !keep {
            return;
        }
        let mut dense = Dense::new(prepared, &correlations, &rows, &mut self.block.sums);
        early.backward(simd, &mut dense, &mut q);
        if let Some(plain) = plain {
            let sums = &mut self.block.sums;
            let products = sums.adjoint_sums.iter().zip(&plain);
            sums.step += products.map(|(s, c)| s.to_f64() * c.to_f64()).sum::<f64>();
        }
    }

    /// The other iterations, one example at a time, and their adjoints. Returns dL/dz where they began.
    #[inline(always)]
    fn tails<S: Simd>(&mut self, simd: S, correlations: &[T], early: &Lockstep<T>) -> Vec<T> {
        let prepared = self.prepared;
        let Prepared { stride, atoms, .. } = *prepared;
        let iterations = prepared.unroll.iterations;
        let keep = self.keep();
        let row = |example: usize| example * stride..(example + 1) * stride;
        let mut q = vec![T::ZERO; if keep { early.last.len() } else { 0 }];
        let mut together = Vec::new();
        let mut reached = vec![early.to; self.x.rows];
        if prepared.scaled_gram().panels() > 1 {
            together = vec![Trace::default(); self.x.rows];
            for (example, trace) in together.iter_mut().enumerate() {
                trace.begin(&early.last[row(example)][..atoms], keep);
            }
            let mut panels = Panels::new(prepared, correlations);
            reached = panels.forward(simd, &mut together, early.to);
        }
        let mut together = together.into_iter();
        let (mut tail, mut merge) = (Tail::new(stride), Merge::new(atoms));
        let mut adjoint = Adjoint::new(stride);
        let mut spare = Trace::default();
        let mut crowded = Vec::new();
        let mut z = vec![T::ZERO; atoms];
        for example in 0..self.x.rows {
            let mut trace = together.next().unwrap_or_else(|| {
                let mut trace = std::mem::take(&mut spare);
                trace.begin(&early.last[row(example)][..atoms], keep);
                trace
            });
            let c = &correlations[row(example)];
            match tail.forward(simd, prepared, c, &mut trace, reached[example], cost::PATIENCE) {
                Reached::Dense => crowded.push(example),
                Reached::End => {
                    z.fill(T::ZERO);
                    for (atom, code) in trace.active.iter().zip(&trace.codes) {
                        z[*atom as usize] = *code;
                    }
                    let end = self.finish(simd, &[example], &z);
                    if keep {
                        let q = &mut q[row(example)];
                        q.copy_from_slice(&end);
                        merge.merge(prepared, &mut trace);
                        let (sums, iterations) = (&mut self.block.sums, iterations - early.to);
                        adjoint.backward(simd, prepared, &trace, iterations, example, sums, q);
                    }
                }
            }
            spare = trace;
        }
        if crowded.is_empty() {
            return q;
        }
        // Examples with too many active atoms go on together.
        let gather = |rows: &[T]| -> Vec<T> {
            crowded.iter().flat_map(|example| &rows[row(*example)]).copied().collect()
        };
        let (c, start) = (gather(correlations), gather(&early.last));
        let span = [early.to, iterations];
        let mut dense = Dense::new(prepared, &c, &crowded, &mut self.block.sums);
        let rest = Lockstep::forward(simd, &mut dense, c.len(), Some(start), span, keep, |_| true);
        let mut ends = self.finish_padded(simd, &crowded, &rest.last);
        if keep {
            let mut dense = Dense::new(prepared, &c, &crowded, &mut self.block.sums);
            rest.backward(simd, &mut dense, &mut ends);
            for (example, end) in crowded.iter().zip(ends.chunks_exact(stride)) {
                q[row(*example)].copy_from_slice(end);
            }
        }
        q
    }

    /// z_T of some examples of the block, as rows of `stride`. Returns dL/dz_T.
    #[inline(always)]
    fn finish_padded<S: Simd>(&mut self, simd: S, rows: &[usize], z: &[T]) -> Vec<T> {
        self.finish(simd, rows, &pad(z, self.prepared.stride, self.prepared.atoms))
    }

    /// z_T `[rows, p]` of some examples of the block: their codes and losses. Returns dL/dz_T, `[rows, stride]`,
    /// where there is a derivative.
    #[inline(always)]
    fn finish<S: Simd>(&mut self, simd: S, rows: &[usize], z: &[T]) -> Vec<T> {
        let (prepared, request) = (self.prepared, self.request);
        let Prepared { atoms, stride, features, width, .. } = *prepared;
        for (row, z) in rows.iter().zip(z.chunks_exact(atoms)) {
            self.block.codes[row * atoms..(row + 1) * atoms].copy_from_slice(z);
        }
        let mut r = Vec::new();
        if request.losses {
            let some: Vec<T>;
            let x = match rows.len() == self.x.rows {
                true => self.x,
                false => {
                    some = rows.iter().flat_map(|row| self.x.row(*row)).copied().collect();
                    Matrix { data: &some, rows: rows.len(), columns: features }
                }
            };
            r = residuals(simd, prepared, x, z);
            self.block.losses.add(z, &r);
            for (row, r) in rows.iter().zip(r.chunks_exact(width)) {
                self.block.residuals[row * width..(row + 1) * width].copy_from_slice(r);
            }
        }
        match request.derivative {
            None => Vec::new(),
            Some(Derivative::Loss { penalty }) => by_codes(simd, prepared, penalty, z, &r),
            Some(Derivative::Codes(_)) => {
                let given = self.given.expect("given with the request");
                let given: Vec<T> = rows.iter().flat_map(|row| given.row(*row)).copied().collect();
                pad(&given, atoms, stride)
            }
        }
    }
}
