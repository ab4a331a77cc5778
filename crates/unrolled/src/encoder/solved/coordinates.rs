//! Coordinate descent, for least squares with a matrix on the CPU.

use ndarray::Array2;

use super::{Solution, Solved, allowed};
use crate::fit::DataFit;
use crate::lasso::descent::{Aim, End, Example};
use crate::operator::LinearOperator;
use crate::prox::{ProximalOperator, Separable};
use crate::tensors::{Precision, is_on_cpu, to_array, to_tensor};

/// Passes over all atoms until `Dᵀ(x − D z)` is computed anew: rounding adds up in it.
const FRESH: usize = 20;

/// So many times in a row rounding may be in the way before an example is given up.
const PATIENCE: usize = 5;

/// The share of the tolerance that is aimed at: the rest is for rounding.
const AIM: f64 = 0.9;

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
    let warm = start.is_some();
    let mut codes = match start {
        Some(start) => to_array(start),
        None => Array2::zeros(at_zero.dim()),
    };
    let (mut residuals, mut most) = (Vec::with_capacity(x.nrows()), 0);
    for i in 0..x.nrows() {
        let z = codes.row_mut(i).into_slice().expect("rows are contiguous");
        let mut correlations = at_zero.row(i).to_vec();
        let squares = x.row(i).dot(&x.row(i));
        if !squares.is_finite() {
            // What is not a number stays visible.
            z.fill(f64::NAN);
            residuals.push(f64::NAN);
            continue;
        }
        let (mut passes, mut in_vain, mut best) = (0, 0, f64::INFINITY);
        let mut fresh = !warm;
        let residual = loop {
            if !fresh {
                let fitted = dictionary.dot(&ndarray::aview1(z));
                let left = &x.row(i) - &fitted;
                correlations = dictionary.t().dot(&left).to_vec();
            }
            fresh = false;
            let size = z.iter().fold(0.0f64, |size, z| size.max(z.abs()));
            let tolerance = allowed(solved.tolerance, size, Precision::Float64);
            let mut example = Example {
                gram: &gram,
                norms: &norms,
                sided: solved.prox.sided(),
                penalty,
                ridge,
                squares,
                at_zero: at_zero.row(i),
                correlations: &mut correlations,
                codes: &mut *z,
            };
            let found = example.residual();
            in_vain = if found < best { 0 } else { in_vain + 1 };
            best = best.min(found);
            let left = solved.iterations - passes;
            if !(found > tolerance) || left == 0 || in_vain > PATIENCE {
                break found;
            }
            let (made, end) =
                example.descend(Aim::Residual(AIM * tolerance), FRESH.min(left), &|| true);
            passes += made;
            if end == End::Passes {
                in_vain = 0;
            }
        };
        most = most.max(passes);
        residuals.push(residual);
    }
    let codes = to_tensor(&codes, precision, &device);
    Some(Solution::new(codes, residuals, most, solved.tolerance))
}
