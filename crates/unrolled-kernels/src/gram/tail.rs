//! The iterations of one example once its code is sparse.
//!
//! A *full* iteration sums rows of N over the active atoms. After it, a *working set* U is chosen: the atoms
//! that are active or close to it. As long as the code stays within a distance of the point where the others
//! were last looked at, none of them can become active (Cauchy–Schwarz: atom j's v changes by at most ‖N_jU‖
//! times that distance), so the iterations go on within U alone, on a small dense copy of N. Leaving U is
//! noticed before it matters, so the iterates are those of the full iteration.

use pulp::Simd;

use super::trace::{Segment, Trace};

use crate::look::{Look, count, keep_nonzero, list};
use crate::number::{Number, padded};
use crate::prepared::{BiasRow, Prepared};
use crate::problem::Unroll;
use crate::{cost, vectors};

/// Whether a tail reached the last iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    End,
    /// Too many atoms are active: dense products are cheaper.
    Dense,
}

/// Room to iterate in; used for one example after another.
pub(crate) struct Tail<T> {
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
}

impl<T: Number> Tail<T> {
    pub fn new(stride: usize) -> Self {
        Self {
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
        }
    }

    /// Iterations `from`, …, T − 1, on from where the trace ends, with c = `correlations`. Gives up after
    /// `patience` iterations with too many active atoms.
    #[inline(always)]
    pub fn forward<S: Simd>(
        &mut self,
        simd: S,
        prepared: &Prepared<T>,
        correlations: &[T],
        trace: &mut Trace<T>,
        from: usize,
        patience: usize,
    ) -> Reached {
        let iterations = prepared.unroll.iterations;
        let mut t = from;
        let mut dear = 0;
        while t < iterations {
            if cost::dense(trace.active.len(), 1, prepared.stride, size_of::<T>()) {
                dear += 1;
                if dear > patience {
                    return Reached::Dense;
                }
            }
            let outside = self.full(simd, prepared, correlations, trace, t, t + 1 < iterations);
            t += 1;
            match outside {
                Some(outside) => t = self.within(simd, prepared, trace, outside, t),
                None => trace.push_point(),
            }
        }
        Reached::End
    }

    /// A full iteration from the last iterate at `t`. Begins a working set where one pays, if one is `wanted`,
    /// and says when it ends.
    #[inline(always)]
    fn full<S: Simd>(
        &mut self,
        simd: S,
        prepared: &Prepared<T>,
        correlations: &[T],
        trace: &mut Trace<T>,
        t: usize,
        wanted: bool,
    ) -> Option<Outside<T>> {
        let Unroll { operator, sided, .. } = prepared.unroll;
        let bias = self.bias.at(prepared, t);
        let scaled_gram = prepared.scaled_gram();
        scaled_gram.combine(simd, &mut self.v, correlations, &trace.active, &trace.codes);
        for (atom, code) in trace.active.iter().zip(&trace.codes) {
            self.v[*atom as usize] += *code;
        }
        self.z.copy_from_slice(&self.v);
        vectors::prox(simd, operator, sided, &mut self.z, bias);
        for (atom, code) in trace.active.iter().zip(&trace.codes) {
            self.previous[*atom as usize] = *code;
        }
        let moved = vectors::distance_squared(simd, &self.z, &self.previous).sqrt();
        for atom in &trace.active {
            self.previous[*atom as usize] = T::ZERO;
        }

        let near = match wanted {
            true => T::from_f64(cost::HORIZON) * scaled_gram.coupling * moved,
            false => T::ZERO,
        };
        self.look.look(simd, sided, [&self.v, &self.z, bias], near);
        self.look.without_padding(prepared.atoms);
        // What is active now stays: N's diagonal, which the bound leaves out, concerns these alone.
        for atom in &trace.active {
            self.look.near[*atom as usize / 64] |= 1 << (atom % 64);
        }
        let active = trace.active.len();
        let chosen = count(&self.look.near);
        if wanted && moved.is_finite() && cost::working_set_pays(chosen, active, prepared.stride) {
            let norm = vectors::dot(simd, &self.z, &self.z).sqrt();
            trace.go_on();
            let first = trace.indices.len();
            list(&self.look.near, &mut trace.indices);
            // What rounding may have made of v.
            let threshold = prepared.threshold(t);
            let rounding = T::from_f64(16.0) * T::EPSILON * (norm + threshold);
            scaled_gram.squares(simd, &mut self.previous, &trace.indices[first..]);
            let rows = [&self.v[..], bias, &self.previous];
            let [radius, strongest] = Look::radius(simd, sided, rows, near, rounding);
            self.previous.fill(T::ZERO);
            let outside = Outside {
                radius: T::from_f64(0.999) * radius,
                strongest: T::from_f64(1.001) * strongest,
                slack: self.look.least - rounding,
                threshold,
            };
            self.begin(prepared, correlations, trace, first);
            return Some(outside);
        }
        trace.active.clear();
        list(&self.look.active, &mut trace.active);
        trace.codes.clear();
        trace.codes.extend(trace.active.iter().map(|atom| self.z[*atom as usize]));
        None
    }

    /// Begins a working set of the atoms from `first` on, with the iterate of the full iteration just done.
    #[inline(always)]
    fn begin(
        &mut self,
        prepared: &Prepared<T>,
        correlations: &[T],
        trace: &mut Trace<T>,
        first: usize,
    ) {
        let atoms = first..trace.indices.len();
        let width = padded(atoms.len().max(1));
        let values = trace.values.len();
        let matrix = trace.push_matrix(prepared, first, width);
        let chosen = &trace.indices[atoms.clone()];
        for (place, atom) in chosen.iter().enumerate() {
            self.place[*atom as usize] = place as u32;
        }
        self.reference.clear();
        self.reference.resize(width, T::ZERO);
        for (atom, code) in trace.active.iter().zip(&trace.codes) {
            self.reference[self.place[*atom as usize] as usize] = *code;
        }
        self.small_correlations.clear();
        self.small_bias.clear();
        for atom in chosen {
            let atom = *atom as usize;
            trace.values.push(self.z[atom]);
            self.small_correlations.push(correlations[atom]);
            if let Some(bias) = &prepared.by_atom {
                self.small_bias.push(bias[atom]);
            }
        }
        trace.values.resize(values + width, T::ZERO);
        self.small_correlations.resize(width, T::ZERO);
        self.small_bias.resize(width, T::ZERO);
        let matrix = Some(matrix);
        trace.segments.push(Segment { atoms, width, values, count: 1, repeats: 0, matrix });
    }

    /// Iterates within the working set just begun, from z_t on, while no atom outside can become active.
    /// Returns the t reached.
    #[inline(always)]
    fn within<S: Simd>(
        &mut self,
        simd: S,
        prepared: &Prepared<T>,
        trace: &mut Trace<T>,
        outside: Outside<T>,
        mut t: usize,
    ) -> usize {
        let Unroll { operator, sided, .. } = prepared.unroll;
        let iterations = prepared.unroll.iterations;
        let segment = trace.segments.last_mut().expect("one was begun");
        let width = segment.width;
        let height = segment.atoms.len();
        let matrix = &trace.matrices[segment.matrix.expect("a working set has one")..];
        while t < iterations {
            let at = segment.values + (segment.count - 1) * width;
            let last = &trace.values[at..at + width];
            let distance = vectors::distance_squared(simd, last, &self.reference);
            let threshold = prepared.threshold(t);
            // Not-a-number leaves.
            let stays = if threshold == outside.threshold {
                distance <= outside.radius
            } else {
                let slack = outside.slack + (threshold - outside.threshold);
                slack >= T::ZERO && outside.strongest * distance <= slack * slack
            };
            if !stays {
                break;
            }
            if trace.values.len() < at + 2 * width {
                // Room for some more iterates at once.
                trace.values.resize(at + 16 * width, T::ZERO);
            }
            let (last, next) = trace.values[at..at + 2 * width].split_at_mut(width);
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
            if segment.count.is_multiple_of(cost::LOOK_EVERY) {
                let active = next.iter().filter(|z| **z != T::ZERO).count();
                if cost::too_wide(active, height) {
                    break;
                }
            }
        }
        let at = segment.values + (segment.count - 1) * width;
        let codes = &trace.values[at..at + height];
        let atoms = trace.indices[segment.atoms.clone()].iter().copied();
        keep_nonzero(atoms.zip(codes.iter().copied()), &mut trace.active, &mut trace.codes);
        trace.values.truncate(at + width);
        t
    }
}

/// What is known of the atoms outside a working set U.
pub(super) struct Outside<T> {
    /// How far the code may move, squared, before one of them can become active at the same threshold.
    radius: T,
    /// The greatest Σ_{k ∈ U} N_jk² of an atom j.
    strongest: T,
    /// How far the nearest of them was from its threshold.
    slack: T,
    /// The threshold then.
    threshold: T,
}
