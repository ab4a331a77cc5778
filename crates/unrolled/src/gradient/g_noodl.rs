//! `g_noodl`: the residual against the signs of the codes.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::{Estimate, Estimator};
use crate::autoencoder::Autoencoder;
use crate::encoder::Encoder;
use crate::loss::{Loss, Losses, residual};

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
        let network = network.valid();
        let dictionary = network.dictionary.matrix.val();
        let codes = network.encoder.encode(&dictionary, x);
        let losses = Losses::evaluate(&dictionary, x, &codes, network.encoder.penalty());
        let mut gradients = GradientsParams::new();
        gradients.register(network.dictionary.matrix.id, gradient(&dictionary, x, &codes));
        Estimate { codes, losses, gradients }
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
    let examples = x.dims()[0] as f64;
    residual(dictionary, x, codes)
        .transpose()
        .matmul(codes.clone().sign())
        .mul_scalar(1.0 / examples)
}
