//! `g_ae_lasso`: the lasso, through all T iterations.

use super::through::differentiate;
use super::{Estimate, Estimator, Reach};
use crate::loss::Loss;
use crate::network::{Batch, SparseCoder};

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

impl<N: SparseCoder> Estimator<N> for GAeLasso {
    fn name(&self) -> &'static str {
        "g_ae_lasso"
    }

    fn descends(&self) -> Option<Loss> {
        Some(Loss::Lasso)
    }

    fn reach(&self) -> Reach {
        Reach::All
    }

    fn estimate_batch(&self, network: &N, batch: &Batch) -> Estimate {
        differentiate(&Loss::Lasso, Reach::All, network, batch)
    }
}
