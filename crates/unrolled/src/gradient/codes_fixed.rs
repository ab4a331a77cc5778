//! The gradient of D with the codes held fixed.

use burn::tensor::Tensor;

use crate::loss::residual;

/// `mean over examples of (D z − x) zᵀ`, `[m, p]`: the partial derivative with respect to D of the
/// reconstruction, and of the lasso, at fixed codes `z` `[n, p]`.
pub fn gradient_at_codes(dictionary: &Tensor<2>, x: &Tensor<2>, codes: &Tensor<2>) -> Tensor<2> {
    let examples = x.dims()[0] as f64;
    residual(dictionary, x, codes).transpose().matmul(codes.clone()).mul_scalar(1.0 / examples)
}
