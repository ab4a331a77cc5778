//! The gradient of D with the codes held fixed.

use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use crate::encoder::Encoder;
use crate::fit::DataFit;
use crate::loss::residual;
use crate::network::SparseCoder;
use crate::operator::LinearOperator;

/// `mean over examples of (D z − x) zᵀ`, `[m, p]`, for a matrix D: the partial derivative with respect to it of the
/// reconstruction, and of the lasso, at fixed codes `z` `[n, p]`.
pub fn gradient_at_codes(dictionary: &Tensor<2>, x: &Tensor<2>, codes: &Tensor<2>) -> Tensor<2> {
    let examples = x.dims()[0] as f64;
    let residual = residual(dictionary, x, codes);
    residual.transpose().matmul(codes.clone()).mul_scalar(1.0 / examples)
}

/// `mean over examples of ⟨f'(D z − x), D w⟩`, differentiated with respect to the parameters of the network's
/// operator, for codes z and weights w, both `[n, q]`.
pub(super) fn against<N: SparseCoder>(
    network: &N,
    x: &Tensor<2>,
    codes: &Tensor<2>,
    weights: Tensor<2>,
) -> GradientsParams {
    let network = network.valid();
    let examples = x.dims()[0] as f64;
    let residual = residual(network.operator(), &x.clone().inner(), codes);
    let scaled = network.encoder().fit().gradient(residual).mul_scalar(1.0 / examples);
    network.operator().weight_gradient(&scaled, &weights)
}
