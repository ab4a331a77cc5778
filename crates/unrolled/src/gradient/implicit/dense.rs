//! By a factorisation of H for every example: the reference, and the faster way for small supports.

use burn::tensor::Tensor;
use nalgebra::{DMatrix, DVector};
use ndarray::Array2;

use super::NO_CURVATURE;
use crate::encoder::Encoder;
use crate::fit::DataFit;
use crate::tensors::{Precision, to_array, to_tensor};

/// H is singular where a pivot of its factor is below this share of its largest entry.
const SINGULAR: f64 = 1e-13;

/// In float64; how many examples are singular. Those have what is not a number.
pub(super) fn solve<E: Encoder>(
    matrix: &Tensor<2>,
    encoder: &E,
    residual: &Tensor<2>,
    codes: &Tensor<2>,
    q: &Tensor<2>,
    ridge: f64,
) -> (Tensor<2>, usize) {
    let dictionary = to_array(matrix);
    let penalty = Penalty::new(encoder, codes);
    let squared = encoder.fit().is_least_squares();
    let gram = squared.then(|| dictionary.t().dot(&dictionary));
    let weights =
        (!squared).then(|| to_array(&encoder.fit().curvature(residual, residual.ones_like())));
    let (codes_of, q) = (to_array(codes), to_array(q));
    let mut u = Array2::zeros(q.dim());
    let mut singular = 0;
    for (at, z) in codes_of.rows().into_iter().enumerate() {
        let support: Vec<usize> = (0..z.len()).filter(|&j| z[j] != 0.0).collect();
        if support.is_empty() {
            continue;
        }
        let k = support.len();
        let mut h = match (&gram, &weights) {
            (Some(gram), _) => DMatrix::from_fn(k, k, |a, b| gram[[support[a], support[b]]]),
            (None, Some(weights)) => {
                let chosen = dictionary.select(ndarray::Axis(1), &support);
                let weighted = &chosen * &weights.row(at).insert_axis(ndarray::Axis(1));
                let h = chosen.t().dot(&weighted);
                DMatrix::from_fn(k, k, |a, b| h[[a, b]])
            }
            (None, None) => unreachable!("one of the two is there"),
        };
        penalty.add(at, &support, &mut h);
        let mut largest = 0.0f64;
        for a in 0..k {
            h[(a, a)] += ridge;
            largest = largest.max(h[(a, a)]);
        }
        let right = DVector::from_fn(k, |a, _| q[[at, support[a]]]);
        let factor = h.cholesky().filter(|factor| {
            let pivots = factor.l_dirty().diagonal();
            pivots.iter().all(|pivot| pivot * pivot > SINGULAR * largest)
        });
        let solution = factor.map(|factor| factor.solve(&right));
        singular += usize::from(solution.is_none());
        for (a, &j) in support.iter().enumerate() {
            u[[at, j]] = solution.as_ref().map_or(f64::NAN, |solution| solution[a]);
        }
    }
    (to_tensor(&u, Precision::of(codes), &codes.device()), singular)
}

/// The curvature of the penalty as a matrix.
enum Penalty {
    /// Of the identity.
    Multiple(f64),
    /// By columns: what it does to the direction of entry j, of all examples, `[n, q]` each.
    Columns(Vec<Array2<f64>>),
}

impl Penalty {
    fn new<E: Encoder>(encoder: &E, codes: &Tensor<2>) -> Self {
        if let Some(multiple) = multiple(encoder, codes) {
            return Self::Multiple(multiple);
        }
        let [n, width] = codes.dims();
        let columns = (0..width).map(|j| {
            let mut direction = Array2::zeros((n, width));
            direction.column_mut(j).fill(1.0);
            to_array(&curvature(encoder, codes, &direction).1)
        });
        Self::Columns(columns.collect())
    }

    fn add(&self, at: usize, support: &[usize], h: &mut DMatrix<f64>) {
        match self {
            Self::Multiple(multiple) => {
                (0..support.len()).for_each(|a| h[(a, a)] += multiple);
            }
            Self::Columns(columns) => {
                for (b, &j) in support.iter().enumerate() {
                    for (a, &i) in support.iter().enumerate() {
                        h[(a, b)] += columns[j][[at, i]];
                    }
                }
            }
        }
    }
}

/// A direction on the supports, and what the curvature of the penalty does to it.
fn curvature<E: Encoder>(
    encoder: &E,
    codes: &Tensor<2>,
    direction: &Array2<f64>,
) -> (Tensor<2>, Tensor<2>) {
    let direction = to_tensor(direction, Precision::of(codes), &codes.device());
    let direction = direction.mask_fill(codes.clone().equal_elem(0.0), 0.0);
    let image = encoder.penalty_curvature(codes, direction.clone()).expect(NO_CURVATURE);
    (direction, image)
}

/// The number that the curvature of the penalty is a multiple of the identity by, where it is that: found on a direction
/// whose entries all differ.
pub(super) fn multiple<E: Encoder>(encoder: &E, codes: &Tensor<2>) -> Option<f64> {
    let [n, width] = codes.dims();
    let probe = Array2::from_shape_fn((n, width), |(_, j)| 1.0 + 0.37 * (j as f64).sin());
    let (probe, image) = curvature(encoder, codes, &probe);
    let (probe, image) = (to_array(&probe), to_array(&image));
    let mut ratios = probe.iter().zip(&image).filter(|(p, _)| **p != 0.0).map(|(p, v)| v / p);
    let Some(first) = ratios.next() else { return Some(0.0) };
    ratios.all(|ratio| (ratio - first).abs() <= 1e-5 * first.abs()).then_some(first)
}
