//! Codes that need not be better than float32 holds, on all threads: in float32, and where that does not end on in float64.

use std::sync::OnceLock;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, NdFloat};
use rayon::prelude::*;

use super::active_set::Scratch;
use super::descent::{Aim, Example};
use crate::product::of_arrays;
use crate::prox::{Separable, Sided};

/// Examples that one thread takes at a time.
const EXAMPLES: usize = 32;

/// Rounds and passes in float32, at most: an active set ends in fifteen, and so does coordinate descent where it is quick.
const ROUNDS: usize = 40;

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
        let gram = of_arrays(self.atoms.view(), self.atoms.t());
        let longest = gram.diag().iter().fold(0.0f64, |most, norm| most.max(f64::from(*norm)));
        let (n, p) = (x.nrows(), self.atoms.nrows());
        let mut codes = Array2::zeros((n, p));
        let mut found = vec![(0.0, 0); n];
        let at_zero = of_arrays(x.view(), self.atoms.t());
        let rows = Axis(0);
        let examples =
            at_zero.axis_chunks_iter(rows, EXAMPLES).zip(x.axis_chunks_iter(rows, EXAMPLES));
        let chunks = codes.axis_chunks_iter_mut(rows, EXAMPLES).zip(examples);
        let chunks: Vec<Chunk> = chunks.zip(found.chunks_mut(EXAMPLES)).collect();
        let wide = OnceLock::new();
        let norms = gram.diag().to_vec();
        let all = All { gram: &gram, norms, wide: &wide, longest: longest.sqrt() };
        let of_chunk =
            |scratches: &mut Scratches, chunk: Chunk| self.solve_chunk(&all, scratches, chunk);
        chunks.into_par_iter().for_each_init(Scratches::default, of_chunk);
        let rounds = found.iter().map(|(_, rounds)| *rounds).max().unwrap_or(0);
        Codes {
            codes,
            residuals: found.into_iter().map(|(residual, _)| residual).collect(),
            rounds,
        }
    }

    fn solve_chunk(&self, all: &All, scratches: &mut Scratches, chunk: Chunk) {
        let ((mut codes, (at_zero, x)), found) = chunk;
        let mut correlations = vec![0.0; self.atoms.nrows()];
        for (index, found) in found.iter_mut().enumerate() {
            let squares = x.row(index).iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
            let rounding = ROUNDINGS * f64::from(f32::EPSILON) * all.longest * squares.sqrt();
            if rounding.is_nan() || rounding > self.tolerance {
                *found = (f64::INFINITY, 0);
                continue;
            }
            let (mut codes, at_zero) = (codes.row_mut(index), at_zero.row(index));
            let codes = codes.as_slice_mut().expect("rows are contiguous");
            correlations.copy_from_slice(at_zero.to_slice().expect("rows are contiguous"));
            let mut example = Example {
                gram: all.gram,
                norms: &all.norms,
                sided: self.sided,
                penalty: self.penalty.penalty as f32,
                ridge: self.penalty.ridge as f32,
                squares,
                at_zero,
                correlations: &mut correlations,
                codes,
            };
            *found = self.descend(&mut example, &mut scratches.single, self.most.min(ROUNDS));
            if found.0 > self.tolerance {
                let rounds = found.1;
                let left = self.most - rounds.min(self.most);
                *found = self.in_float64(all, &mut scratches.double, example, left);
                found.1 += rounds;
            }
        }
    }

    /// On from codes in float32.
    fn in_float64(
        &self,
        all: &All,
        scratch: &mut Scratch<f64>,
        narrow: Example<f32>,
        most: usize,
    ) -> (f64, usize) {
        let (gram, norms) = all.wide.get_or_init(|| {
            let gram = all.gram.mapv(f64::from);
            let norms = gram.diag().to_vec();
            (gram, norms)
        });
        let mut codes: Vec<f64> = narrow.codes.iter().map(|z| f64::from(*z)).collect();
        let at_zero = narrow.at_zero.mapv(f64::from);
        let mut correlations = at_zero.to_vec();
        let mut example = Example {
            gram,
            norms,
            sided: self.sided,
            penalty: self.penalty.penalty,
            ridge: self.penalty.ridge,
            squares: narrow.squares,
            at_zero: at_zero.view(),
            correlations: &mut correlations,
            codes: &mut codes,
        };
        example.refresh(&example.used());
        let found = self.descend(&mut example, scratch, most);
        narrow.codes.iter_mut().zip(&codes).for_each(|(out, z)| *out = *z as f32);
        found
    }

    /// The residual, and how many rounds there were.
    fn descend<T: NdFloat>(
        &self,
        example: &mut Example<T>,
        scratch: &mut Scratch<T>,
        most: usize,
    ) -> (f64, usize) {
        let aim = Aim::Residual(self.tolerance);
        let (rounds, _) = example.descend(scratch, aim, most, &|| true);
        example.refresh(&example.used());
        (example.residual(), rounds)
    }
}

/// What is used again for every example.
#[derive(Default)]
struct Scratches {
    single: Scratch<f32>,
    double: Scratch<f64>,
}

/// What all examples share.
struct All<'a> {
    /// DᵀD.
    gram: &'a Array2<f32>,
    /// Its diagonal.
    norms: Vec<f32>,
    /// The same and its diagonal in float64, where they are needed.
    wide: &'a OnceLock<(Array2<f64>, Vec<f64>)>,
    /// The largest ‖D_j‖.
    longest: f64,
}

/// Some examples: their codes, Dᵀx, they themselves, and what is found of them.
type Chunk<'a> = ((ArrayViewMut2<'a, f32>, (Rows<'a>, Rows<'a>)), &'a mut [(f64, usize)]);
type Rows<'a> = ArrayView2<'a, f32>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dictionary::initialisation;
    use crate::lasso::Lasso;
    use crate::random::Stream;

    fn problem(n: usize) -> (Array2<f64>, Array2<f32>, Array2<f64>) {
        let (m, p) = (30, 133);
        let mut stream = Stream::new(5, "coarse", 0);
        let dictionary = initialisation::random(m, p, &mut stream);
        let x = Array2::from_shape_simple_fn((n, m), || stream.normal());
        let atoms = dictionary.t().mapv(|v| v as f32).as_standard_layout().into_owned();
        (dictionary, atoms, x)
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

    /// More atoms in use than an active set takes, and few rounds: coordinate descent goes on, and float64 after it.
    #[test]
    fn codes_of_many_entries_are_solved_too() {
        let mut stream = Stream::new(6, "coarse", 0);
        let dictionary = initialisation::random(200, 300, &mut stream);
        let x = Array2::from_shape_simple_fn((20, 200), || stream.normal());
        let atoms = dictionary.t().mapv(|v| v as f32).as_standard_layout().into_owned();
        let penalty = Separable { penalty: 0.05, ridge: 0.0 };
        let coarse =
            Coarse { atoms: &atoms, sided: Sided::Two, penalty, tolerance: 1e-3, most: 1000 };
        let found = coarse.solve(&x.mapv(|v| v as f32));
        assert!(
            found.codes.rows().into_iter().all(|z| z.iter().filter(|z| **z != 0.0).count() > 96)
        );
        assert!(found.residuals.iter().all(|residual| *residual < 1e-3), "{:?}", found.residuals);
        // The residuals are what they are said to be.
        let (codes, penalty) = (found.codes.mapv(f64::from), penalty.penalty);
        let correlations = (&x - &codes.dot(&dictionary.t())).dot(&dictionary);
        for ((z, c), said) in
            codes.iter().zip(&correlations).zip(found.residuals.iter().flat_map(|r| [*r; 300]))
        {
            let v = z + c;
            assert!((v - v.clamp(-penalty, penalty) - z).abs() < said + 1e-4);
        }
    }

    /// What float32 does not bring within the tolerance in its rounds, float64 does after it.
    #[test]
    fn what_does_not_end_in_float32_goes_on_in_float64() {
        let mut stream = Stream::new(8, "coarse", 0);
        // Atoms all but the same, which coordinate descent takes many rounds to tell apart.
        let common: Vec<f64> = (0..200).map(|_| stream.normal()).collect();
        let near = Array2::from_shape_fn((200, 150), |(i, _)| common[i] + 0.3 * stream.normal());
        let dictionary = crate::dictionary::Constraint::UnitSphere.project(near);
        let x = Array2::from_shape_simple_fn((5, 200), || stream.normal());
        let atoms = dictionary.t().mapv(|v| v as f32).as_standard_layout().into_owned();
        let penalty = Separable { penalty: 0.01, ridge: 0.0 };
        let coarse =
            |most| Coarse { atoms: &atoms, sided: Sided::Two, penalty, tolerance: 1e-3, most };
        let single = x.mapv(|v| v as f32);
        let [few, many] = [ROUNDS, 100_000].map(|most| coarse(most).solve(&single));
        assert!(few.residuals.iter().all(|residual| *residual > 1e-3), "{:?}", few.residuals);
        assert!(many.residuals.iter().all(|residual| *residual < 1e-3), "{:?}", many.residuals);
        assert!(many.rounds > ROUNDS);
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
