//! Online dictionary learning: sufficient statistics, and block coordinate descent over atoms.

use ndarray::{Array2, ArrayView2, NdFloat, s};
use rayon::prelude::*;
use unrolled_kernels::{LEAST_WORK, Number, sum, transpose};

use crate::dictionary::Constraint;
use crate::product::of_arrays;
use crate::registers::{Loops, on_widest};

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

/// A and B, of a surrogate `½ tr(DᵀD A) − tr(Dᵀ B)` of dictionaries `[m, p]`: sums of many batches, in float64. Products of
/// matrices are computed in the precision of the dictionary.
#[derive(Clone, Debug)]
pub struct Surrogate {
    /// A, `[p, p]`.
    pub curvature: Array2<f64>,
    /// B, `[m, p]`.
    pub products: Array2<f64>,
}

/// Atoms whose residuals are computed by one product.
const BLOCK: usize = 64;

/// Numbers that are not worth waking a thread for.
const FEW: usize = 1 << 16;

/// An atom with less than this share of the largest curvature is used by no code.
const LEAST: f64 = 1e-12;

impl Surrogate {
    /// Of no examples yet.
    pub fn zeros([m, p]: [usize; 2]) -> Self {
        Self { curvature: Array2::zeros((p, p)), products: Array2::zeros((m, p)) }
    }

    /// What of it is left, and the statistics of a batch added by their weight: its mean `z zᵀ`, and the gradient
    /// `D A − B` of it at D.
    pub fn add<T: Number>(
        &mut self,
        [left, weight]: [f64; 2],
        dictionary: &Array2<T>,
        gradient: &Array2<T>,
        curvature: &Array2<T>,
    ) {
        let products = of_arrays(dictionary.view(), curvature.view());
        let (of_batch, gradient) = (curvature.as_standard_layout(), gradient.as_standard_layout());
        let [of_batch, products, gradient] =
            [&of_batch.view(), &products.view(), &gradient.view()].map(flat);
        blend(&mut self.curvature, left, |at| weight * of_batch[at].to_f64());
        blend(&mut self.products, left, |at| {
            weight * (products[at].to_f64() - gradient[at].to_f64())
        });
    }

    /// Its value at a dictionary.
    pub fn value(&self, dictionary: &Array2<f64>) -> f64 {
        let quadratic = (dictionary.dot(&self.curvature) * dictionary).sum();
        0.5 * quadratic - (dictionary * &self.products).sum()
    }

    /// The dictionary after so many sweeps of block coordinate descent.
    pub fn minimised<T: Number + NdFloat>(
        &self,
        dictionary: &Array2<T>,
        constraint: Constraint,
        sweeps: usize,
    ) -> Array2<T> {
        let m = dictionary.nrows();
        // Atoms as rows, so that each lies together.
        let mut atoms = transposed(dictionary);
        let products = transposed(&self.products.mapv(T::from_f64));
        let curvature = self.curvature.as_standard_layout().mapv(T::from_f64);
        let norms = self.curvature.diag();
        let least = LEAST * norms.iter().fold(0.0f64, |most, a| most.max(*a));
        for _ in 0..sweeps {
            for from in (0..atoms.nrows()).step_by(BLOCK) {
                let to = (from + BLOCK).min(atoms.nrows());
                let of_block = curvature.slice(s![from..to, ..]);
                let explained = of_arrays(of_block, atoms.view());
                let mut left = &products.slice(s![from..to, ..]) - &explained;
                let mut of_block = atoms.slice_mut(s![from..to, ..]);
                let [of_block, left] = [of_block.as_slice_mut(), left.as_slice_mut()]
                    .map(|rows| rows.expect("rows lie together"));
                on_widest(Block {
                    curvature: curvature.slice(s![from..to, from..to]),
                    is_used: |j| norms[from + j] > least,
                    constraint,
                    atoms: of_block,
                    left,
                    m,
                });
            }
        }
        transposed(&atoms)
    }
}

/// Some atoms, one after the other. Rows are of m numbers.
struct Block<'a, T, U> {
    /// A, of these alone.
    curvature: ArrayView2<'a, T>,
    is_used: U,
    constraint: Constraint,
    atoms: &'a mut [T],
    /// What of B the atoms do not explain yet, `B − D A`.
    left: &'a mut [T],
    m: usize,
}

impl<T: Number, U: Fn(usize) -> bool> Loops for Block<'_, T, U> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { curvature, is_used, constraint, atoms, left, m } = self;
        let mut change = vec![T::ZERO; m];
        for (j, atom) in atoms.chunks_exact_mut(m).enumerate() {
            if !is_used(j) {
                continue;
            }
            let (of_these, of_others) = left.split_at_mut((j + 1) * m);
            let goal = &mut of_these[j * m..];
            let norm = curvature[[j, j]];
            goal.iter_mut().zip(&*atom).for_each(|(left, atom)| *left = *atom + *left / norm);
            let length = sum(goal, |v| v * v).sqrt();
            // An atom that would be 0 stays where it is.
            if length.is_nan() || length > 0.0 {
                let excess = T::from_f64(constraint.excess(length));
                for ((atom, change), goal) in atom.iter_mut().zip(&mut change).zip(goal) {
                    let goal = *goal / excess;
                    (*atom, *change) = (goal, goal - *atom);
                }
                // What the atoms to come have left, with this one where it is now.
                for (l, left) in (j + 1..).zip(of_others.chunks_exact_mut(m)) {
                    let factor = curvature[[l, j]];
                    left.iter_mut().zip(&change).for_each(|(left, c)| *left -= factor * *c);
                }
            }
        }
    }
}

fn flat<'a, T>(array: &ArrayView2<'a, T>) -> &'a [T] {
    array.to_slice().expect("the layout is standard")
}

/// `a ← left · a + b` for every number, on all threads where there are many.
fn blend(a: &mut Array2<f64>, left: f64, b: impl Fn(usize) -> f64 + Sync) {
    const CHUNK: usize = FEW / 4;
    if !a.is_standard_layout() {
        *a = a.as_standard_layout().into_owned();
    }
    let a = a.as_slice_mut().expect("the layout is standard");
    let some = |(chunk, a): (usize, &mut [f64])| {
        for (at, a) in (chunk * CHUNK..).zip(a) {
            *a = left * *a + b(at);
        }
    };
    match a.len() <= FEW {
        true => a.chunks_mut(CHUNK).enumerate().for_each(some),
        false => a.par_chunks_mut(CHUNK).enumerate().for_each(some),
    }
}

/// Row-major.
fn transposed<T: Number>(array: &Array2<T>) -> Array2<T> {
    let ((rows, columns), array) = (array.dim(), array.as_standard_layout());
    let values = transpose(flat(&array.view()), [rows, columns], columns, rows);
    Array2::from_shape_vec((columns, rows), values).expect("a transpose has this shape")
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
        ([dictionary, codes, x], Surrogate { curvature, products })
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

    /// So many numbers that threads share them: the definition, and the same bytes on any number of threads.
    #[test]
    fn large_dictionaries_are_the_definition_on_any_number_of_threads() {
        let (m, p) = (300, 2 * BLOCK + 150);
        assert!(Online::is_worth_threads([m, p]) && !Online::is_worth_threads([64, 128]));
        let mut stream = Stream::new(8, "online", 0);
        let dictionary = initialisation::random(m, p, &mut stream);
        let codes = normal([2 * p, p], &mut stream).mapv(|z| z.max(0.0));
        let curvature = codes.t().dot(&codes) / codes.nrows() as f64;
        let gradient = normal([m, p], &mut stream);
        let step = || {
            let mut surrogate = Surrogate::zeros([m, p]);
            surrogate.add([0.0, 1.0], &dictionary, &gradient, &curvature);
            let after = surrogate.minimised(&dictionary, Constraint::UnitBall, 1);
            (surrogate, after)
        };
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(step)
        };
        let ((surrogate, one), (_, three)) = (on(1), on(3));
        assert_eq!(one, three);
        let products = dictionary.dot(&curvature) - &gradient;
        assert!((&surrogate.products - &products).iter().all(|e| e.abs() < 1e-11));
        let error = one - by_definition(&surrogate, &dictionary, Constraint::UnitBall);
        assert!(error.iter().all(|e| e.abs() < 1e-11));
    }

    #[test]
    fn float32_is_near_float64() {
        let ([dictionary, ..], surrogate) = problem(2 * BLOCK + 1);
        let single = dictionary.mapv(|v| v as f32);
        for constraint in CONSTRAINTS {
            let a = surrogate.minimised(&dictionary, constraint, 2);
            let b = surrogate.minimised(&single, constraint, 2).mapv(f64::from);
            assert!((a - b).iter().all(|e| e.abs() < 1e-5), "{constraint:?}");
        }
    }

    #[test]
    fn the_statistics_of_a_batch_come_from_the_gradient() {
        let ([dictionary, codes, x], expected) = problem(30);
        let gradient = (codes.dot(&dictionary.t()) - &x).t().dot(&codes) / x.nrows() as f64;
        let curvature = &expected.curvature;
        let mut surrogate = Surrogate::zeros([20, 30]);
        surrogate.add([0.0, 1.0], &dictionary, &gradient, curvature);
        // Whatever the layout is.
        let by_columns =
            |array: &Array2<f64>| array.t().as_standard_layout().into_owned().reversed_axes();
        let [of_d, of_gradient, of_codes] = [&dictionary, &gradient, curvature].map(by_columns);
        surrogate.add([0.5, 0.25], &of_d, &of_gradient, &of_codes);
        let after = surrogate.minimised(&dictionary, Constraint::None, 1);
        let [of_a, of_b] = [&surrogate.curvature, &surrogate.products].map(by_columns);
        let same = Surrogate { curvature: of_a, products: of_b };
        assert_eq!(same.minimised(&of_d, Constraint::None, 1), after);
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
            Surrogate::zeros([20, 10]).minimised(&dictionary, Constraint::None, 1) == dictionary
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
