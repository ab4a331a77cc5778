//! `g_ae_ls`: least squares, through all T iterations.

use burn::tensor::Tensor;

use super::backpropagation::through_the_encoder;
use super::{Estimate, Estimator};
use crate::autoencoder::Autoencoder;
use crate::encoder::Encoder;
use crate::loss::Loss;

/// `g_ae_ls = d reconstruction / dD`, back through the decoder and all T iterations of the encoder.
///
/// | | |
/// |---|---|
/// | what it is | the total derivative of `½ mean ‖x − D z_T‖²`; the penalty acts in the encoder only |
/// | cost | about three forward passes; memory for T iterates |
/// | bias | near the true dictionary and for many iterations of the order of λ², where the others keep λ |
/// | choose it | to refine a dictionary that is already close, with T large enough |
/// | mind | far from the truth, for a small penalty or for few iterations it can be the worst of the three |
#[derive(Clone, Copy, Debug, Default)]
pub struct GAeLs;

impl<E: Encoder> Estimator<E> for GAeLs {
    fn name(&self) -> &'static str {
        "g_ae_ls"
    }

    fn descends(&self) -> Loss {
        Loss::LeastSquares
    }

    fn differentiates_encoder(&self) -> bool {
        true
    }

    fn through_all_iterations(&self) -> Option<Loss> {
        Some(Loss::LeastSquares)
    }

    fn estimate(&self, network: &Autoencoder<E>, x: &Tensor<2>) -> Estimate {
        through_the_encoder(Loss::LeastSquares, network, x)
    }
}
