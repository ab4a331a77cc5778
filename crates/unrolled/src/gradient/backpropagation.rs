//! The total derivative of a loss, through every iteration of the encoder.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::Estimate;
use crate::autoencoder::Autoencoder;
use crate::encoder::Encoder;
use crate::fused::{self, Through};
use crate::loss::{Loss, Losses};

/// `d loss / dθ` for D and every parameter of the encoder.
pub(super) fn through_the_encoder<E: Encoder>(
    loss: Loss,
    network: &Autoencoder<E>,
    x: &Tensor<2>,
) -> Estimate {
    let all = network.encoder.iterations();
    if let Some(estimate) = fused::estimate(network, x, Through::Iterations(loss, all)) {
        return estimate;
    }
    let network = network.clone().train();
    let dictionary = network.dictionary.matrix.val();
    let codes = network.encoder.encode(&dictionary, x);
    let losses = Losses::evaluate(&dictionary, x, &codes, network.encoder.penalty());
    let gradients = losses.get(loss).backward();
    Estimate {
        codes: codes.inner(),
        losses: losses.inner(),
        gradients: GradientsParams::from_grads(gradients, &network),
    }
}
