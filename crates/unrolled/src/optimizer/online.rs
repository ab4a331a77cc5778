//! Online dictionary learning: sufficient statistics, and block coordinate descent over atoms.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, Axis, NdFloat, s};
use rayon::prelude::*;

use crate::dictionary::Constraint;
use crate::tensors::Precision;

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
/// | choose it | to learn the dictionary of real data: a lower lasso than gradient steps reach in the same time |
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

/// A and B, of a surrogate `½ tr(DᵀD A) − tr(Dᵀ B)` of dictionaries `[m, p]`.
#[derive(Clone, Debug)]
pub struct Surrogate {
    /// A, `[p, p]`.
    pub curvature: Array2<f64>,
    /// B, `[m, p]`.
    pub products: Array2<f64>,
    /// What its products of matrices are computed in; sums are in float64.
    pub precision: Precision,
}

/// Atoms whose residuals are computed by one product.
const BLOCK: usize = 64;

/// Columns of a product that one thread takes at a time.
const PANEL: usize = 128;

/// An atom with less than this share of the largest curvature is used by no code.
const LEAST: f64 = 1e-12;

impl Surrogate {
    /// Of no examples yet.
    pub fn zeros([m, p]: [usize; 2], precision: Precision) -> Self {
        Self { curvature: Array2::zeros((p, p)), products: Array2::zeros((m, p)), precision }
    }

    /// What of it is left, and the statistics of a batch added by their weight: its mean `z zᵀ`, and the gradient
    /// `D A − B` of it at D.
    pub fn add(
        &mut self,
        [left, weight]: [f64; 2],
        dictionary: &Array2<f64>,
        gradient: &Array2<f64>,
        curvature: &Array2<f64>,
    ) {
        self.curvature *= left;
        self.curvature.scaled_add(weight, curvature);
        self.products *= left;
        self.products.scaled_add(-weight, gradient);
        let products = match self.precision {
            Precision::Float64 => product(dictionary.view(), curvature),
            Precision::Float32 => {
                let single = |array: &Array2<f64>| array.mapv(|v| v as f32);
                product(single(dictionary).view(), &single(curvature)).mapv(f64::from)
            }
        };
        self.products.scaled_add(weight, &products);
    }

    /// Its value at a dictionary.
    pub fn value(&self, dictionary: &Array2<f64>) -> f64 {
        let quadratic = (dictionary.dot(&self.curvature) * dictionary).sum();
        0.5 * quadratic - (dictionary * &self.products).sum()
    }

    /// The dictionary after so many sweeps of block coordinate descent.
    pub fn minimised(
        &self,
        dictionary: &Array2<f64>,
        constraint: Constraint,
        sweeps: usize,
    ) -> Array2<f64> {
        match self.precision {
            Precision::Float64 => self.minimised_in(dictionary, constraint, sweeps, |v| v, |v| v),
            Precision::Float32 => {
                self.minimised_in(dictionary, constraint, sweeps, |v| v as f32, f64::from)
            }
        }
    }

    fn minimised_in<T: NdFloat>(
        &self,
        dictionary: &Array2<f64>,
        constraint: Constraint,
        sweeps: usize,
        narrow: impl Fn(f64) -> T,
        wide: impl Fn(T) -> f64,
    ) -> Array2<f64> {
        // Atoms as rows, so that each lies together.
        let rows = |array: &Array2<f64>| {
            let narrowed = array.t().mapv(&narrow);
            narrowed.as_standard_layout().into_owned()
        };
        let (mut atoms, products) = (rows(dictionary), rows(&self.products));
        let curvature = self.curvature.mapv(&narrow);
        let diagonal = self.curvature.diag();
        let least = LEAST * diagonal.iter().fold(0.0f64, |most, a| most.max(*a));
        for _ in 0..sweeps {
            for from in (0..atoms.nrows()).step_by(BLOCK) {
                let to = (from + BLOCK).min(atoms.nrows());
                let of_block = curvature.slice(s![from..to, ..]);
                let mut left = &products.slice(s![from..to, ..]) - &product(of_block, &atoms);
                for j in from..to {
                    if diagonal[j].is_nan() || diagonal[j] <= least {
                        continue;
                    }
                    let before = atoms.row(j).to_owned();
                    let goal = &before + &(&left.row(j - from) / curvature[[j, j]]);
                    let norm = wide(goal.dot(&goal)).sqrt();
                    // An atom that would be 0 stays where it is.
                    if norm.is_nan() || norm > 0.0 {
                        let goal = goal / narrow(constraint.excess(norm));
                        let change = &goal - &before;
                        atoms.row_mut(j).assign(&goal);
                        // What the atoms to come have left, with this one where it is now.
                        for l in j + 1..to {
                            left.row_mut(l - from).scaled_add(-curvature[[l, j]], &change);
                        }
                    }
                }
            }
        }
        atoms.t().mapv(wide).as_standard_layout().into_owned()
    }
}

/// A product of matrices of fewer multiplications than this is not worth waking a thread for.
pub const LEAST_WORK: usize = 1 << 24;

/// `a b`, on all threads: each takes some columns.
fn product<T: NdFloat>(a: ArrayView2<T>, b: &Array2<T>) -> Array2<T> {
    if a.len() * b.ncols() < LEAST_WORK {
        return a.dot(b);
    }
    let mut out = Array2::zeros((a.nrows(), b.ncols()));
    let panels = out.axis_chunks_iter_mut(Axis(1), PANEL).zip(b.axis_chunks_iter(Axis(1), PANEL));
    let panels: Vec<_> = panels.collect();
    panels.into_par_iter().for_each(|(mut out, b)| {
        general_mat_mul(T::one(), &a, &b, T::zero(), &mut out);
    });
    out
}

impl Online {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dictionary::initialisation;
    use crate::random::Stream;

    const CONSTRAINTS: [Constraint; 3] =
        [Constraint::UnitSphere, Constraint::UnitBall, Constraint::None];

    fn normal(shape: [usize; 2], stream: &mut Stream) -> Array2<f64> {
        Array2::from_shape_simple_fn(shape, || stream.normal())
    }

    /// Codes of which half are 0, examples, a dictionary, and the surrogate.
    fn problem(p: usize) -> ([Array2<f64>; 3], Surrogate) {
        let (m, n) = (20, 300);
        let mut stream = Stream::new(7, "online", 0);
        let dictionary = initialisation::random(m, p, &mut stream);
        let codes = normal([n, p], &mut stream).mapv(|z| z.max(0.0));
        let x = normal([n, m], &mut stream);
        let curvature = codes.t().dot(&codes) / n as f64;
        let products = x.t().dot(&codes) / n as f64;
        ([dictionary, codes, x], Surrogate { curvature, products, precision: Precision::Float64 })
    }

    /// The definition, an atom at a time.
    fn by_definition(
        surrogate: &Surrogate,
        dictionary: &Array2<f64>,
        of: Constraint,
    ) -> Array2<f64> {
        let Surrogate { curvature, products, .. } = surrogate;
        let mut d = dictionary.clone();
        for j in 0..d.ncols() {
            let left = &products.column(j) - &d.dot(&curvature.column(j));
            let goal = &d.column(j) + &(left / curvature[[j, j]]);
            let norm = goal.dot(&goal).sqrt();
            let scale = match of {
                Constraint::UnitSphere => norm,
                Constraint::UnitBall => norm.max(1.0),
                _ => 1.0,
            };
            d.column_mut(j).assign(&(goal / scale));
        }
        d
    }

    #[test]
    fn a_sweep_is_the_definition_atom_by_atom() {
        // More atoms than a block has, and one alone in the last.
        for p in [5, 2 * BLOCK + 1] {
            let ([dictionary, ..], surrogate) = problem(p);
            for constraint in CONSTRAINTS {
                let ours = surrogate.minimised(&dictionary, constraint, 2);
                let once = by_definition(&surrogate, &dictionary, constraint);
                let theirs = by_definition(&surrogate, &once, constraint);
                let error = (&ours - &theirs).iter().fold(0.0f64, |most, e| most.max(e.abs()));
                assert!(error < 1e-12, "p {p} {constraint:?}: {error:e}");
            }
        }
    }

    #[test]
    fn float32_is_near_float64() {
        let ([dictionary, ..], surrogate) = problem(2 * BLOCK + 1);
        let single = Surrogate { precision: Precision::Float32, ..surrogate.clone() };
        for constraint in CONSTRAINTS {
            let [a, b] = [&surrogate, &single].map(|of| of.minimised(&dictionary, constraint, 2));
            assert!((a - b).iter().all(|e| e.abs() < 1e-5), "{constraint:?}");
        }
    }

    #[test]
    fn the_statistics_of_a_batch_come_from_the_gradient() {
        let ([dictionary, codes, x], expected) = problem(30);
        let gradient = (codes.dot(&dictionary.t()) - &x).t().dot(&codes) / x.nrows() as f64;
        let curvature = &expected.curvature;
        let mut surrogate = Surrogate::zeros([20, 30], Precision::Float64);
        surrogate.add([0.0, 1.0], &dictionary, &gradient, curvature);
        surrogate.add([0.5, 0.25], &dictionary, &gradient, curvature);
        let error = &surrogate.products - &expected.products * 0.75;
        assert!(error.iter().all(|e| e.abs() < 1e-13));
        assert_eq!(surrogate.curvature, curvature * 0.75);
    }

    /// Without a constraint the minimiser is `B A⁻¹`: what a ridge of nearly nothing gives.
    #[test]
    fn sweeps_descend_to_the_minimiser() {
        let ([dictionary, ..], surrogate) = problem(30);
        for constraint in CONSTRAINTS {
            let mut value = surrogate.value(&constraint.project(dictionary.clone()));
            let mut d = constraint.project(dictionary.clone());
            for _ in 0..200 {
                d = surrogate.minimised(&d, constraint, 1);
                let after = surrogate.value(&d);
                assert!(after <= value + 1e-12, "{constraint:?}: {after} > {value}");
                value = after;
            }
            if constraint == Constraint::None {
                let gradient = d.dot(&surrogate.curvature) - &surrogate.products;
                assert!(gradient.iter().all(|g| g.abs() < 1e-6), "{gradient:?}");
            }
        }
    }

    #[test]
    fn an_atom_that_no_code_uses_stays() {
        let ([dictionary, ..], mut surrogate) = problem(10);
        surrogate.curvature.row_mut(3).fill(0.0);
        surrogate.curvature.column_mut(3).fill(0.0);
        surrogate.products.column_mut(3).fill(0.0);
        let after = surrogate.minimised(&dictionary, Constraint::UnitSphere, 3);
        assert_eq!(after.column(3), dictionary.column(3));
        assert_ne!(after.column(4), dictionary.column(4));
        assert!(
            Surrogate::zeros([20, 10], Precision::Float64).minimised(
                &dictionary,
                Constraint::None,
                1
            ) == dictionary
        );
    }

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
