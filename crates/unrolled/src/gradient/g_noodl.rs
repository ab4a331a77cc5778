//! `g_noodl`: the residual against the signs of the codes.

use burn::tensor::Tensor;

use super::codes_fixed::{from_forward_pass, residual_against};
use super::{Estimate, Estimator};
use crate::autoencoder::Autoencoder;
use crate::encoder::Encoder;
use crate::fused::Through;
use crate::loss::Loss;

/// `g_noodl = mean over examples of (D z_T − x) sign(z_T)ᵀ` (Rambhatla, Li and Haupt, *NOODL: Provable
/// Online Dictionary Learning and Sparse Coding*, ICLR 2019).
///
/// | | |
/// |---|---|
/// | what it is | `g_dec` with the codes replaced by their signs: not the derivative of a loss |
/// | cost | the forward pass and one product |
/// | choose it | with a hard threshold and plain gradient steps, from a start close to the truth |
/// | mind | the reference implementation divides by the batch size twice: its rate 20 at batch 50 is 0.4 here |
#[derive(Clone, Copy, Debug, Default)]
pub struct GNoodl;

impl<E: Encoder> Estimator<E> for GNoodl {
    fn name(&self) -> &'static str {
        "g_noodl"
    }

    fn descends(&self) -> Loss {
        Loss::LeastSquares
    }

    fn differentiates_encoder(&self) -> bool {
        false
    }

    fn estimate(&self, network: &Autoencoder<E>, x: &Tensor<2>) -> Estimate {
        from_forward_pass(network, x, Through::Signs, gradient)
    }

    fn at_codes(
        &self,
        dictionary: &Tensor<2>,
        x: &Tensor<2>,
        codes: &Tensor<2>,
    ) -> Option<Tensor<2>> {
        Some(gradient(dictionary, x, codes))
    }
}

fn gradient(dictionary: &Tensor<2>, x: &Tensor<2>, codes: &Tensor<2>) -> Tensor<2> {
    residual_against(dictionary, x, codes, codes.clone().sign())
}
