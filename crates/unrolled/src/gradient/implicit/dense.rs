//! By a factorisation of H for every example: the reference, and the faster way for small supports.

use burn::tensor::Tensor;
use nalgebra::{DMatrix, DVector};
use ndarray::{Array2, ArrayView1, Axis};

use super::NO_CURVATURE;
use crate::encoder::Encoder;
use crate::fit::DataFit;
use crate::tensors::{Precision, to_array, to_tensor};

/// H is singular where a pivot of its factor is below this share of its largest entry.
const SINGULAR: f64 = 1e-13;

/// Examples that the curvature of the penalty is probed on.
const PROBED: usize = 16;

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
    let atoms = dictionary.t().as_standard_layout().into_owned();
    let penalty = Penalty::new(encoder, codes);
    let squared = encoder.fit().is_least_squares();
    let weights =
        (!squared).then(|| to_array(&encoder.fit().curvature(residual, residual.ones_like())));
    let systems = Systems { gram: dictionary.t().dot(&dictionary), atoms: &atoms, ridge };
    let (codes_of, q) = (to_array(codes), to_array(q));
    let mut u = Array2::zeros(q.dim());
    let mut singular = 0;
    for (at, z) in codes_of.rows().into_iter().enumerate() {
        let support: Vec<usize> = (0..z.len()).filter(|&j| z[j] != 0.0).collect();
        let mut h = systems.of(&support, weights.as_ref().map(|weights| weights.row(at)));
        penalty.add(at, &support, &mut h);
        let right = DVector::from_fn(support.len(), |a, _| q[[at, support[a]]]);
        let solution = solved(h, &right);
        singular += usize::from(solution.is_none());
        for (a, &j) in support.iter().enumerate() {
            u[[at, j]] = solution.as_ref().map_or(f64::NAN, |solution| solution[a]);
        }
    }
    (to_tensor(&u, Precision::of(codes), &codes.device()), singular)
}

/// H of every support, without the curvature of the penalty.
pub(super) struct Systems<'a> {
    /// DᵀD.
    pub gram: Array2<f64>,
    /// D, atoms as rows.
    pub atoms: &'a Array2<f64>,
    /// What is added to the diagonal.
    pub ridge: f64,
}

impl Systems<'_> {
    /// `D_Aᵀ diag(weights) D_A + ridge`; without weights, 1.
    pub fn of(&self, support: &[usize], weights: Option<ArrayView1<f64>>) -> DMatrix<f64> {
        let k = support.len();
        let mut h = match weights {
            None => DMatrix::from_fn(k, k, |a, b| self.gram[[support[a], support[b]]]),
            Some(weights) => {
                let chosen = self.atoms.select(Axis(0), support);
                let weighted = &chosen * &weights;
                let h = chosen.dot(&weighted.t());
                DMatrix::from_fn(k, k, |a, b| h[[a, b]])
            }
        };
        (0..k).for_each(|a| h[(a, a)] += self.ridge);
        h
    }
}

/// `H⁻¹ right`; `None` where H is singular.
pub(super) fn solved(h: DMatrix<f64>, right: &DVector<f64>) -> Option<DVector<f64>> {
    let largest = h.diagonal().iter().fold(0.0f64, |largest, v| largest.max(*v));
    let factor = h.cholesky()?;
    let regular = (0..right.len()).all(|a| {
        let pivot = factor.l_dirty()[(a, a)];
        pivot * pivot > SINGULAR * largest
    });
    regular.then(|| factor.solve(right))
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
/// whose entries all differ, of some examples.
pub(super) fn multiple<E: Encoder>(encoder: &E, codes: &Tensor<2>) -> Option<f64> {
    let [n, width] = codes.dims();
    for from in (0..n).step_by(PROBED) {
        let codes = codes.clone().narrow(0, from, PROBED.min(n - from));
        let rows = codes.dims()[0];
        let probe = Array2::from_shape_fn((rows, width), |(_, j)| 1.0 + (j % 13) as f64 / 8.0);
        let (probe, image) = curvature(encoder, &codes, &probe);
        let (probe, image) = (to_array(&probe), to_array(&image));
        let mut ratios = probe.iter().zip(&image).filter(|(p, _)| **p != 0.0).map(|(p, v)| v / p);
        // Codes that are all 0 tell nothing.
        let Some(first) = ratios.next() else { continue };
        return ratios.all(|v| (v - first).abs() <= 1e-5 * first.abs()).then_some(first);
    }
    Some(0.0)
}
