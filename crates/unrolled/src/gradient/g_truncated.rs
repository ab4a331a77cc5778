//! `g_truncated`: back through the last iterations only.

use std::ops::ControlFlow;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::{Estimate, Estimator};
use crate::autoencoder::Autoencoder;
use crate::encoder::Encoder;
use crate::fused::{self, Through};
use crate::loss::{Loss, Losses};

/// `g_ae_lasso` or `g_ae_ls` with the derivative cut off `window` iterations before the end.
///
/// | | |
/// |---|---|
/// | what it is | `d loss / dD` with `z_{T − window}` held fixed |
/// | cost | the forward pass, and the backward pass of `window` iterations; memory for `window` iterates |
/// | limits | `window = 0`: `∂ loss / ∂D` at fixed codes; `window ≥ T`: the full derivative |
/// | choose it | when T iterates do not fit in memory, or a long backward pass is unstable |
#[derive(Clone, Copy, Debug)]
pub struct GTruncated {
    /// The loss.
    pub loss: Loss,
    /// How many iterations are differentiated.
    pub window: usize,
}

impl<E: Encoder> Estimator<E> for GTruncated {
    fn name(&self) -> &'static str {
        "g_truncated"
    }

    fn descends(&self) -> Loss {
        self.loss
    }

    fn differentiates_encoder(&self) -> bool {
        true
    }

    fn estimate(&self, network: &Autoencoder<E>, x: &Tensor<2>) -> Estimate {
        let through = Through::Iterations(self.loss, self.window);
        if let Some(estimate) = fused::estimate(network, x, through) {
            return estimate;
        }
        let network = network.clone().train();
        let dictionary = network.dictionary.matrix.val();
        let fixed = network.encoder.iterations().saturating_sub(self.window);
        // z_{fixed − 1} and z_{fixed}, from a pass without a graph.
        let mut iterates = Vec::new();
        let plain = network.valid();
        plain.encoder.clone().with_iterations(fixed).unroll(
            &plain.dictionary.matrix.val(),
            x,
            &mut |_, codes| {
                iterates.truncate(1);
                iterates.insert(0, codes.clone().autodiff());
                ControlFlow::Continue(())
            },
        );
        let start = match iterates.pop() {
            None => None,
            // After a single iteration the one before is z₀ = 0.
            Some(oldest) => match iterates.pop() {
                None => Some([oldest.zeros_like(), oldest]),
                Some(newest) => Some([oldest, newest]),
            },
        };
        let go_on = &mut |_: usize, _: &Tensor<2>| ControlFlow::Continue(());
        let codes = network.encoder.advance(&dictionary, x, fixed, start, go_on);
        let losses = Losses::evaluate(&dictionary, x, &codes, network.encoder.penalty());
        let gradients = losses.get(self.loss).backward();
        Estimate {
            codes: codes.inner(),
            losses: losses.inner(),
            gradients: GradientsParams::from_grads(gradients, &network),
        }
    }
}
