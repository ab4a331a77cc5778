//! The dense dictionary.

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use ndarray::Array2;

use super::{Constraint, Dictionary};
use crate::operator::{LinearOperator, MatrixView, power_iteration};
use crate::parameters::Network;
use crate::product::product;
use crate::tensors::map_values;

/// A dictionary `D` of `p` atoms (columns) over `m` features (rows).
#[derive(Module, Debug)]
pub struct DenseDictionary {
    /// D, `[m, p]`.
    pub matrix: Param<Tensor<2>>,
    /// Where the atoms are kept.
    #[module(skip)]
    pub constraint: Constraint,
}

impl DenseDictionary {
    /// From the matrix `[m, p]`, without a constraint.
    pub fn new(matrix: Tensor<2>) -> Self {
        Self { matrix: Param::from_tensor(matrix), constraint: Constraint::None }
    }

    /// Keeps the atoms in a set; they are not moved before [`Network::project`].
    pub fn with_constraint(mut self, constraint: Constraint) -> Self {
        self.constraint = constraint;
        self
    }
}

impl LinearOperator for DenseDictionary {
    fn shape(&self) -> [usize; 2] {
        self.matrix.dims()
    }

    /// `Z Dᵀ`.
    fn forward(&self, z: Tensor<2>) -> Tensor<2> {
        self.matrix.val().forward(z)
    }

    /// `X D`.
    fn adjoint(&self, x: Tensor<2>) -> Tensor<2> {
        self.matrix.val().adjoint(x)
    }

    /// `Xᵀ Z`.
    fn weight_gradient(&self, x: &Tensor<2>, z: &Tensor<2>) -> GradientsParams {
        let mut gradients = GradientsParams::new();
        gradients.register(self.matrix.id, product(x.clone().transpose(), z.clone()));
        gradients
    }

    fn as_matrix(&self) -> Option<MatrixView> {
        Some(MatrixView { matrix: self.matrix.val(), parameter: Some(self.matrix.id) })
    }
}

impl Dictionary for DenseDictionary {
    fn atoms(&self) -> usize {
        self.matrix.dims()[1]
    }

    fn atom_rows(&self) -> Tensor<2> {
        self.matrix.val().inner().transpose()
    }

    fn with_atom_rows(mut self, rows: Tensor<2>) -> Self {
        self.matrix = map_values(self.matrix, |_| rows.transpose());
        self
    }
}

impl Network for DenseDictionary {
    fn project(mut self) -> Self {
        let constraint = self.constraint;
        self.matrix = map_values(self.matrix, |matrix| constraint.project_in_place(matrix));
        self
    }
}

/// ‖D‖², the largest eigenvalue of DᵀD, by power iteration to a relative change of 10⁻¹².
///
/// The iteration runs on the smaller of DᵀD and DDᵀ from a fixed pseudo-random start, which no
/// dictionary is built to be orthogonal to, so the answer is the same on every call. 0 for a zero
/// matrix; not-a-number stays so.
pub fn spectral_norm_squared(dictionary: &Array2<f64>) -> f64 {
    let (m, p) = dictionary.dim();
    let gram = match m < p {
        true => dictionary.dot(&dictionary.t()),
        false => dictionary.t().dot(dictionary),
    };
    power_iteration(gram.nrows(), 1e-12, |direction| gram.dot(direction))
}

/// As [`spectral_norm_squared`], to a relative change of 10⁻⁴ and without forming DᵀD: for a step that is
/// taken anew as D moves. It comes out too small by about that much at most where the two largest
/// eigenvalues are apart.
pub fn quick_spectral_norm_squared(dictionary: &Array2<f64>) -> f64 {
    let atoms = dictionary.ncols();
    power_iteration(atoms, 1e-4, |direction| dictionary.t().dot(&dictionary.dot(direction)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_spectral_norm_is_the_largest_singular_value() {
        // Singular values 3 and 1, turned.
        let (c, s) = (0.8, 0.6);
        let d = array![[3.0 * c, -s], [3.0 * s, c]];
        assert!((spectral_norm_squared(&d) - 9.0).abs() < 1e-10);
        let wide = array![[3.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        assert!((spectral_norm_squared(&wide) - 9.0).abs() < 1e-10);
        // Two atoms of negative correlation: the largest eigenvector is (1, −1), the other (1, 1).
        let opposed = array![[1.0, -0.5], [0.0, 0.75f64.sqrt()]];
        assert!((spectral_norm_squared(&opposed) - 1.5).abs() < 1e-10);
        assert!((quick_spectral_norm_squared(&opposed) - 1.5).abs() < 1e-3);
        assert_eq!(spectral_norm_squared(&Array2::zeros((2, 3))), 0.0);
        assert!(spectral_norm_squared(&array![[f64::NAN]]).is_nan());
    }
}
