//! The adjoint of the iterations of one example whose code is sparse.

use pulp::Simd;

use super::trace::{Segment, Trace};
use crate::number::Number;
use crate::prepared::Prepared;
use crate::sums::{Sums, subtract_signed};
use crate::{cost, vectors};

/// Room to work in.
pub(crate) struct Adjoint<T> {
    /// dL/dz of the current iterate, over the atoms of its segment.
    q: Vec<T>,
    /// s of the iterations within a working set, one row each.
    s: Vec<T>,
    /// Their sum.
    sum: Vec<T>,
    /// The gradient of a threshold over a working set.
    bias: Vec<T>,
    /// Σ z ⊗ s over a working set.
    products: Vec<T>,
    /// s of a full iteration, where it is not 0.
    atoms: Vec<u32>,
    values: Vec<T>,
    /// The same as a row `[stride]`; zero but while in use.
    row: Vec<T>,
    /// N at one atom and those.
    entries: Vec<T>,
    /// s + N s, `[stride]`.
    image: Vec<T>,
    /// Active atoms of the iterate before it.
    active: Vec<u32>,
    codes: Vec<T>,
    places: Vec<u32>,
}

impl<T: Number> Adjoint<T> {
    pub fn new(stride: usize) -> Self {
        Self {
            q: Vec::new(),
            s: Vec::new(),
            sum: Vec::new(),
            bias: Vec::new(),
            products: Vec::new(),
            atoms: Vec::new(),
            values: Vec::new(),
            row: vec![T::ZERO; stride],
            entries: Vec::new(),
            image: Vec::new(),
            active: Vec::new(),
            codes: Vec::new(),
            places: Vec::new(),
        }
    }

    /// From `q` = dL/dz of the iterate `iterations` after the start of the trace to dL/dz of the start, at the
    /// atoms that are active there, `[stride]`. Adds what the iterations contribute to `sums`.
    #[expect(clippy::too_many_arguments, reason = "called from one place, with what a block holds")]
    #[inline(always)]
    pub fn backward<S: Simd>(
        &mut self,
        simd: S,
        prepared: &Prepared<T>,
        trace: &Trace<T>,
        iterations: usize,
        example: usize,
        sums: &mut Sums<T>,
        q: &mut [T],
    ) {
        let (index, last) = trace.until(iterations);
        self.q.clear();
        self.q.extend(trace.atoms(&last).iter().map(|atom| q[*atom as usize]));
        self.q.resize(last.width, T::ZERO);
        self.within(simd, prepared, trace, &last, example, sums);
        let mut next = &last;
        for segment in trace.segments[..index].iter().rev() {
            self.shrink(prepared, trace, next, example, sums);
            self.active_of(trace, segment);
            self.full(simd, prepared, sums);
            self.place(segment);
            self.within(simd, prepared, trace, segment, example, sums);
            next = segment;
        }
        q.fill(T::ZERO);
        for (atom, value) in trace.atoms(next).iter().zip(&self.q) {
            q[*atom as usize] = *value;
        }
    }

    /// The active atoms of the last iterate of a segment, their codes, and their places in it.
    #[inline(always)]
    fn active_of(&mut self, trace: &Trace<T>, segment: &Segment) {
        self.active.clear();
        self.codes.clear();
        self.places.clear();
        let atoms = trace.atoms(segment);
        let last = trace.iterate(segment, segment.count - 1);
        for (place, (atom, code)) in atoms.iter().zip(last).enumerate() {
            if *code != T::ZERO {
                self.active.push(*atom);
                self.codes.push(*code);
                self.places.push(place as u32);
            }
        }
    }

    /// Spreads what `full` left in `codes` over the atoms of a segment.
    #[inline(always)]
    fn place(&mut self, segment: &Segment) {
        self.q.clear();
        self.q.resize(segment.width, T::ZERO);
        for (place, value) in self.places.iter().zip(&self.codes) {
            self.q[*place as usize] = *value;
        }
    }

    /// The iterations within a working set: from dL/dz of its last iterate to that of its first.
    #[inline(always)]
    fn within<S: Simd>(
        &mut self,
        simd: S,
        prepared: &Prepared<T>,
        trace: &Trace<T>,
        segment: &Segment,
        example: usize,
        sums: &mut Sums<T>,
    ) {
        let (width, height) = (segment.width, segment.atoms.len());
        let steps = segment.count - 1 + usize::from(segment.repeats > 0);
        if steps == 0 || height == 0 {
            return;
        }
        let iterates = &trace.values[segment.values..segment.values + segment.count * width];
        let at = segment.matrix.expect("several iterates have one");
        let matrix = &trace.matrices[at..at + height * width];
        for (buffer, length) in [
            (&mut self.s, steps * width),
            (&mut self.sum, width),
            (&mut self.bias, width),
            (&mut self.products, height * width),
        ] {
            buffer.clear();
            buffer.resize(length, T::ZERO);
        }
        let with_bias = !sums.bias.is_empty();
        let sided = prepared.unroll.sided;
        let last = &iterates[(segment.count - 1) * width..];
        let mut one = Vec::new();
        if segment.repeats > 0 {
            // z does not change, so that Σ z ⊗ s = z ⊗ Σ s.
            one.resize(width, T::ZERO);
            let all = &mut self.s[(steps - 1) * width..];
            for _ in 0..segment.repeats {
                vectors::mask(simd, &mut one, last, &self.q);
                if has_died_out(&one) {
                    self.q.fill(T::ZERO);
                    break;
                }
                vectors::add_scaled(simd, all, T::ONE, &one);
                vectors::multiply_small(simd, &mut self.q, &one, matrix, &one[..height]);
            }
            vectors::add_scaled(simd, &mut self.sum, T::ONE, all);
            if with_bias {
                subtract_signed(simd, sided, &mut self.bias, all, last);
            }
        }
        for k in (1..segment.count).rev() {
            let next = &iterates[k * width..(k + 1) * width];
            let s = &mut self.s[(k - 1) * width..k * width];
            vectors::mask(simd, s, next, &self.q);
            if k % 16 == 0 && has_died_out(s) {
                s.fill(T::ZERO);
                self.q.fill(T::ZERO);
                break;
            }
            vectors::add_scaled(simd, &mut self.sum, T::ONE, s);
            if with_bias {
                subtract_signed(simd, sided, &mut self.bias, s, next);
            }
            vectors::multiply_small(simd, &mut self.q, s, matrix, &s[..height]);
        }
        vectors::add_outer_products(
            simd,
            &mut self.products,
            height,
            width,
            steps,
            iterates,
            &self.s,
        );
        let stride = prepared.stride;
        let atoms = trace.atoms(segment);
        let sum = &mut sums.adjoint_sums[example * stride..(example + 1) * stride];
        for (atom, s) in atoms.iter().zip(&self.sum) {
            sum[*atom as usize] += *s;
        }
        for (atom, bias) in atoms.iter().zip(&self.bias).filter(|_| with_bias) {
            sums.bias[*atom as usize] += bias.to_f64();
        }
        for (atom, products) in atoms.iter().zip(self.products.chunks_exact(width)) {
            let atom = *atom as usize;
            let row = &mut sums.scaled_gram[atom * stride..(atom + 1) * stride];
            for (other, product) in atoms.iter().zip(products) {
                row[*other as usize] += *product;
            }
        }
    }

    /// s of the full iteration that led to the first iterate of a segment.
    #[inline(always)]
    fn shrink(
        &mut self,
        prepared: &Prepared<T>,
        trace: &Trace<T>,
        segment: &Segment,
        example: usize,
        sums: &mut Sums<T>,
    ) {
        self.atoms.clear();
        self.values.clear();
        let sum =
            &mut sums.adjoint_sums[example * prepared.stride..(example + 1) * prepared.stride];
        let atoms = trace.atoms(segment);
        let first = trace.iterate(segment, 0);
        for ((atom, z), q) in atoms.iter().zip(first).zip(&self.q) {
            if *z == T::ZERO || *q == T::ZERO {
                continue;
            }
            self.atoms.push(*atom);
            self.values.push(*q);
            let atom = *atom as usize;
            sum[atom] += *q;
            if !sums.bias.is_empty() {
                let negative = prepared.unroll.sided == crate::Sided::Two && *z < T::ZERO;
                sums.bias[atom] += if negative { q.to_f64() } else { -q.to_f64() };
            }
        }
    }

    /// The adjoint of a full iteration: `codes` of the `active` atoms become dL/dz there.
    #[inline(always)]
    fn full<S: Simd>(&mut self, simd: S, prepared: &Prepared<T>, sums: &mut Sums<T>) {
        let stride = prepared.stride;
        let scaled_gram = prepared.scaled_gram();
        let lanes = stride / T::lanes::<S>(&self.row).len();
        if !cost::whole_rows(self.atoms.len(), stride, lanes) {
            self.entries.resize(self.atoms.len(), T::ZERO);
            for (atom, code) in self.active.iter().zip(&mut self.codes) {
                let atom = *atom as usize;
                let sum = &mut sums.scaled_gram[atom * stride..(atom + 1) * stride];
                scaled_gram.gather(atom, &self.atoms, &mut self.entries);
                let mut q = T::ZERO;
                for ((other, s), entry) in self.atoms.iter().zip(&self.values).zip(&self.entries) {
                    let other = *other as usize;
                    sum[other] += *code * *s;
                    q += *entry * *s;
                    if other == atom {
                        q += *s;
                    }
                }
                *code = q;
            }
            return;
        }
        for (atom, s) in self.atoms.iter().zip(&self.values) {
            self.row[*atom as usize] = *s;
        }
        for (atom, code) in self.active.iter().zip(&self.codes) {
            let atom = *atom as usize;
            let sum = &mut sums.scaled_gram[atom * stride..(atom + 1) * stride];
            vectors::add_scaled(simd, sum, *code, &self.row);
        }
        self.image.resize(stride, T::ZERO);
        scaled_gram.combine(simd, &mut self.image, &self.row, &self.atoms, &self.values);
        for atom in &self.atoms {
            self.row[*atom as usize] = T::ZERO;
        }
        for (atom, code) in self.active.iter().zip(&mut self.codes) {
            *code = self.image[*atom as usize];
        }
    }
}

/// The adjoint of a contraction shrinks with every iteration; some hundred of them leave nothing.
#[inline(always)]
fn has_died_out<T: Number>(s: &[T]) -> bool {
    s.iter().all(|s| s.abs() < T::NEGLIGIBLE)
}
