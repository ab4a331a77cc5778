//! The lasso's codes at a fixed dictionary, to a given duality gap.
//!
//! Not an encoder: nothing here is unrolled or differentiated. It is what trained dictionaries are applied with.

pub(crate) mod active_set;
pub(crate) mod coarse;
pub(crate) mod descent;

use ndarray::{Array2, Axis};

use crate::metrics::Judge;
use crate::prox::Sided;
use crate::scale::scaled;
use active_set::Scratch;
use descent::{Aim, End, Example};

/// `argmin_z ½‖x − D z‖² + λ‖z‖₁` by an active set, exactly on the atoms in use; where those are many or depend on each
/// other, by cyclic coordinate descent over active atoms (J. Friedman, T. Hastie, H. Höfling, R. Tibshirani, *Pathwise
/// coordinate optimization*, Annals of Applied Statistics, 2007).
///
/// `Dᵀ(x − D z)` is kept up with z entry by entry. Rounding adds up in it, so no example is done before it was
/// computed anew and the gap is that of [`crate::metrics::duality_gaps`]; where it is not, the descent goes on from there.
/// D and every example are brought near 1 by powers of two first, so that their scale does not matter.
///
/// | | |
/// |---|---|
/// | requires | λ > 0 for a gap to exist; the gap is that of [`crate::metrics::duality_gaps`] |
/// | shapes | `D [m, p]`, `x [n, m]`, codes `[n, p]` |
/// | cost | p operations for every entry that changes, beside DᵀD once, `n m p` for Dᵀx and twice that for the gaps |
#[derive(Clone, Debug)]
pub struct Lasso {
    judge: Judge,
    /// DᵀD.
    gram: Array2<f64>,
    /// Its diagonal, ‖D_j‖².
    norms: Vec<f64>,
}

/// Codes, and how close they are.
#[derive(Clone, Debug)]
pub struct Solution {
    /// The codes, `[n, p]`.
    pub codes: Array2<f64>,
    /// Their relative duality gaps.
    pub gaps: Vec<f64>,
    /// The most passes over all atoms that an example took.
    pub passes: usize,
    /// Examples whose gap rounding keeps above the one asked for.
    pub stalled: usize,
    /// Examples that the passes allowed did not bring to the gap.
    pub unfinished: usize,
}

/// The share of the gap that is aimed at: the rest is for rounding.
const AIM: f64 = 0.99;

/// Passes over all atoms, at most, until `Dᵀ(x − D z)` is computed anew.
const FRESH: usize = 20;

/// So many times in a row a fresh start may end where rounding is in the way and have brought nothing.
const PATIENCE: usize = 5;

/// Where an example stands.
#[derive(Clone, Copy)]
struct Standing {
    gap: f64,
    passes: usize,
    in_vain: usize,
    end: End,
}

impl Lasso {
    /// For a dictionary `[m, p]` and the penalty λ.
    pub fn new(dictionary: &Array2<f64>, penalty: f64, sided: Sided) -> Self {
        let judge = Judge::new(dictionary, penalty, sided);
        let gram = judge.dictionary.t().dot(&judge.dictionary);
        let norms = gram.diag().to_vec();
        Self { judge, gram, norms }
    }

    /// Codes of examples `[n, m]` with a relative duality gap of at most `gap`, or the best that rounding and `most`
    /// passes over all atoms allow. Once `go_on` says no, what is there is given back.
    pub fn solve(
        &self,
        x: &Array2<f64>,
        gap: f64,
        most: usize,
        go_on: &dyn Fn() -> bool,
    ) -> Solution {
        let exponents = self.judge.exponents(x);
        let x = self.judge.examples(x, &exponents);
        let at_zero = x.dot(&self.judge.dictionary);
        let mut correlations = at_zero.clone();
        let mut near = Array2::zeros(at_zero.dim());
        let mut codes = Array2::zeros(at_zero.dim());
        let start = Standing { gap: f64::INFINITY, passes: 0, in_vain: 0, end: End::Passes };
        let mut standings = vec![start; x.nrows()];
        let mut open: Vec<usize> = (0..x.nrows()).collect();
        let mut scratch = Scratch::default();
        while !open.is_empty() {
            for &i in &open {
                let (mut near, mut correlations) = (near.row_mut(i), correlations.row_mut(i));
                let mut example = Example {
                    gram: &self.gram,
                    norms: &self.norms,
                    sided: self.judge.sided,
                    penalty: self.judge.penalty(exponents[i]),
                    ridge: 0.0,
                    squares: x.row(i).dot(&x.row(i)),
                    at_zero: at_zero.row(i),
                    correlations: correlations.as_slice_mut().expect("rows are contiguous"),
                    codes: near.as_slice_mut().expect("rows are contiguous"),
                };
                let standing = &mut standings[i];
                let passes = FRESH.min(most - standing.passes);
                let (passes, end) =
                    example.descend(&mut scratch, Aim::Gap(AIM * gap), passes, go_on);
                (standing.passes, standing.end) = (standing.passes + passes, end);
                // The gap is to be that of the codes that are given back.
                let e = self.judge.of_codes(exponents[i]);
                near.iter_mut().for_each(|z| *z = scaled(scaled(*z, e), -e));
            }
            let of_open: Vec<i32> = open.iter().map(|&i| exponents[i]).collect();
            let [x, z] = [&x, &near].map(|all| all.select(Axis(0), &open));
            let (gaps, fresh) = self.judge.judge(&x, &z, &of_open);
            for ((&i, found), fresh) in open.iter().zip(gaps).zip(fresh.rows()) {
                correlations.row_mut(i).assign(&fresh);
                let standing = &mut standings[i];
                if found < standing.gap || standing.gap.is_infinite() {
                    (standing.gap, standing.in_vain) = (found, 0);
                    let e = self.judge.of_codes(exponents[i]);
                    let near = near.row(i);
                    codes.row_mut(i).zip_mut_with(&near, |out, z| *out = scaled(*z, e));
                } else if standing.end != End::Passes {
                    standing.in_vain += 1;
                }
            }
            open.retain(|&i| {
                let Standing { gap: found, passes, in_vain, .. } = standings[i];
                found > gap && found.is_finite() && in_vain < PATIENCE && passes < most && go_on()
            });
        }
        let missed = || standings.iter().filter(|standing| standing.gap > gap);
        let stalled = missed().filter(|standing| standing.in_vain >= PATIENCE).count();
        Solution {
            codes,
            gaps: standings.iter().map(|standing| standing.gap).collect(),
            passes: standings.iter().map(|standing| standing.passes).max().unwrap_or(0),
            stalled,
            unfinished: missed().count() - stalled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dictionary::initialisation;
    use crate::metrics::duality_gaps;
    use crate::random::Stream;

    const GO_ON: &dyn Fn() -> bool = &|| true;

    fn problem(m: usize, p: usize, n: usize) -> (Array2<f64>, Array2<f64>) {
        let mut stream = Stream::new(5, "lasso", 0);
        let dictionary = initialisation::random(m, p, &mut stream);
        let x = Array2::from_shape_simple_fn((n, m), || stream.normal());
        (dictionary, x)
    }

    fn worst(gaps: &[f64]) -> f64 {
        gaps.iter().copied().fold(0.0, f64::max)
    }

    #[test]
    fn the_gap_asked_for_is_reached_from_either_side() {
        let (dictionary, x) = problem(12, 30, 25);
        for sided in [Sided::Two, Sided::One] {
            for target in [1e-2, 1e-6, 1e-10, 1e-13] {
                let lasso = Lasso::new(&dictionary, 0.1, sided);
                let found = lasso.solve(&x, target, 10_000, GO_ON);
                assert!(found.passes < 10_000 && found.stalled + found.unfinished == 0);
                let gaps = duality_gaps(&dictionary, &x, &found.codes, 0.1, sided);
                assert_eq!(gaps, found.gaps);
                assert!(worst(&gaps) <= target, "{sided:?} {target:e}: {:e}", worst(&gaps));
                assert!(sided == Sided::Two || found.codes.iter().all(|z| *z >= 0.0));
            }
        }
    }

    #[test]
    fn atoms_of_norm_zero_and_examples_that_are_zero_do_no_harm() {
        let mut dictionary = Array2::zeros((3, 4));
        dictionary[[0, 1]] = 1.0;
        let x = ndarray::array![[2.0, 0.0, 1.0], [0.0, 0.0, 0.0]];
        let found = Lasso::new(&dictionary, 0.5, Sided::Two).solve(&x, 1e-12, 100, GO_ON);
        assert_eq!(found.codes.row(0).to_vec(), [0.0, 1.5, 0.0, 0.0]);
        assert_eq!(found.codes.row(1).to_vec(), [0.0; 4]);
    }

    #[test]
    fn the_scale_of_the_data_does_not_matter() {
        let (dictionary, x) = problem(12, 30, 25);
        let plain = Lasso::new(&dictionary, 0.1, Sided::Two).solve(&x, 1e-9, 10_000, GO_ON);
        for (d, e) in [(0, 515), (0, -565), (500, -480), (-500, 300)] {
            let [data, atoms, both] =
                [e, d, d + e].map(|exponent| move |v: f64| scaled(v, exponent));
            let lasso = Lasso::new(&dictionary.mapv(atoms), both(0.1), Sided::Two);
            let found = lasso.solve(&x.mapv(data), 1e-9, 10_000, GO_ON);
            assert_eq!(found.codes, plain.codes.mapv(|z| scaled(z, e - d)), "{d} {e}");
            assert_eq!((found.gaps, found.passes), (plain.gaps.clone(), plain.passes));
        }
        // Nor in which order the numbers lie.
        let [dictionary, x] = [&dictionary, &x].map(|a| {
            let by_columns = a.t().as_standard_layout().into_owned();
            by_columns.reversed_axes()
        });
        let found = Lasso::new(&dictionary, 0.1, Sided::Two).solve(&x, 1e-9, 10_000, GO_ON);
        assert_eq!((found.codes, found.gaps), (plain.codes, plain.gaps));
    }

    #[test]
    fn what_rounding_keeps_from_the_gap_is_said_soon_and_as_good_as_it_gets() {
        let (mut dictionary, x) = problem(12, 30, 25);
        for (j, mut atom) in dictionary.columns_mut().into_iter().enumerate() {
            atom *= 10f64.powf(-8.0 + 16.0 * j as f64 / 29.0);
        }
        let lasso = Lasso::new(&dictionary, 0.01, Sided::Two);
        let found = lasso.solve(&x, 1e-12, 100_000, GO_ON);
        assert!(found.stalled > 0 && found.unfinished == 0, "{found:?}");
        assert!(found.passes < 50_000, "{}", found.passes);
        assert_eq!(found.gaps, duality_gaps(&dictionary, &x, &found.codes, 0.01, Sided::Two));
        // What is asked for beyond that makes nothing worse.
        let (plain, x) = problem(12, 30, 25);
        let lasso = Lasso::new(&plain, 0.1, Sided::Two);
        let found = lasso.solve(&x, 1e-18, 100_000, GO_ON);
        assert!(found.stalled > 0 && worst(&found.gaps) <= 1e-13, "{:?}", found.gaps);
    }

    #[test]
    fn a_wish_to_stop_is_heeded_and_passes_are_counted() {
        let (dictionary, x) = problem(12, 30, 25);
        let lasso = Lasso::new(&dictionary, 1e-3, Sided::Two);
        let found = lasso.solve(&x, 1e-12, 3, GO_ON);
        assert_eq!((found.passes, found.stalled, found.unfinished), (3, 0, 25));
        let found = lasso.solve(&x, 1e-12, 1000, &|| false);
        assert_eq!((found.passes, found.unfinished), (0, 25));
    }
}
