//! The gradient of D with the codes held fixed.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::Estimate;
use crate::autoencoder::Autoencoder;
use crate::encoder::Encoder;
use crate::fused::{self, Through};
use crate::loss::{Losses, residual};

/// `mean over examples of (D z − x) zᵀ`, `[m, p]`: the partial derivative with respect to D of the
/// reconstruction, and of the lasso, at fixed codes `z` `[n, p]`.
pub fn gradient_at_codes(dictionary: &Tensor<2>, x: &Tensor<2>, codes: &Tensor<2>) -> Tensor<2> {
    residual_against(dictionary, x, codes, codes.clone())
}

/// `mean over examples of (D z − x) wᵀ`, `[m, p]`, for codes z and weights w, both `[n, p]`.
pub(super) fn residual_against(
    dictionary: &Tensor<2>,
    x: &Tensor<2>,
    codes: &Tensor<2>,
    weights: Tensor<2>,
) -> Tensor<2> {
    let examples = x.dims()[0] as f64;
    residual(dictionary, x, codes).transpose().matmul(weights).mul_scalar(1.0 / examples)
}

/// An estimate whose gradient follows from the codes alone: the forward pass, without a graph.
pub(super) fn from_forward_pass<E: Encoder>(
    network: &Autoencoder<E>,
    x: &Tensor<2>,
    through: Through,
    gradient: impl FnOnce(&Tensor<2>, &Tensor<2>, &Tensor<2>) -> Tensor<2>,
) -> Estimate {
    if let Some(estimate) = fused::estimate(network, x, through) {
        return estimate;
    }
    let network = network.valid();
    let dictionary = network.dictionary.matrix.val();
    let codes = network.encoder.encode(&dictionary, x);
    let losses = Losses::evaluate(&dictionary, x, &codes, network.encoder.penalty());
    let mut gradients = GradientsParams::new();
    gradients.register(network.dictionary.matrix.id, gradient(&dictionary, x, &codes));
    Estimate { codes, losses, gradients }
}
