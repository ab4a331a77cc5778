//! The best that a linear map makes of codes.

use nalgebra::DMatrix;
use ndarray::Array2;

/// L `[m, p]` for which `mean ‖x L − z‖²` is least over examples x `[n, m]` with codes z `[n, p]`: `(XᵀX)⁻¹ Xᵀ Z`. As n
/// grows it is the linear estimate of least mean square error (N. Wiener).
///
/// `None` where XᵀX is singular: fewer examples than features, or features that depend on each other.
pub fn linear_decoder(x: &Array2<f64>, codes: &Array2<f64>) -> Option<Array2<f64>> {
    let gram = x.t().dot(x);
    let right = x.t().dot(codes);
    let dense = |a: &Array2<f64>| DMatrix::from_fn(a.nrows(), a.ncols(), |i, j| a[[i, j]]);
    let solved = dense(&gram).cholesky()?.solve(&dense(&right));
    Some(Array2::from_shape_fn(right.dim(), |(i, j)| solved[(i, j)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_linear_map_is_found_again() {
        let x = array![[1.0, 0.0], [0.0, 2.0], [1.0, 1.0], [3.0, -1.0]];
        let map = array![[1.0, 2.0, 0.5], [-1.0, 0.0, 3.0]];
        let found = linear_decoder(&x, &x.dot(&map)).unwrap();
        assert!((&found - &map).iter().all(|e| e.abs() < 1e-12));
        assert!(linear_decoder(&array![[1.0, 1.0]], &array![[1.0]]).is_none());
    }
}
