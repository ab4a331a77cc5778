//! Gradient estimators: which derivative of the dictionary a network descends.
//!
//! With codes `z_T(D)` from an unrolled encoder and `reconstruction`, `lasso` as in [`crate::loss`]
//! (Tolooshams and Ba, *Stable and Interpretable Unrolled Dictionary Learning*, TMLR 2022,
//! arXiv 2106.00058):
//!
//! | estimator | equation | cost, operations | memory |
//! |---|---|---|---|
//! | [`GDec`] `g_dec` | `∂ lasso / ∂D` with `z_T` held fixed `= mean (D z_T − x) z_Tᵀ` | forward pass | one iterate |
//! | [`GAeLasso`] `g_ae_lasso` | `d lasso / dD`, through all T iterations | about 3 forward passes | T iterates |
//! | [`GAeLs`] `g_ae_ls` | `d reconstruction / dD`, through all T iterations | about 3 forward passes | T iterates |
//! | [`GNoodl`] `g_noodl` | `mean (D z_T − x) sign(z_T)ᵀ` | forward pass | one iterate |
//! | [`GTruncated`] `g_truncated` | as `g_ae_*`, with `z_{T − window}` held fixed | forward pass and `window` iterations back | `window` iterates |
//! | [`GTruncated::one_step`] `g_one_step` | `g_truncated` with a window of 1 | forward pass and one iteration back | one iterate |
//! | [`GImplicit`] `g_implicit` | `d loss / dD` through the solution, by its conditions of optimality | the codes, and a linear system on every support | one iterate |
//!
//! # How to choose
//!
//! - Every one of them estimates the gradient at the true codes, `g* = mean (D z* − x) z*ᵀ`, and
//!   each is biased, because `z_T` is not `z*`.
//! - [`GDec`] and [`GAeLasso`] approach the gradient at the lasso's code as T grows; their bias
//!   against `g*` then comes from the lasso itself and shrinks about like λ. [`GDec`] gets there
//!   without differentiating the encoder, so for large T the two differ in cost and not in value.
//! - [`GAeLs`] leaves the sparsity term out of the derivative. Close to the true dictionary and with
//!   enough iterations its bias shrinks about like λ², which can be several times smaller. Far from
//!   the truth, for a small penalty, or for few iterations it can be *worse* than [`GDec`].
//! - [`GImplicit`] is what [`GAeLs`] tends to (with the lasso as its loss, [`GDec`] at the solution): choose it where
//!   codes are solved for, or where T would be large. On codes of few iterations its supports are not those of the
//!   solution: it is no nearer there than [`GAeLs`] need be, and has no value where a support is singular.
//!   [`GTruncated`] is cheaper and stays away from it, however large T is.
//! - So measure: `compare-gradients` does, at your sizes, for every T.
//!
//! A new estimator is one file with a type that implements [`Estimator`], and one line in [`named`].

mod codes_fixed;
pub mod finite_differences;
mod g_ae_lasso;
mod g_ae_ls;
mod g_dec;
mod g_implicit;
mod g_noodl;
mod g_truncated;
pub(crate) mod head;
mod implicit;
pub mod references;
mod through;

pub use codes_fixed::gradient_at_codes;
pub use g_ae_lasso::GAeLasso;
pub use g_ae_ls::GAeLs;
pub use g_dec::GDec;
pub use g_implicit::GImplicit;
pub use g_noodl::GNoodl;
pub use g_truncated::GTruncated;
pub use implicit::System;
pub use through::Reach;

use std::fmt::Debug;

use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use crate::autoencoder::Autoencoder;
use crate::loss::{Loss, Losses};
use crate::network::{Batch, SparseCoder};

/// What an estimator returns for a batch.
#[derive(Debug)]
pub struct Estimate {
    /// z_T, `[n, q]`, without a graph.
    pub codes: Tensor<2>,
    /// The value of the loss that the estimator descends, `[1]`, without a graph.
    pub loss: Tensor<1>,
    /// Reconstruction and lasso at z_T, without a graph.
    pub losses: Losses,
    /// The gradient of every parameter that the estimator has one for, by the parameter's id: what
    /// Burn's optimisers take.
    pub gradients: GradientsParams,
    /// Why gradients are not numbers, where the estimator knows.
    pub trouble: Option<String>,
}

impl Estimate {
    /// The gradient of D, `[m, p]`.
    ///
    /// # Panics
    /// When `network` is not the one that the estimate was made for.
    pub fn dictionary_gradient<E>(&self, network: &Autoencoder<E>) -> Tensor<2> {
        self.gradients
            .get(network.dictionary.matrix.id)
            .expect("an estimate holds the gradient of its network's dictionary")
    }
}

/// A way to take the gradient of a network.
///
/// All but [`GNoodl`] share one idea: `q = ∂ loss / ∂ z_T` and the gradient at fixed codes, then q is pulled back
/// through the encoder as far as [`Estimator::reach`] says.
pub trait Estimator<N>: Debug + Send + Sync {
    /// Its name in configurations, results and reports.
    fn name(&self) -> &'static str;

    /// Which of the known losses it descends; `None` for a loss of your own.
    fn descends(&self) -> Option<Loss>;

    /// How far it goes back through the encoder.
    fn reach(&self) -> Reach;

    /// Whether it differentiates the encoder, and so has gradients for a learned bias.
    fn differentiates_encoder(&self) -> bool {
        !matches!(self.reach(), Reach::Codes | Reach::Solution)
    }

    /// The known loss whose total derivative through all T iterations it is, where it is that:
    /// [`crate::fused::at_iterations`] then serves many T and losses with one forward pass.
    fn through_all_iterations(&self) -> Option<Loss> {
        self.descends().filter(|_| self.reach() == Reach::All)
    }

    /// Codes, losses and gradients for a batch, all as means over its examples.
    ///
    /// The network may live on a device with or without autodiff; nothing in the result carries a
    /// graph.
    fn estimate_batch(&self, network: &N, batch: &Batch) -> Estimate;

    /// [`Self::estimate_batch`] for examples `x` `[n, m]` that are their own target.
    fn estimate(&self, network: &N, x: &Tensor<2>) -> Estimate {
        self.estimate_batch(network, &Batch::new(x.clone()))
    }

    /// The gradients of the operator's parameters from codes that are already there, for estimators that do not
    /// ask how the codes came about: one forward pass then serves every T.
    fn at_codes(
        &self,
        _network: &N,
        _x: &Tensor<2>,
        _codes: &Tensor<2>,
    ) -> Option<GradientsParams> {
        None
    }
}

/// The names of all estimators.
///
/// `g_truncated` is not among them: it needs a window.
pub const NAMES: [&str; 6] =
    ["g_dec", "g_ae_lasso", "g_ae_ls", "g_noodl", "g_one_step", "g_implicit"];

/// The estimator of that name; `g_one_step` and `g_implicit` are those of least squares.
pub fn named<N: SparseCoder>(name: &str) -> Option<Box<dyn Estimator<N>>> {
    Some(match name {
        "g_dec" => Box::new(GDec),
        "g_ae_lasso" => Box::new(GAeLasso),
        "g_ae_ls" => Box::new(GAeLs),
        "g_noodl" => Box::new(GNoodl),
        "g_one_step" => Box::new(GTruncated::one_step(Loss::LeastSquares)),
        "g_implicit" => Box::new(GImplicit::new(Loss::LeastSquares)),
        _ => return None,
    })
}
