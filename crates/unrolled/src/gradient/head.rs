//! A loss at fixed codes: its value, `q = ∂ loss / ∂ z_T`, and the gradient of what follows the codes.

use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::Estimate;
use crate::encoder::Encoder;
use crate::loss::{Loss, Losses, Objective, residual_of};
use crate::network::{Batch, SparseCoder};
use crate::operator::LinearOperator;

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

/// The gradient of a known loss with the codes held fixed, by least squares and for a matrix, without a graph; and the
/// residual over the number of examples.
pub(crate) fn at_codes<N: SparseCoder>(
    network: &N,
    batch: &Batch,
    loss: Loss,
    codes: Tensor<2>,
) -> (Estimate, Tensor<2>) {
    let (plain, batch) = (network.valid(), batch.inner());
    let residual = residual_of(&plain, &batch, &codes);
    let scaled = residual.clone().mul_scalar(1.0 / codes.dims()[0] as f64);
    let encoder = plain.encoder();
    let losses = Losses::with_penalty(encoder.fit(), residual, encoder.penalty_value(&codes));
    let estimate = Estimate {
        gradients: plain.operator().weight_gradient(&scaled, &codes),
        loss: losses.get(loss).clone(),
        losses,
        codes,
        trouble: None,
    };
    (estimate, scaled)
}

/// [`differentiate`] for least squares and a matrix, without a graph: on a card a third of its launches.
pub(crate) fn of_least_squares<N: SparseCoder>(
    network: &N,
    batch: &Batch,
    codes: Tensor<2>,
) -> Head {
    let (estimate, scaled) = at_codes(network, batch, Loss::LeastSquares, codes);
    Head { estimate, of_codes: network.valid().operator().adjoint(scaled) }
}
