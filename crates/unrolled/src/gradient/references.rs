//! What the estimators are held against.

use burn::tensor::Tensor;

use super::gradient_at_codes;
use crate::encoder::{Encoder, Unrolled};
use crate::fused::Engine;
use crate::prox::SoftThreshold;

/// The encoder of the lasso's code ẑ: ISTA with the soft threshold and a constant penalty, of the
/// same side, step and λ as `encoder`, whatever its own proximal operator, for `iterations`
/// iterations.
pub fn lasso_encoder<E: Encoder>(encoder: &E, iterations: usize) -> Unrolled<SoftThreshold> {
    let prox = SoftThreshold::new(encoder.penalty(), encoder.sided());
    // Where the encoder goes without the fused kernels, so does its reference.
    let engine = if encoder.description().is_some() { Engine::Auto } else { Engine::Autodiff };
    Unrolled::ista(prox, encoder.step(), iterations).with_engine(engine)
}

/// `ĝ = g_dec at ẑ`, the gradient at the lasso's code, `[m, p]`.
pub fn lasso_gradient(dictionary: &Tensor<2>, x: &Tensor<2>, lasso_codes: &Tensor<2>) -> Tensor<2> {
    gradient_at_codes(dictionary, x, lasso_codes)
}

/// `g* = mean (D z* − x) z*ᵀ`, the gradient at the true codes, `[m, p]`.
pub fn true_gradient(dictionary: &Tensor<2>, x: &Tensor<2>, true_codes: &Tensor<2>) -> Tensor<2> {
    gradient_at_codes(dictionary, x, true_codes)
}
