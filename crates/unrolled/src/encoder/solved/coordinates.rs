//! An active set and coordinate descent, for least squares with a matrix on the CPU.

use burn::tensor::Tensor;
use ndarray::{Array2, Axis};
use rayon::prelude::*;

use super::{Solution, Solved, allowed};
use crate::fit::DataFit;
use crate::lasso::active_set::Scratch;
use crate::lasso::coarse::{Coarse, Codes};
use crate::lasso::descent::{Aim, End, Example};
use crate::metrics::sparse_residual;
use crate::operator::LinearOperator;
use crate::prox::{ProximalOperator, Separable, Sided};
use crate::tensors::{Precision, from_array, is_on_cpu, to_array, to_array_of, to_tensor};

/// Passes over all atoms until `Dᵀ(x − D z)` is computed anew: rounding adds up in it.
const FRESH: usize = 20;

/// So many times in a row rounding may be in the way before an example is given up.
const PATIENCE: usize = 5;

/// The share of the tolerance that is aimed at: the rest is for rounding.
const AIM: f64 = 0.9;

/// Where an example stands.
#[derive(Clone)]
struct Standing {
    residual: f64,
    passes: usize,
    in_vain: usize,
}

impl Default for Standing {
    fn default() -> Self {
        Self { residual: f64::INFINITY, passes: 0, in_vain: 0 }
    }
}

/// A tolerance of this or more is reached by products in float32, where that is the precision of the codes.
pub const COARSE: f64 = 1e-4;

/// Examples that one thread takes at a time, of those that float32 cannot tell enough of.
const CHUNK: usize = 32;

/// Codes, the residual of each, and the most passes that one took.
struct Found {
    codes: Array2<f64>,
    residuals: Vec<f64>,
    passes: usize,
}

/// `None` where it does not serve.
pub(super) fn solve<O: LinearOperator, P: ProximalOperator, F: DataFit>(
    solved: &Solved<P, F>,
    operator: &O,
    x: &Tensor<2>,
    start: Option<&Tensor<2>>,
) -> Option<Solution> {
    let penalty = solved.prox.separable()?;
    let matrix = operator.as_matrix().filter(|_| solved.fit.is_least_squares())?.matrix;
    let device = x.device();
    if !is_on_cpu(&device) {
        return None;
    }
    let precision = Precision::of(x);
    if precision == Precision::Float32 && solved.tolerance >= COARSE && start.is_none() {
        return Some(in_single(solved, &matrix, x, penalty));
    }
    let start = start.map(to_array);
    let (dictionary, goal) = (to_array(&matrix), Goal::of(solved, penalty));
    let gram = dictionary.t().dot(&dictionary);
    let found = in_double(&goal, (&dictionary, &gram), &to_array(x), start);
    let codes = to_tensor(&found.codes, precision, &device);
    Some(Solution::new(codes, found.residuals, found.passes, solved.tolerance))
}

/// With products in float32; examples that those cannot tell enough of go in float64.
fn in_single<P: ProximalOperator, F: DataFit>(
    solved: &Solved<P, F>,
    matrix: &Tensor<2>,
    x: &Tensor<2>,
    penalty: Separable,
) -> Solution {
    let atoms = to_array_of::<f32>(&matrix.clone().transpose());
    let x = to_array_of::<f32>(x);
    let sided = solved.prox.sided();
    let (tolerance, most) = (AIM * solved.tolerance, solved.iterations);
    let coarse = Coarse { atoms: &atoms, sided, penalty, tolerance, most };
    let Codes { mut codes, mut residuals, rounds: mut passes } = coarse.solve(&x);
    let left: Vec<usize> = (0..x.nrows()).filter(|&i| !residuals[i].is_finite()).collect();
    if !left.is_empty() {
        let dictionary = atoms.t().mapv(f64::from).as_standard_layout().into_owned();
        let (gram, goal) = (dictionary.t().dot(&dictionary), Goal::of(solved, penalty));
        let of_chunk = |chunk: &[usize]| {
            let x = x.select(Axis(0), chunk).mapv(f64::from);
            in_double(&goal, (&dictionary, &gram), &x, None)
        };
        let found: Vec<Found> = left.par_chunks(CHUNK).map(of_chunk).collect();
        for (chunk, found) in left.chunks(CHUNK).zip(found) {
            let of_each = found.codes.rows().into_iter().zip(found.residuals);
            for (&i, (of_one, residual)) in chunk.iter().zip(of_each) {
                codes.row_mut(i).zip_mut_with(&of_one, |code, found| *code = *found as f32);
                residuals[i] = residual;
            }
            passes = passes.max(found.passes);
        }
    }
    let codes = from_array(codes, Precision::Float32, &matrix.device());
    Solution::new(codes, residuals, passes, solved.tolerance)
}

/// What codes are solved to.
struct Goal {
    sided: Sided,
    penalty: Separable,
    tolerance: f64,
    iterations: usize,
}

impl Goal {
    fn of<P: ProximalOperator, F: DataFit>(solved: &Solved<P, F>, penalty: Separable) -> Self {
        let Solved { tolerance, iterations, .. } = *solved;
        Self { sided: solved.prox.sided(), penalty, tolerance, iterations }
    }
}

/// In float64, from codes or from 0, with DᵀD.
fn in_double(
    goal: &Goal,
    (dictionary, gram): (&Array2<f64>, &Array2<f64>),
    x: &Array2<f64>,
    start: Option<Array2<f64>>,
) -> Found {
    let Separable { penalty, ridge } = goal.penalty;
    let norms = gram.diag().to_vec();
    let at_zero = x.dot(dictionary);
    let atoms = dictionary.t().as_standard_layout().into_owned();
    let mut correlations = match &start {
        Some(codes) => sparse_residual(&atoms, x, codes).dot(dictionary),
        None => at_zero.clone(),
    };
    let mut codes = start.unwrap_or_else(|| Array2::zeros(at_zero.dim()));
    let mut standings = vec![Standing::default(); x.nrows()];
    let mut scratch = Scratch::default();
    let mut open: Vec<usize> = (0..x.nrows()).collect();
    loop {
        open.retain(|&i| {
            let mut z = codes.row_mut(i);
            let mut correlations = correlations.row_mut(i);
            let mut example = Example {
                gram,
                norms: &norms,
                sided: goal.sided,
                penalty,
                ridge,
                squares: x.row(i).dot(&x.row(i)),
                at_zero: at_zero.row(i),
                correlations: correlations.as_slice_mut().expect("rows are contiguous"),
                codes: z.as_slice_mut().expect("rows are contiguous"),
            };
            let standing = &mut standings[i];
            if !example.squares.is_finite() {
                // What is not a number stays visible.
                example.codes.fill(f64::NAN);
                standing.residual = f64::NAN;
                return false;
            }
            let found = example.residual();
            standing.in_vain = if found < standing.residual { 0 } else { standing.in_vain + 1 };
            standing.residual = found;
            let size = example.codes.iter().fold(0.0f64, |size, z| size.max(z.abs()));
            let tolerance = allowed(goal.tolerance, size, Precision::Float64);
            let left = goal.iterations - standing.passes;
            if found.is_nan() || found <= tolerance || left == 0 || standing.in_vain > PATIENCE {
                return false;
            }
            let aim = Aim::Residual(AIM * tolerance);
            let (made, end) = example.descend(&mut scratch, aim, FRESH.min(left), &|| true);
            standing.passes += made.max(1).min(left);
            if end == End::Passes {
                standing.in_vain = 0;
            }
            true
        });
        if open.is_empty() {
            break;
        }
        // Rounding adds up in what was kept up with the codes.
        let [x, z] = [x, &codes].map(|all| all.select(Axis(0), &open));
        let fresh = sparse_residual(&atoms, &x, &z).dot(dictionary);
        for (&i, fresh) in open.iter().zip(fresh.rows()) {
            correlations.row_mut(i).assign(&fresh);
        }
    }
    let passes = standings.iter().map(|standing| standing.passes).max().unwrap_or(0);
    let residuals = standings.into_iter().map(|standing| standing.residual).collect();
    Found { codes, residuals, passes }
}
