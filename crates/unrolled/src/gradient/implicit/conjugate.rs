//! By conjugate gradients.

use burn::tensor::Tensor;

use super::NO_CURVATURE;
use crate::encoder::Encoder;
use crate::fit::DataFit;
use crate::operator::LinearOperator;
use crate::tensors::{Precision, from_values, to_values};

/// The share of q that is left at the end, in float64; float32 stops where it can.
const LEFT: f64 = 1e-12;
const LEFT_OF_FLOAT32: f64 = 1e-6;

/// H is singular where a direction's curvature is below this share of the largest that was seen.
const SINGULAR: f64 = 1e-14;
const SINGULAR_IN_FLOAT32: f64 = 1e-7;

/// All examples side by side (M. R. Hestenes, E. Stiefel, *Methods of conjugate gradients for solving linear systems*,
/// 1952); how many are singular. Those have what is not a number.
pub(super) fn solve<O: LinearOperator, E: Encoder>(
    operator: &O,
    encoder: &E,
    residual: &Tensor<2>,
    codes: &Tensor<2>,
    q: Tensor<2>,
    ridge: f64,
) -> (Tensor<2>, usize) {
    let [n, width] = codes.dims();
    let precision = Precision::of(codes);
    let (left, singular) = match precision {
        Precision::Float64 => (LEFT, SINGULAR),
        Precision::Float32 => (LEFT_OF_FLOAT32, SINGULAR_IN_FLOAT32),
    };
    let unused = codes.clone().equal_elem(0.0);
    let on_support = |rows: Tensor<2>| rows.mask_fill(unused.clone(), 0.0);
    let image = |p: &Tensor<2>| {
        let bent = encoder.fit().curvature(residual, operator.forward(p.clone()));
        let penalty = encoder.penalty_curvature(codes, p.clone()).expect(NO_CURVATURE);
        on_support(operator.adjoint(bent).add(penalty).add(p.clone().mul_scalar(ridge)))
    };
    let products = |a: &Tensor<2>, b: &Tensor<2>| to_values(&a.clone().mul(b.clone()).sum_dim(1));
    let column = |values: &[f64]| {
        from_values::<2>(values.iter().copied(), [n, 1], precision, &codes.device())
    };
    let mut r = on_support(q);
    let mut u = r.zeros_like();
    let mut p = r.clone();
    let mut squares = products(&r, &r);
    let start = squares.clone();
    let mut largest = vec![0.0f64; n];
    let mut is_singular = vec![false; n];
    for _ in 0..2 * width {
        let open = |at: usize, squares: &[f64], is_singular: &[bool]| {
            squares[at] > left * left * start[at] && !is_singular[at]
        };
        if (0..n).all(|at| !open(at, &squares, &is_singular)) {
            break;
        }
        let h = image(&p);
        let (curvatures, lengths) = (products(&p, &h), products(&p, &p));
        let mut steps = vec![0.0; n];
        for at in 0..n {
            if !open(at, &squares, &is_singular) {
                continue;
            }
            let curvature = curvatures[at] / lengths[at];
            largest[at] = largest[at].max(curvature);
            if curvature > singular * largest[at] {
                steps[at] = squares[at] / curvatures[at];
            } else {
                is_singular[at] = true;
            }
        }
        let by = column(&steps);
        u = u.add(p.clone().mul(by.clone()));
        r = r.sub(h.mul(by));
        let next = products(&r, &r);
        let ratios: Vec<f64> =
            (0..n).map(|at| if steps[at] == 0.0 { 0.0 } else { next[at] / squares[at] }).collect();
        p = r.clone().add(p.mul(column(&ratios)));
        for at in (0..n).filter(|at| steps[*at] != 0.0) {
            squares[at] = next[at];
        }
    }
    let marks: Vec<f64> =
        is_singular.iter().map(|singular| if *singular { f64::NAN } else { 0.0 }).collect();
    let count = is_singular.iter().filter(|singular| **singular).count();
    match count {
        0 => (u, 0),
        count => (u.add(column(&marks)), count),
    }
}
