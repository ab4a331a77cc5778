//! `g_truncated` and `g_one_step`: back through the last iterations only.

use std::fmt;

use super::through::differentiate;
use super::{Estimate, Estimator, Reach};
use crate::loss::{Loss, Objective};
use crate::network::{Batch, SparseCoder};

/// The derivative of a loss, one of the known ones or your own, cut off `window` iterations before the end.
///
/// | | |
/// |---|---|
/// | what it is | `d loss / dD` with `z_{T − window}` held fixed |
/// | cost | the forward pass, and the backward pass of `window` iterations; memory for `window` iterates |
/// | limits | `window = 0`: `∂ loss / ∂D` at fixed codes; `window ≥ T`: the full derivative |
/// | choose it | when T iterates do not fit in memory, or a long backward pass is unstable |
/// | mind | with `window = 1` it is `g_one_step`: near the solution, the first term of the implicit derivative |
#[derive(Clone, Copy)]
pub struct GTruncated<L = Loss> {
    /// The loss.
    pub loss: L,
    /// How many iterations are differentiated; `usize::MAX` for all.
    pub window: usize,
}

impl<L> GTruncated<L> {
    /// `g_one_step`: the window of 1.
    pub fn one_step(loss: L) -> Self {
        Self { loss, window: 1 }
    }
}

impl<L> fmt::Debug for GTruncated<L> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("GTruncated").field("window", &self.window).finish_non_exhaustive()
    }
}

impl<N: SparseCoder, L: Objective<N>> Estimator<N> for GTruncated<L> {
    fn name(&self) -> &'static str {
        match self.window {
            1 => "g_one_step",
            _ => "g_truncated",
        }
    }

    fn descends(&self) -> Option<Loss> {
        self.loss.known()
    }

    fn reach(&self) -> Reach {
        match self.window {
            0 => Reach::Codes,
            window => Reach::Window(window),
        }
    }

    fn estimate_batch(&self, network: &N, batch: &Batch) -> Estimate {
        differentiate(&self.loss, Estimator::<N>::reach(self), network, batch)
    }
}
