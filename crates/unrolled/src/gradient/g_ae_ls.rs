//! `g_ae_ls`: least squares, through all T iterations.

use super::through::differentiate;
use super::{Estimate, Estimator, Reach};
use crate::loss::Loss;
use crate::network::{Batch, SparseCoder};

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

impl<N: SparseCoder> Estimator<N> for GAeLs {
    fn name(&self) -> &'static str {
        "g_ae_ls"
    }

    fn descends(&self) -> Option<Loss> {
        Some(Loss::LeastSquares)
    }

    fn reach(&self) -> Reach {
        Reach::All
    }

    fn estimate_batch(&self, network: &N, batch: &Batch) -> Estimate {
        differentiate(&Loss::LeastSquares, Reach::All, network, batch)
    }
}
