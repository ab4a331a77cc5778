//! A loss at fixed codes: its value, `q = ∂ loss / ∂ z_T`, and the gradient of what follows the codes.

use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::Estimate;
use crate::loss::{Losses, Objective};
use crate::network::{Batch, SparseCoder};

/// What every estimator starts from.
pub(crate) struct Head {
    /// The gradient of every parameter that the loss sees, with the codes held fixed.
    pub estimate: Estimate,
    /// q, `[n, q]`.
    pub of_codes: Tensor<2>,
}

/// Differentiates a loss with respect to codes `[n, q]` and, with them held fixed, the network's parameters.
pub(crate) fn differentiate<N: SparseCoder, L: Objective<N>>(
    network: &N,
    batch: &Batch,
    loss: &L,
    codes: Tensor<2>,
) -> Head {
    let network = network.clone().train();
    let leaf = codes.clone().autodiff().require_grad();
    let batch = batch.autodiff();
    let losses = Losses::of(&network, &batch, &leaf);
    let value = match loss.known() {
        Some(known) => losses.get(known).clone(),
        None => loss.value(&network, &batch, &leaf),
    };
    let losses = losses.inner();
    let mut gradients = value.backward();
    let of_codes = leaf.grad_remove(&mut gradients).unwrap_or_else(|| codes.zeros_like());
    let estimate = Estimate {
        codes,
        loss: value.inner(),
        losses,
        gradients: GradientsParams::from_grads(gradients, &network),
        trouble: None,
    };
    Head { estimate, of_codes }
}
