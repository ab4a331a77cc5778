//! `g_noodl`: the residual against the signs of the codes.

use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::codes_fixed::against;
use super::{Estimate, Estimator, Reach};
use crate::fused::{self, Direct};
use crate::loss::{Loss, Losses};
use crate::network::{Batch, SparseCoder};

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

impl<N: SparseCoder> Estimator<N> for GNoodl {
    fn name(&self) -> &'static str {
        "g_noodl"
    }

    fn descends(&self) -> Option<Loss> {
        Some(Loss::LeastSquares)
    }

    fn reach(&self) -> Reach {
        Reach::Codes
    }

    fn estimate_batch(&self, network: &N, batch: &Batch) -> Estimate {
        fused::at_codes(network, batch, Direct::Signs).unwrap_or_else(|| {
            let network = network.valid();
            let codes = network.encode(&batch.x.clone().inner());
            let losses = Losses::of(&network, batch, &codes);
            let gradients = against(&network, batch, &codes, codes.clone().sign());
            Estimate {
                codes,
                loss: losses.reconstruction.clone(),
                losses,
                gradients,
                trouble: None,
            }
        })
    }

    fn at_codes(&self, network: &N, x: &Tensor<2>, codes: &Tensor<2>) -> Option<GradientsParams> {
        Some(against(network, &Batch::new(x.clone()), codes, codes.clone().sign()))
    }
}
