//! The gradient of D with the codes held fixed.

use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use crate::encoder::Encoder;
use crate::fit::DataFit;
use crate::loss::{residual, residual_of};
use crate::network::{Batch, SparseCoder};
use crate::operator::LinearOperator;
use crate::product::product;
use crate::tensors::together;

/// `mean over examples of (D z − x) zᵀ`, `[m, p]`, for a matrix D: the partial derivative with respect to it of the
/// reconstruction, and of the lasso, at fixed codes `z` `[n, p]`.
pub fn gradient_at_codes(dictionary: &Tensor<2>, x: &Tensor<2>, codes: &Tensor<2>) -> Tensor<2> {
    let examples = x.dims()[0] as f64;
    let residual = residual(dictionary, x, codes);
    product(residual.transpose(), codes.clone()).mul_scalar(1.0 / examples)
}

/// `mean over examples of ⟨f'(D z − x), D w⟩`, differentiated with respect to the parameters of the network's
/// operator, for codes z and weights w, both `[n, q]`.
pub(super) fn against<N: SparseCoder>(
    network: &N,
    batch: &Batch,
    codes: &Tensor<2>,
    weights: Tensor<2>,
) -> GradientsParams {
    let plain = network.valid();
    let examples = batch.x.dims()[0] as f64;
    let residual = residual_of(&plain, &batch.inner(), codes);
    let scaled = plain.encoder().fit().gradient(residual).mul_scalar(1.0 / examples);
    if plain.operator().as_matrix().is_some() {
        return plain.operator().weight_gradient(&scaled, &weights);
    }
    let network = network.clone().train();
    let (predicted, scaled) = together(network.predict(batch, weights), scaled);
    GradientsParams::from_grads(predicted.mul(scaled).sum().backward(), &network)
}
