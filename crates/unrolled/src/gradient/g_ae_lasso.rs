//! `g_ae_lasso`: the lasso, through all T iterations.

use burn::tensor::Tensor;

use super::backpropagation::through_the_encoder;
use super::{Estimate, Estimator};
use crate::autoencoder::Autoencoder;
use crate::encoder::Encoder;
use crate::loss::Loss;

/// `g_ae_lasso = d lasso / dD`, back through the decoder and all T iterations of the encoder.
///
/// | | |
/// |---|---|
/// | what it is | the total derivative of `reconstruction + λ mean ‖z_T‖₁` |
/// | cost | about three forward passes; memory for T iterates |
/// | bias | towards the gradient at the lasso's code, like `g_dec`; which of the two is closer depends on T |
/// | choose it | to descend the loss that is reported, or to train a learned bias with it |
/// | mind | for large T and a constant penalty it tends to `g_dec`, which is cheaper |
#[derive(Clone, Copy, Debug, Default)]
pub struct GAeLasso;

impl<E: Encoder> Estimator<E> for GAeLasso {
    fn name(&self) -> &'static str {
        "g_ae_lasso"
    }

    fn descends(&self) -> Loss {
        Loss::Lasso
    }

    fn differentiates_encoder(&self) -> bool {
        true
    }

    fn through_all_iterations(&self) -> Option<Loss> {
        Some(Loss::Lasso)
    }

    fn estimate(&self, network: &Autoencoder<E>, x: &Tensor<2>) -> Estimate {
        through_the_encoder(Loss::Lasso, network, x)
    }
}
