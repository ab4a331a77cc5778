//! Where a dictionary may lie.

use burn::tensor::Tensor;
use ndarray::{Array1, Array2};

use crate::tensors::{Precision, is_on_cpu, to_array, to_tensor};

/// The set that atoms are kept in. Without one, the lasso's penalty would be evaded by growing the
/// atoms and shrinking the codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Constraint {
    /// Every atom has norm 1. An atom of norm 0 has no direction and stays 0.
    UnitSphere,
    /// Every atom has norm 1 or less.
    UnitBall,
    /// The whole matrix has Frobenius norm 1: atoms share it as they like. A matrix of norm 0 stays 0.
    UnitFrobenius,
    /// No constraint.
    None,
}

impl Constraint {
    /// What an atom of this norm, above 0, is divided by to lie within: 1 where it does, and where the constraint is of
    /// the whole matrix.
    pub(crate) fn excess(self, norm: f64) -> f64 {
        match self {
            Self::UnitSphere => norm,
            Self::UnitBall => norm.max(1.0),
            Self::UnitFrobenius | Self::None => 1.0,
        }
    }

    /// The nearest dictionary `[m, p]` that satisfies the constraint.
    pub fn project(self, mut dictionary: Array2<f64>) -> Array2<f64> {
        if self == Self::None {
            return dictionary;
        }
        if self == Self::UnitFrobenius {
            let norm = frobenius(&dictionary);
            return if norm > 0.0 { dictionary / norm } else { dictionary };
        }
        // Row by row: atoms are columns, far apart in memory.
        let mut norms = norms(&dictionary);
        for norm in &mut norms {
            let scaled = *norm > 0.0 && (self == Self::UnitSphere || *norm > 1.0);
            *norm = if scaled { *norm } else { 1.0 };
        }
        for mut row in dictionary.rows_mut() {
            row /= &norms;
        }
        dictionary
    }

    /// As [`Self::project`], where the dictionary is: in float64 on the CPU, elsewhere in its precision.
    pub(crate) fn project_in_place(self, dictionary: Tensor<2>) -> Tensor<2> {
        let device = dictionary.device();
        match self != Self::None && is_on_cpu(&device) {
            true => {
                let projected = self.project(to_array(&dictionary));
                to_tensor(&projected, Precision::of(&dictionary), &device)
            }
            false => self.project_tensor(dictionary),
        }
    }

    /// As [`Self::project`], where the dictionary is, in its precision.
    pub fn project_tensor(self, dictionary: Tensor<2>) -> Tensor<2> {
        let norms = |dictionary: &Tensor<2>| norms_of_tensor(dictionary);
        match self {
            Self::None => dictionary,
            Self::UnitBall => {
                let scales = norms(&dictionary).clamp_min(1.0);
                dictionary.div(scales)
            }
            Self::UnitSphere => {
                let norms = norms(&dictionary);
                let scales = norms.clone().mask_fill(norms.equal_elem(0.0), 1.0);
                dictionary.div(scales)
            }
            Self::UnitFrobenius => {
                let squares = dictionary.clone().mul(dictionary.clone());
                let norm = squares.sum().sqrt().reshape([1, 1]);
                let scale = norm.clone().mask_fill(norm.equal_elem(0.0), 1.0);
                dictionary.div(scale)
            }
        }
    }
}

/// ‖D‖_F, whose squares may be beyond the range of a float.
fn frobenius(dictionary: &Array2<f64>) -> f64 {
    let largest = dictionary.iter().fold(0.0f64, |largest, v| largest.max(v.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * dictionary.iter().map(|v| (v / largest).powi(2)).sum::<f64>().sqrt()
}

/// ‖D_j‖ of every atom, `[1, p]`.
pub(crate) fn norms_of_tensor(dictionary: &Tensor<2>) -> Tensor<2> {
    dictionary.clone().mul(dictionary.clone()).sum_dim(0).sqrt()
}

/// ‖D_j‖ of every atom.
pub(crate) fn norms(dictionary: &Array2<f64>) -> Array1<f64> {
    let mut squares = Array1::zeros(dictionary.ncols());
    for row in dictionary.rows() {
        squares.zip_mut_with(&row, |sum, v| *sum += v * v);
    }
    squares.mapv_into(f64::sqrt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use ndarray::array;

    #[test]
    fn each_constraint_projects_atoms_onto_its_set() {
        let d = array![[3.0, 0.3, 0.0], [4.0, 0.4, 0.0]];
        let sphere = Constraint::UnitSphere.project(d.clone());
        assert!(
            (&sphere - &array![[0.6, 0.6, 0.0], [0.8, 0.8, 0.0]]).iter().all(|e| e.abs() < 1e-15)
        );
        let ball = Constraint::UnitBall.project(d.clone());
        assert!(
            (&ball - &array![[0.6, 0.3, 0.0], [0.8, 0.4, 0.0]]).iter().all(|e| e.abs() < 1e-15)
        );
        let whole = Constraint::UnitFrobenius.project(d.clone());
        assert!((&whole * 25.25f64.sqrt() - &d).iter().all(|e| e.abs() < 1e-14));
        assert_eq!(Constraint::None.project(d.clone()), d);
        let zero = Array2::zeros((2, 3));
        assert_eq!(Constraint::UnitFrobenius.project(zero.clone()), zero);
        let all = [Constraint::UnitSphere, Constraint::UnitBall, Constraint::UnitFrobenius];
        for constraint in all.into_iter().chain([Constraint::None]) {
            let tensor = to_tensor(&d, Precision::Float64, &Device::flex());
            let projected = to_array(&constraint.project_tensor(tensor));
            let difference = projected - constraint.project(d.clone());
            assert!(difference.iter().all(|e| e.abs() < 1e-15), "{constraint:?}");
        }
    }
}
