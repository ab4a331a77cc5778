//! An active set and coordinate descent, for least squares with a matrix on the CPU.

use ndarray::{Array2, Axis};

use super::{Solution, Solved, allowed};
use crate::fit::DataFit;
use crate::lasso::active_set::Scratch;
use crate::lasso::descent::{Aim, End, Example};
use crate::metrics::sparse_residual;
use crate::operator::LinearOperator;
use crate::prox::{ProximalOperator, Separable};
use crate::tensors::{Precision, is_on_cpu, to_array, to_tensor};

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

/// In float64, whatever the precision of the codes; `None` where it does not serve.
pub(super) fn solve<O: LinearOperator, P: ProximalOperator, F: DataFit>(
    solved: &Solved<P, F>,
    operator: &O,
    x: &burn::tensor::Tensor<2>,
    start: Option<&burn::tensor::Tensor<2>>,
) -> Option<Solution> {
    let Separable { penalty, ridge } = solved.prox.separable()?;
    let matrix = operator.as_matrix().filter(|_| solved.fit.is_least_squares())?.matrix;
    let device = x.device();
    if !is_on_cpu(&device) {
        return None;
    }
    let precision = Precision::of(x);
    let dictionary = to_array(&matrix);
    let x = to_array(x);
    let gram = dictionary.t().dot(&dictionary);
    let norms = gram.diag().to_vec();
    let at_zero = x.dot(&dictionary);
    let atoms = dictionary.t().as_standard_layout().into_owned();
    let mut codes = match start {
        Some(start) => to_array(start),
        None => Array2::zeros(at_zero.dim()),
    };
    let mut correlations = match start {
        Some(_) => sparse_residual(&atoms, &x, &codes).dot(&dictionary),
        None => at_zero.clone(),
    };
    let mut standings = vec![Standing::default(); x.nrows()];
    let mut scratch = Scratch::default();
    let mut open: Vec<usize> = (0..x.nrows()).collect();
    loop {
        open.retain(|&i| {
            let mut z = codes.row_mut(i);
            let mut correlations = correlations.row_mut(i);
            let mut example = Example {
                gram: &gram,
                norms: &norms,
                sided: solved.prox.sided(),
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
            let tolerance = allowed(solved.tolerance, size, Precision::Float64);
            let left = solved.iterations - standing.passes;
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
        let [x, z] = [&x, &codes].map(|all| all.select(Axis(0), &open));
        let fresh = sparse_residual(&atoms, &x, &z).dot(&dictionary);
        for (&i, fresh) in open.iter().zip(fresh.rows()) {
            correlations.row_mut(i).assign(&fresh);
        }
    }
    let most = standings.iter().map(|standing| standing.passes).max().unwrap_or(0);
    let residuals = standings.into_iter().map(|standing| standing.residual).collect();
    let codes = to_tensor(&codes, precision, &device);
    Some(Solution::new(codes, residuals, most, solved.tolerance))
}
