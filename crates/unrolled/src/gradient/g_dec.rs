//! `g_dec`: the codes held fixed.

use burn::tensor::Tensor;

use super::codes_fixed::from_forward_pass;
use super::{Estimate, Estimator, gradient_at_codes};
use crate::autoencoder::Autoencoder;
use crate::encoder::Encoder;
use crate::fused::Through;
use crate::loss::Loss;

/// `g_dec = ∂ lasso / ∂D at fixed codes = mean over examples of (D z_T − x) z_Tᵀ`.
///
/// | | |
/// |---|---|
/// | what it is | alternating minimisation: code, then step on D as if the codes did not depend on it |
/// | cost | the forward pass and one product; memory for one iterate, whatever T |
/// | bias | towards the gradient at the lasso's code, with the speed at which `z_T` converges |
/// | choose it | when T is large, or when memory or time is short |
/// | has no gradient for | a learned bias: it never looks into the encoder |
///
/// It is not the total derivative of the lasso: that is [`super::GAeLasso`]. The two agree in the
/// limit of large T, where the lasso is stationary in the codes.
#[derive(Clone, Copy, Debug, Default)]
pub struct GDec;

impl<E: Encoder> Estimator<E> for GDec {
    fn name(&self) -> &'static str {
        "g_dec"
    }

    fn descends(&self) -> Loss {
        Loss::Lasso
    }

    fn differentiates_encoder(&self) -> bool {
        false
    }

    fn estimate(&self, network: &Autoencoder<E>, x: &Tensor<2>) -> Estimate {
        from_forward_pass(network, x, Through::Codes, gradient_at_codes)
    }

    fn at_codes(
        &self,
        dictionary: &Tensor<2>,
        x: &Tensor<2>,
        codes: &Tensor<2>,
    ) -> Option<Tensor<2>> {
        Some(gradient_at_codes(dictionary, x, codes))
    }
}
