//! The iterations of one example once its code is sparse.
//!
//! A *full* iteration sums rows of N over the active atoms. After it, a *working set* U is chosen: the atoms
//! that are active or close to it. As long as the code stays within a distance of the point where the others
//! were last looked at, none of them can become active (Cauchy–Schwarz: atom j's v changes by at most ‖N_j‖
//! times that distance), so the iterations go on within U alone, on a small dense copy of N. Leaving U is
//! noticed before it matters, so the iterates are those of the full iteration.

use std::ops::Range;

use pulp::Simd;

use crate::look::{Look, count, keep_nonzero, list};
use crate::number::{Number, padded};
use crate::prepared::{BiasRow, Prepared};
use crate::problem::Unroll;
use crate::{cost, vectors};

/// Iterates that share a list of atoms.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// The atoms, in [`Tail::indices`].
    pub atoms: Range<usize>,
    /// Numbers in an iterate, the count of atoms padded.
    pub width: usize,
    /// The iterates, one after another, in [`Tail::values`].
    pub values: usize,
    /// How many.
    pub count: usize,
    /// How often the last of them follows itself.
    pub repeats: usize,
    /// The copy of N, `[atoms, width]`, in [`Tail::matrices`]; for a single iterate there is none.
    pub matrix: usize,
}

/// Whether a tail reached the last iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    End,
    /// Too many atoms are active: dense products are cheaper.
    Dense,
}

/// The iterates of one example, kept for its adjoint, and room to work in; used for one example after another.
pub(crate) struct Tail<T> {
    pub(super) segments: Vec<Segment>,
    pub(super) indices: Vec<u32>,
    pub(super) values: Vec<T>,
    pub(super) matrices: Vec<T>,
    /// v, then z, of a full iteration, `[stride]`.
    v: Vec<T>,
    z: Vec<T>,
    look: Look<T>,
    /// Zero but while in use, `[stride]`.
    previous: Vec<T>,
    /// Place of an atom in the working set, for the atoms in it.
    place: Vec<u32>,
    bias: BiasRow<T>,
    small_bias: Vec<T>,
    uniform_bias: BiasRow<T>,
    small_correlations: Vec<T>,
    reference: Vec<T>,
    /// Active atoms of the last iterate and their codes.
    pub active: Vec<u32>,
    pub codes: Vec<T>,
}

impl<T: Number> Tail<T> {
    pub fn new(stride: usize) -> Self {
        Self {
            segments: Vec::new(),
            indices: Vec::new(),
            values: Vec::new(),
            matrices: Vec::new(),
            v: vec![T::ZERO; stride],
            z: vec![T::ZERO; stride],
            look: Look::default(),
            previous: vec![T::ZERO; stride],
            place: vec![0; stride],
            bias: BiasRow::default(),
            small_bias: Vec::new(),
            uniform_bias: BiasRow::default(),
            small_correlations: Vec::new(),
            reference: Vec::new(),
            active: Vec::new(),
            codes: Vec::new(),
        }
    }

    /// Iterations `from`, …, T − 1 from `start` `[stride]` with c = `correlations`. Afterwards `active` and
    /// `codes` hold z_T.
    #[inline(always)]
    pub fn forward<S: Simd>(
        &mut self,
        simd: S,
        prepared: &Prepared<T>,
        correlations: &[T],
        start: &[T],
        from: usize,
    ) -> Reached {
        self.segments.clear();
        self.indices.clear();
        self.values.clear();
        self.matrices.clear();
        let start = start[..prepared.atoms].iter().copied();
        keep_nonzero((0..prepared.atoms as u32).zip(start), &mut self.active, &mut self.codes);
        self.push_point();
        let iterations = prepared.unroll.iterations;
        let mut t = from;
        let mut dear = 0;
        while t < iterations {
            if cost::dense(self.active.len(), 1, prepared.stride, size_of::<T>()) {
                dear += 1;
                if dear > cost::PATIENCE {
                    return Reached::Dense;
                }
            }
            let outside = self.full(simd, prepared, correlations, t, t + 1 < iterations);
            t += 1;
            match outside {
                Some(outside) => t = self.within(simd, prepared, outside, t),
                None => self.push_point(),
            }
        }
        Reached::End
    }

    /// Keeps the last iterate by itself.
    #[inline(always)]
    fn push_point(&mut self) {
        let first = self.indices.len();
        self.indices.extend_from_slice(&self.active);
        self.segments.push(Segment {
            atoms: first..self.indices.len(),
            width: self.codes.len(),
            values: self.values.len(),
            count: 1,
            repeats: 0,
            matrix: usize::MAX,
        });
        self.values.extend_from_slice(&self.codes);
    }

    /// A full iteration from the last iterate at `t`. Begins a working set where one pays, if one is `wanted`,
    /// and says when it ends.
    #[inline(always)]
    fn full<S: Simd>(
        &mut self,
        simd: S,
        prepared: &Prepared<T>,
        correlations: &[T],
        t: usize,
        wanted: bool,
    ) -> Option<Outside<T>> {
        let Unroll { operator, sided, .. } = prepared.unroll;
        let bias = self.bias.at(prepared, t);
        let transition = &prepared.transition;
        vectors::combine(simd, &mut self.v, correlations, transition, &self.active, &self.codes);
        for (atom, code) in self.active.iter().zip(&self.codes) {
            self.v[*atom as usize] += *code;
        }
        self.z.copy_from_slice(&self.v);
        vectors::prox(simd, operator, sided, &mut self.z, bias);
        for (atom, code) in self.active.iter().zip(&self.codes) {
            self.previous[*atom as usize] = *code;
        }
        let moved = vectors::distance_squared(simd, &self.z, &self.previous).sqrt();
        for atom in &self.active {
            self.previous[*atom as usize] = T::ZERO;
        }

        let near = match wanted {
            true => T::from_f64(cost::HORIZON) * prepared.coupling * moved,
            false => T::ZERO,
        };
        self.look.look(simd, sided, [&self.v, &self.z, bias], near);
        self.look.without_padding(prepared.atoms);
        // What is active now stays: N's diagonal, which the bound leaves out, concerns these alone.
        for atom in &self.active {
            self.look.near[*atom as usize / 64] |= 1 << (atom % 64);
        }
        let active = self.active.len();
        let chosen = count(&self.look.near);
        if wanted && moved.is_finite() && cost::working_set_pays(chosen, active, prepared.stride) {
            let norm = vectors::dot(simd, &self.z, &self.z).sqrt();
            let first = self.indices.len();
            list(&self.look.near, &mut self.indices);
            return Some(self.begin(prepared, correlations, first, [self.look.least, norm], t));
        }
        self.active.clear();
        list(&self.look.active, &mut self.active);
        self.codes.clear();
        self.codes.extend(self.active.iter().map(|atom| self.z[*atom as usize]));
        None
    }

    /// Begins a working set of the atoms from `first` on, with the iterate of the full iteration `t`.
    #[inline(always)]
    fn begin(
        &mut self,
        prepared: &Prepared<T>,
        correlations: &[T],
        first: usize,
        [least, norm]: [T; 2],
        t: usize,
    ) -> Outside<T> {
        let atoms = first..self.indices.len();
        let width = padded(atoms.len().max(1));
        let chosen = &self.indices[atoms.clone()];
        let (values, matrix) = (self.values.len(), self.matrices.len());
        for (place, atom) in chosen.iter().enumerate() {
            self.place[*atom as usize] = place as u32;
        }
        self.reference.clear();
        self.reference.resize(width, T::ZERO);
        for (atom, code) in self.active.iter().zip(&self.codes) {
            self.reference[self.place[*atom as usize] as usize] = *code;
        }
        self.small_correlations.clear();
        self.small_bias.clear();
        self.matrices.reserve(atoms.len() * width);
        for atom in chosen {
            let atom = *atom as usize;
            self.values.push(self.z[atom]);
            self.small_correlations.push(correlations[atom]);
            if let Some(bias) = &prepared.by_atom {
                self.small_bias.push(bias[atom]);
            }
            let row = prepared.transition_row(atom);
            self.matrices.extend(chosen.iter().map(|other| row[*other as usize]));
            self.matrices.resize(self.matrices.len().next_multiple_of(16), T::ZERO);
        }
        self.values.resize(values + width, T::ZERO);
        self.small_correlations.resize(width, T::ZERO);
        self.small_bias.resize(width, T::ZERO);
        let threshold = prepared.threshold(t);
        // What rounding may have made of v.
        let rounding = T::from_f64(16.0) * T::EPSILON * (norm + threshold);
        self.segments.push(Segment { atoms, width, values, count: 1, repeats: 0, matrix });
        Outside { slack: least - rounding, threshold }
    }

    /// Iterates within the working set just begun, from z_t on, while no atom outside can become active.
    /// Returns the t reached.
    #[inline(always)]
    fn within<S: Simd>(
        &mut self,
        simd: S,
        prepared: &Prepared<T>,
        outside: Outside<T>,
        mut t: usize,
    ) -> usize {
        let Unroll { operator, sided, .. } = prepared.unroll;
        let iterations = prepared.unroll.iterations;
        let segment = self.segments.last_mut().expect("one was begun");
        let width = segment.width;
        let height = segment.atoms.len();
        let matrix = &self.matrices[segment.matrix..];
        let coupling = prepared.coupling * prepared.coupling;
        while t < iterations {
            let at = segment.values + (segment.count - 1) * width;
            let last = &self.values[at..at + width];
            let distance = vectors::distance_squared(simd, last, &self.reference);
            let threshold = prepared.threshold(t);
            let slack = outside.slack + (threshold - outside.threshold);
            // Not-a-number leaves.
            let stays = slack >= T::ZERO && coupling * distance <= slack * slack;
            if !stays {
                break;
            }
            if self.values.len() < at + 2 * width {
                // Room for some more iterates at once.
                self.values.resize(at + 16 * width, T::ZERO);
            }
            let (last, next) = self.values[at..at + 2 * width].split_at_mut(width);
            vectors::multiply_small(simd, next, &self.small_correlations, matrix, &last[..height]);
            vectors::add_scaled(simd, next, T::ONE, last);
            let bias = match &prepared.by_atom {
                Some(_) => &self.small_bias[..],
                None => self.uniform_bias.filled(threshold, width),
            };
            vectors::prox(simd, operator, sided, next, bias);
            t += 1;
            if t > prepared.constant_from && last == next {
                // A fixed point: nothing changes any more.
                segment.repeats = 1 + iterations - t;
                t = iterations;
                break;
            }
            segment.count += 1;
        }
        let at = segment.values + (segment.count - 1) * width;
        let codes = &self.values[at..at + height];
        let chosen = self.indices[segment.atoms.clone()].iter().copied().zip(codes.iter().copied());
        keep_nonzero(chosen, &mut self.active, &mut self.codes);
        self.values.truncate(at + width);
        t
    }
}

/// What is known of the atoms outside a working set.
pub(super) struct Outside<T> {
    /// How far the nearest of them is from its threshold.
    slack: T,
    /// The threshold then.
    threshold: T,
}
