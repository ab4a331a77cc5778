//! Codes that need not be better than float32 holds, on all threads: coordinate descent in float32, and where that is slow
//! the active set in float64.

use std::sync::OnceLock;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};
use rayon::prelude::*;

use super::active_set::Scratch;
use super::descent::{Aim, Example};
use super::single::Single;
use crate::prox::{Separable, Sided};

/// Rows of a product, and examples, that one thread takes at a time.
const PANEL: usize = 64;
const EXAMPLES: usize = 32;

/// Rounds of coordinate descent before the active set goes on; and how often in a chunk that may come to it.
const ROUNDS: usize = 4;
const PATIENCE: usize = 3;

/// A Gram matrix of fewer multiplications than this is not worth waking a thread for.
const LEAST_WORK: usize = 1 << 23;

/// How many roundings of `|D_jᵀx| ≤ ‖D_j‖ ‖x‖` the products may be off by.
const ROUNDINGS: f64 = 32.0;

/// `argmin_z ½‖x − D z‖² + λ‖z‖₁ + ridge/2 ‖z‖²`, for many examples.
pub(crate) struct Coarse<'a> {
    /// Dᵀ, `[p, m]`.
    pub atoms: &'a Array2<f32>,
    pub sided: Sided,
    pub penalty: Separable,
    /// What the fixed-point residual, with a step of 1, is brought to.
    pub tolerance: f64,
    /// Rounds and passes, at most.
    pub most: usize,
}

/// Codes `[n, p]`; the residual of each, infinite where float32 cannot tell; and the most rounds that one took.
pub(crate) struct Codes {
    pub codes: Array2<f32>,
    pub residuals: Vec<f64>,
    pub rounds: usize,
}

impl Coarse<'_> {
    /// Codes of examples `[n, m]`, from 0.
    pub fn solve(&self, x: &Array2<f32>) -> Codes {
        let gram = gram(self.atoms);
        let longest = gram.diag().iter().fold(0.0f64, |most, norm| most.max(f64::from(*norm)));
        let (n, p) = (x.nrows(), self.atoms.nrows());
        let mut codes = Array2::zeros((n, p));
        let mut found = vec![(0.0, 0); n];
        let rows = Axis(0);
        let chunks =
            codes.axis_chunks_iter_mut(rows, EXAMPLES).zip(x.axis_chunks_iter(rows, EXAMPLES));
        let chunks: Vec<Chunk> = chunks.zip(found.chunks_mut(EXAMPLES)).collect();
        let wide = OnceLock::new();
        let all = All { gram: &gram, wide: &wide, longest: longest.sqrt() };
        let of_chunk = |scratch: &mut Scratch, chunk: Chunk| self.solve_chunk(&all, scratch, chunk);
        chunks.into_par_iter().for_each_init(Scratch::default, of_chunk);
        let rounds = found.iter().map(|(_, rounds)| *rounds).max().unwrap_or(0);
        Codes {
            codes,
            residuals: found.into_iter().map(|(residual, _)| residual).collect(),
            rounds,
        }
    }

    fn solve_chunk(&self, all: &All, scratch: &mut Scratch, ((mut codes, x), found): Chunk) {
        let mut at_zero = x.dot(&self.atoms.t()).as_standard_layout().into_owned();
        let mut correlations = at_zero.clone();
        // Where coordinate descent fails at once, it is not tried again in this chunk.
        let mut failures = 0;
        for (index, found) in found.iter_mut().enumerate() {
            let squares = x.row(index).iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
            let rounding = ROUNDINGS * f64::from(f32::EPSILON) * all.longest * squares.sqrt();
            if rounding.is_nan() || rounding > self.tolerance {
                *found = (f64::INFINITY, 0);
                continue;
            }
            let (mut codes, mut at_zero) = (codes.row_mut(index), at_zero.row_mut(index));
            let mut correlations = correlations.row_mut(index);
            let [codes, at_zero, correlations] = [&mut codes, &mut at_zero, &mut correlations]
                .map(|row| row.as_slice_mut().expect("rows are contiguous"));
            if failures < PATIENCE {
                let gram = all.gram.as_slice().expect("a product is contiguous");
                let single = Single { gram, at_zero, sided: self.sided, penalty: self.penalty };
                *found = single.solve(codes, correlations, self.tolerance, self.most.min(ROUNDS));
                if found.0 <= self.tolerance {
                    continue;
                }
                failures += 1;
            }
            *found = self.solve_by_active_set(all, scratch, (squares, at_zero), codes);
        }
    }

    /// In float64, from codes.
    fn solve_by_active_set(
        &self,
        all: &All,
        scratch: &mut Scratch,
        (squares, at_zero): (f64, &[f32]),
        codes: &mut [f32],
    ) -> (f64, usize) {
        let (gram, norms) = all.wide.get_or_init(|| {
            let gram = all.gram.mapv(f64::from);
            let norms = gram.diag().to_vec();
            (gram, norms)
        });
        let [mut of_one, at_zero] =
            [&*codes, at_zero].map(|row| row.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>());
        let mut correlations = at_zero.clone();
        let mut example = Example {
            gram,
            norms,
            sided: self.sided,
            penalty: self.penalty.penalty,
            ridge: self.penalty.ridge,
            squares,
            at_zero: (&at_zero).into(),
            correlations: &mut correlations,
            codes: &mut of_one,
        };
        let used =
            |codes: &[f64]| (0..codes.len()).filter(|&j| codes[j] != 0.0).collect::<Vec<_>>();
        example.refresh(&used(example.codes));
        let aim = Aim::Residual(self.tolerance);
        let (rounds, _) = example.descend(scratch, aim, self.most, &|| true);
        example.refresh(&used(example.codes));
        let residual = example.residual();
        codes.iter_mut().zip(&of_one).for_each(|(out, z)| *out = *z as f32);
        (residual, rounds)
    }
}

/// What all examples share.
struct All<'a> {
    /// DᵀD.
    gram: &'a Array2<f32>,
    /// The same and its diagonal in float64, where they are needed.
    wide: &'a OnceLock<(Array2<f64>, Vec<f64>)>,
    /// The largest ‖D_j‖.
    longest: f64,
}

/// Some examples: their codes, they themselves, and what is found of them.
type Chunk<'a> = ((ArrayViewMut2<'a, f32>, ArrayView2<'a, f32>), &'a mut [(f64, usize)]);

/// DᵀD of Dᵀ, `[p, m]`: a panel at a time, and of a symmetric matrix the half.
fn gram(atoms: &Array2<f32>) -> Array2<f32> {
    let p = atoms.nrows();
    if p * atoms.len() < LEAST_WORK {
        // Of one feature the product comes by columns.
        return atoms.dot(&atoms.t()).as_standard_layout().into_owned();
    }
    let panels: Vec<usize> = (0..p).step_by(PANEL).collect();
    let panel = |from: &usize| {
        let rows = atoms.slice(s![*from..(*from + PANEL).min(p), ..]);
        rows.dot(&atoms.slice(s![*from.., ..]).t())
    };
    let panels: Vec<_> = panels.par_iter().map(|from| (*from, panel(from))).collect();
    let mut gram = Array2::zeros((p, p));
    for (from, panel) in panels {
        for (i, row) in panel.rows().into_iter().enumerate() {
            for (j, value) in row.iter().enumerate().skip(i) {
                gram[[from + i, from + j]] = *value;
                gram[[from + j, from + i]] = *value;
            }
        }
    }
    gram
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dictionary::initialisation;
    use crate::lasso::Lasso;
    use crate::random::Stream;

    fn problem(n: usize) -> (Array2<f64>, Array2<f32>, Array2<f64>) {
        let (m, p) = (30, 2 * PANEL + 5);
        let mut stream = Stream::new(5, "coarse", 0);
        let dictionary = initialisation::random(m, p, &mut stream);
        let x = Array2::from_shape_simple_fn((n, m), || stream.normal());
        let atoms = dictionary.t().mapv(|v| v as f32).as_standard_layout().into_owned();
        (dictionary, atoms, x)
    }

    #[test]
    fn the_gram_is_the_product() {
        let mut stream = Stream::new(5, "gram", 0);
        for (m, p) in [(1, 3), (30, 20), (600, 2 * PANEL + 5)] {
            let dictionary = initialisation::random(m, p, &mut stream);
            let atoms = dictionary.t().mapv(|v| v as f32).as_standard_layout().into_owned();
            let error = gram(&atoms).mapv(f64::from) - dictionary.t().dot(&dictionary);
            assert!(error.iter().all(|e| e.abs() < 1e-6));
        }
    }

    /// Within what float32 holds, the codes are those of the solver in float64, on any number of threads.
    #[test]
    fn codes_are_those_of_float64() {
        let (dictionary, atoms, x) = problem(100);
        let single = x.mapv(|v| v as f32);
        for sided in [Sided::Two, Sided::One] {
            let penalty = Separable { penalty: 0.6, ridge: 0.0 };
            let coarse = Coarse { atoms: &atoms, sided, penalty, tolerance: 1e-4, most: 1000 };
            let found = coarse.solve(&single);
            let solved = Lasso::new(&dictionary, 0.6, sided).solve(&x, 1e-12, 10_000, &|| true);
            let error = (found.codes.mapv(f64::from) - &solved.codes).mapv(f64::abs);
            assert!(error.iter().all(|e| *e < 1e-3), "{sided:?}");
            assert!(found.residuals.iter().all(|residual| *residual < 1e-4), "{sided:?}");
            let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
            assert_eq!(pool.install(|| coarse.solve(&single)).codes, found.codes);
        }
    }

    #[test]
    fn one_feature_is_enough() {
        let atoms = ndarray::array![[1.0], [-1.0]];
        let penalty = Separable { penalty: 0.5, ridge: 0.0 };
        let coarse =
            Coarse { atoms: &atoms, sided: Sided::One, penalty, tolerance: 1e-3, most: 10 };
        let found = coarse.solve(&ndarray::array![[2.0], [-1.0], [0.1]]);
        assert_eq!(found.codes, ndarray::array![[1.5, 0.0], [0.0, 0.5], [0.0, 0.0]]);
    }

    #[test]
    fn what_float32_cannot_tell_is_said() {
        let atoms = Array2::eye(2);
        let penalty = Separable { penalty: 0.1, ridge: 0.0 };
        let coarse =
            Coarse { atoms: &atoms, sided: Sided::Two, penalty, tolerance: 1e-3, most: 10 };
        let found = coarse.solve(&ndarray::array![[f32::NAN, 1.0], [1.0, 1.0], [1e4, 1.0]]);
        assert_eq!(found.residuals[0], f64::INFINITY);
        assert!(found.residuals[1] < 1e-6);
        assert_eq!(found.residuals[2], f64::INFINITY);
    }
}
