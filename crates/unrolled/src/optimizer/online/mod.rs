//! Online dictionary learning: sufficient statistics, and block coordinate descent over atoms.

mod columns;
mod filters;
mod surrogate;

pub use surrogate::Surrogate;

use burn::tensor::{Element, Tensor};
use ndarray::{Array2, NdFloat};
use unrolled_kernels::{LEAST_WORK, Number};

#[cfg(doc)]
use super::Filters;
use super::atoms::{Atoms, OfAtoms};
#[cfg(doc)]
use crate::dictionary::Constraint;
use crate::tensors::{Precision, from_array, is_on_cpu, to_array, to_array_of};
use surrogate::FEW;

/// Online dictionary learning (J. Mairal, F. Bach, J. Ponce, G. Sapiro, *Online learning for matrix factorization and
/// sparse coding*, JMLR 11, 2010, algorithms 1 and 2). The codes of the batches so far make a quadratic surrogate of the
/// expected lasso, `½ tr(DᵀD A) − tr(Dᵀ B)`, in which they count by their weights:
///
/// `A ← (1 − w_k) A + w_k · mean over the batch of z zᵀ`,  `B ← (1 − w_k) B + w_k · mean over the batch of x zᵀ`
///
/// at step `k = 1, 2, …`, with `w_1 = 1`. It is minimised over one atom after the other,
/// `D_j ← Π(D_j + (B_j − D A_j) / A_jj)` (their equation 10), in so many sweeps.
///
/// | | |
/// |---|---|
/// | w_k | the learning rate, by its schedule: the step of stochastic majorisation-minimisation (J. Mairal, NIPS 2013, algorithm 1). Or, with [`Self::forgetting`] ρ, the past fades as in the first paper, section 3.4: A of the batches before is multiplied by `(1 − 1/k)^ρ` and that of the batch added |
/// | takes | `g_dec`, whose statistics these are: B of the batch is `D A − g_dec` |
/// | keeps | A `[p, p]` and B `[m, p]`, whatever the number of examples |
/// | cost | `2 m p²` operations a sweep, beside the codes |
/// | Π | [`Constraint::UnitSphere`], [`Constraint::UnitBall`] or none: of one atom at a time, exact in each. One of the whole matrix is left to the network |
/// | filters | [`Filters`] of c·h·w entries: A is `[p, p · shifts]`, a sweep `2 p² · shifts · c·h·w` operations. A filter overlaps with its own shifts, so that it takes a few projected gradient steps where an atom of a matrix takes one |
/// | choose it | to learn the dictionary of real data: on what was measured a lower lasso than gradient steps reach in the same time, but where filters hardly overlap (`benches/NOTES.md`) |
/// | atoms that no code uses | `A_jj = 0`: they stay where they are |
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Online {
    /// ρ, where the past fades by that and not by the learning rate: 0 forgets nothing, and the surrogate is of about the
    /// last `k / (ρ + 1)` batches.
    pub forgetting: Option<f64>,
    /// Passes over all atoms in a step.
    pub sweeps: usize,
}

impl Default for Online {
    fn default() -> Self {
        Self { forgetting: None, sweeps: 1 }
    }
}

impl Online {
    /// Whether a step of a dictionary `[m, p]` is worth the threads of a pool.
    pub fn is_worth_threads([m, p]: [usize; 2]) -> bool {
        m.max(p) * p > FEW || m * p * p >= LEAST_WORK
    }

    /// What is left of the past at step k = 1, 2, …, and the weight of the batch.
    pub fn weights(&self, rate: f64, step: usize) -> [f64; 2] {
        match self.forgetting {
            Some(forgetting) => [libm::pow(1.0 - 1.0 / step as f64, forgetting), 1.0],
            None if step == 1 => [0.0, 1.0],
            // A schedule may not make the past count against itself.
            None => [1.0 - rate.min(1.0), rate.min(1.0)],
        }
    }
}

/// A step, on the host, with the products of matrices in the precision of the dictionary.
pub(super) fn step<T: Number + NdFloat + Element>(
    (online, weights): (&Online, [f64; 2]),
    dictionary: Tensor<1>,
    batch: OfAtoms,
    averages: Option<Vec<Tensor<1>>>,
) -> (Tensor<1>, Vec<Tensor<1>>) {
    let OfAtoms { atoms, gradient, curvature } = batch;
    let (device, precision) = (dictionary.device(), Precision::of(&dictionary));
    // Statistics are sums of many batches: in float64 where there is one.
    let wide = if is_on_cpu(&device) { Precision::Float64 } else { precision };
    let p = atoms.count();
    let rows = match atoms {
        Atoms::Columns { shape, .. } => shape,
        Atoms::Filters(_) => [p, atoms.entries() / p],
    };
    let products = [p, atoms.products() / p];
    let mut surrogate = match averages.as_deref() {
        Some([a, b]) => Surrogate {
            curvature: to_array(&a.clone().reshape(products)),
            products: to_array(&b.clone().reshape(rows)),
        },
        _ => Surrogate { curvature: Array2::zeros(products), products: Array2::zeros(rows) },
    };
    let [before, gradient] = [dictionary, gradient].map(|t| to_array_of::<T>(&t.reshape(rows)));
    let curvature = to_array_of::<T>(&curvature.reshape(products));
    let after = match atoms {
        Atoms::Columns { constraint, .. } => {
            surrogate.add(weights, &before, &gradient, &curvature);
            surrogate.minimised(&before, constraint, online.sweeps)
        }
        Atoms::Filters(filters) => {
            surrogate.add_of_filters(&filters, weights, &before, &gradient, &curvature);
            surrogate.minimised_over_filters(&filters, &before, online.sweeps)
        }
    };
    let flat = |array: Array2<f64>| {
        let entries = array.len();
        from_array(array, wide, &device).reshape([entries])
    };
    let averages = vec![flat(surrogate.curvature), flat(surrogate.products)];
    let after = from_array(after, precision, &device).reshape([atoms.entries()]);
    (after, averages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_fades_as_the_papers_say() {
        let online = Online { forgetting: Some(2.0), sweeps: 1 };
        assert_eq!(online.weights(0.3, 1), [0.0, 1.0]);
        assert_eq!(online.weights(0.3, 2), [0.25, 1.0]);
        assert!((online.weights(0.3, 10)[0] - 0.81).abs() < 1e-15);
        assert_eq!(Online { forgetting: Some(0.0), sweeps: 1 }.weights(0.3, 2), [1.0; 2]);
        let by_rate = Online::default();
        assert_eq!(by_rate.weights(0.25, 1), [0.0, 1.0]);
        assert_eq!(by_rate.weights(0.25, 2), [0.75, 0.25]);
    }
}
