//! The derivative of a loss, pulled back through some of the encoder's iterations or all of them.

use std::ops::ControlFlow;

use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::{Estimate, head};
use crate::encoder::Encoder;
use crate::fit::DataFit;
use crate::fused::{self, Direct};
use crate::loss::{Losses, Objective};
use crate::network::{Batch, SparseCoder};
use crate::operator::LinearOperator;

/// How far `q = ∂ loss / ∂ z_T` is pulled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Not at all: the codes are held fixed.
    Codes,
    /// Through the last iterations.
    Window(usize),
    /// Through all T iterations.
    All,
    /// Through the solution that the iterations tend to, and none of them.
    Solution,
}

impl Reach {
    /// Through how many of T iterations.
    pub fn iterations(self, all: usize) -> usize {
        match self {
            Self::Codes | Self::Solution => 0,
            Self::Window(window) => window.min(all),
            Self::All => all,
        }
    }
}

/// `d loss / dθ` for every parameter of the network, as far as `reach` says.
///
/// # Panics
/// Where all iterations of an encoder that solves are to be differentiated.
pub(super) fn differentiate<N: SparseCoder, L: Objective<N>>(
    loss: &L,
    reach: Reach,
    network: &N,
    batch: &Batch,
) -> Estimate {
    let window = reach.iterations(network.encoder().iterations());
    assert!(
        network.encoder().unrolls() || window < network.encoder().iterations(),
        "the iterations of a solver are not differentiated: use g_implicit, g_truncated or g_dec"
    );
    if window == 0 {
        return at_fixed_codes(loss, network, batch);
    }
    fused::estimate(network, batch, loss, window)
        .unwrap_or_else(|| by_autodiff(loss, window, network, batch))
}

/// The partial derivative with the codes held fixed; its forward pass carries no graph.
fn at_fixed_codes<N: SparseCoder, L: Objective<N>>(
    loss: &L,
    network: &N,
    batch: &Batch,
) -> Estimate {
    let served = match loss.known() {
        Some(known) => fused::at_codes(network, batch, Direct::Codes)
            .map(|estimate| Estimate { loss: estimate.losses.get(known).clone(), ..estimate }),
        None => None,
    };
    served.unwrap_or_else(|| {
        let plain = network.valid();
        let codes = plain.encode(&batch.x.clone().inner());
        let by_hand = plain.operator().as_matrix().is_some_and(|view| view.parameter.is_some())
            && plain.encoder().fit().is_least_squares();
        match loss.known().filter(|_| by_hand) {
            Some(known) => {
                // What unrolls has had its choice of engine.
                let given = (!plain.encoder().unrolls())
                    .then(|| fused::at_given_codes(network, batch, known, &codes));
                given.flatten().unwrap_or_else(|| head::at_codes(network, batch, known, codes).0)
            }
            None => head::differentiate(network, batch, loss, codes).estimate,
        }
    })
}

/// Through the last `window` iterations by Burn's automatic differentiation; what is before them carries no graph.
fn by_autodiff<N: SparseCoder, L: Objective<N>>(
    loss: &L,
    window: usize,
    network: &N,
    batch: &Batch,
) -> Estimate {
    let fixed = network.encoder().iterations() - window;
    let start = match fixed {
        0 => None,
        _ => Some(last_two(network, &batch.x, fixed)),
    };
    let network = network.clone().train();
    let codes =
        network.encoder().encode_from(network.operator(), &network.inputs(&batch.x), fixed, start);
    let batch = batch.autodiff();
    let value = loss.value(&network, &batch, &codes);
    let losses = Losses::of(&network, &batch, &codes).inner();
    let gradients = GradientsParams::from_grads(value.clone().backward(), &network);
    Estimate { codes: codes.inner(), loss: value.inner(), losses, gradients, trouble: None }
}

/// z_{fixed − 1} and z_{fixed}, from a pass without a graph.
fn last_two<N: SparseCoder>(network: &N, x: &Tensor<2>, fixed: usize) -> [Tensor<2>; 2] {
    let plain = network.valid();
    let mut before = None;
    let mut last = None;
    plain.encoder().clone().with_iterations(fixed).unroll(
        plain.operator(),
        &plain.inputs(&x.clone().inner()),
        &mut |_, codes| {
            before = last.replace(codes.clone().autodiff());
            ControlFlow::Continue(())
        },
    );
    let last = last.expect("at least one iteration is made");
    // Before the first iterate there is z₀ = 0.
    [before.unwrap_or_else(|| last.zeros_like()), last]
}
