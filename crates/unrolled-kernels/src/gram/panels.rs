//! The iterations of several examples whose codes are sparse, where DᵀD is beyond the cache of a core.
//!
//! A sum over active atoms reads a row of N for each of them. All examples go through the same few columns of
//! N, a *panel*, before the next: that much of N stays in the cache of a core.

use pulp::Simd;

use super::trace::Trace;
use crate::look::keep_nonzero;
use crate::number::Number;
use crate::prepared::{BiasRow, Prepared};
use crate::problem::Unroll;
use crate::{cost, vectors};

/// Examples at the same iteration.
pub(crate) struct Panels<'a, T> {
    prepared: &'a Prepared<'a, T>,
    /// α Dᵀx, `[examples, stride]`.
    correlations: &'a [T],
    bias: BiasRow<T>,
    /// v, then z, `[examples, stride]`.
    v: Vec<T>,
}

/// An example on its way.
struct Going {
    example: usize,
    /// For how many iterations too many atoms were active.
    dear: usize,
    /// How many atoms became active, or ceased to be, in the last iteration.
    changed: usize,
}

impl<'a, T: Number> Panels<'a, T> {
    pub fn new(prepared: &'a Prepared<'a, T>, correlations: &'a [T]) -> Self {
        let v = vec![T::ZERO; correlations.len()];
        Self { prepared, correlations, bias: BiasRow::default(), v }
    }

    /// Iterates from the ends of the traces, all at iteration `from`, until few atoms are active, too many are for too
    /// long, or T. Returns where each example got to.
    #[inline(always)]
    pub fn forward<S: Simd>(
        &mut self,
        simd: S,
        traces: &mut [Trace<T>],
        from: usize,
    ) -> Vec<usize> {
        let prepared = self.prepared;
        let Unroll { operator, sided, iterations, .. } = prepared.unroll;
        let stride = prepared.stride;
        let atoms = prepared.atoms as u32;
        let mut reached = vec![from; traces.len()];
        let mut going: Vec<Going> = (0..traces.len())
            .map(|example| Going { example, dear: 0, changed: usize::MAX / 64 })
            .collect();
        for t in from..iterations {
            going.retain_mut(|going| {
                let active = traces[going.example].active.len();
                let dense = cost::dense(active, 1, stride, size_of::<T>());
                going.dear += usize::from(dense);
                let leaves = cost::leaves_panels(active, going.changed, stride);
                !leaves && going.dear <= cost::PATIENCE
            });
            if going.is_empty() {
                break;
            }
            let scaled_gram = prepared.scaled_gram();
            for panel in 0..scaled_gram.panels() {
                for going in &going {
                    let trace = &traces[going.example];
                    let row = going.example * stride..(going.example + 1) * stride;
                    let (v, c) = (&mut self.v[row.clone()], &self.correlations[row]);
                    scaled_gram.combine_panel(simd, panel, v, c, &trace.active, &trace.codes);
                }
            }
            let bias = self.bias.at(prepared, t);
            for Going { example, changed, .. } in &mut going {
                let example = *example;
                let trace = &mut traces[example];
                let z = &mut self.v[example * stride..(example + 1) * stride];
                for (atom, code) in trace.active.iter().zip(&trace.codes) {
                    z[*atom as usize] += *code;
                }
                vectors::prox(simd, operator, sided, z, bias);
                let active = |atom: &&u32| z[**atom as usize] != T::ZERO;
                let (before, stayed) =
                    (trace.active.len(), trace.active.iter().filter(active).count());
                let z = z[..prepared.atoms].iter().copied();
                keep_nonzero((0..atoms).zip(z), &mut trace.active, &mut trace.codes);
                *changed = before + trace.active.len() - 2 * stayed;
                trace.push_point();
                reached[example] = t + 1;
            }
        }
        reached
    }
}
