//! `g_dec`: the codes held fixed.

use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::codes_fixed::against;
use super::through::differentiate;
use super::{Estimate, Estimator, Reach};
use crate::loss::Loss;
use crate::network::{Batch, SparseCoder};

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

impl<N: SparseCoder> Estimator<N> for GDec {
    fn name(&self) -> &'static str {
        "g_dec"
    }

    fn descends(&self) -> Option<Loss> {
        Some(Loss::Lasso)
    }

    fn reach(&self) -> Reach {
        Reach::Codes
    }

    fn estimate_batch(&self, network: &N, batch: &Batch) -> Estimate {
        differentiate(&Loss::Lasso, Reach::Codes, network, batch)
    }

    fn at_codes(&self, network: &N, x: &Tensor<2>, codes: &Tensor<2>) -> Option<GradientsParams> {
        Some(against(network, &Batch::new(x.clone()), codes, codes.clone()))
    }
}
