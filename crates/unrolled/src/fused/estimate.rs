//! Codes, losses and gradients in one pass, without a graph.

use burn::optim::GradientsParams;
use burn::tensor::{DType, Tensor, TensorData};
use unrolled_kernels::{Derivative, Direct, Request};

use super::description::{FusedThresholds, FusedUnroll};
use super::host::{self, Element, Settings, serves};
use super::on_tensors;
use crate::autoencoder::Autoencoder;
use crate::encoder::Encoder;
use crate::gradient::Estimate;
use crate::loss::{Loss, Losses};

/// What of a network is differentiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Through {
    /// Nothing but `(D z − x) zᵀ`, at fixed codes.
    Codes,
    /// `(D z − x) sign(z)ᵀ`, at fixed codes.
    Signs,
    /// A loss, through the last iterations.
    Iterations(Loss, usize),
}

/// The estimate for a network and examples `[n, m]`; `None` where neither the kernels nor the adjoint on
/// tensors serve.
pub(crate) fn estimate<E: Encoder>(
    network: &Autoencoder<E>,
    x: &Tensor<2>,
    through: Through,
) -> Option<Estimate> {
    let unroll = network.encoder.fused()?;
    let dictionary = network.dictionary.matrix.val();
    if dictionary.dtype() != x.dtype() {
        return None;
    }
    if !(serves(&dictionary) && serves(x)) {
        return on_tensors::estimate(network, x, through);
    }
    match x.dtype() {
        DType::F64 => in_precision::<E, f64>(network, &unroll, &dictionary, x, through),
        _ => in_precision::<E, f32>(network, &unroll, &dictionary, x, through),
    }
}

fn in_precision<E: Encoder, T: Element>(
    network: &Autoencoder<E>,
    unroll: &FusedUnroll,
    dictionary: &Tensor<2>,
    x: &Tensor<2>,
    through: Through,
) -> Option<Estimate> {
    let ([m, p], [n, _]) = (dictionary.dims(), x.dims());
    let device = x.device().inner();
    let penalty = network.encoder.penalty();
    let (d, x) = (dictionary.clone().inner().into_data(), x.clone().inner().into_data());
    // Without an iteration to differentiate there is no gradient but that of D.
    let any = matches!(through, Through::Iterations(_, window) if window.min(unroll.count()) > 0);
    let request = match through {
        Through::Codes => Request::at_codes(Direct::Codes),
        Through::Signs => Request::at_codes(Direct::Signs),
        Through::Iterations(loss, _) => Request {
            losses: true,
            direct: Direct::Codes,
            derivative: Some(Derivative::Loss {
                penalty: match loss {
                    Loss::LeastSquares => T::ZERO,
                    Loss::Lasso => T::from_f64(penalty),
                },
            }),
            bias: matches!(unroll.prox.thresholds, FusedThresholds::Learned(_)) && any,
            step: unroll.learned_step.is_some() && any,
            examples: false,
        },
    };
    // Iterations that are not differentiated come first.
    let fixed = match through {
        Through::Iterations(_, window) => unroll.count().saturating_sub(window),
        _ => 0,
    };
    let start = match fixed {
        0 => None,
        _ => {
            let before = FusedUnroll { iterations: unroll.first + fixed, ..*unroll };
            let settings = Settings::new(&before, [m, p, n]);
            let codes = host::run::<T>(&settings, &d, &x, None, &Request::codes()).ok()?.codes;
            Some(TensorData::new(codes, [n, p]))
        }
    };
    let rest = FusedUnroll { first: unroll.first + fixed, ..*unroll };
    let settings = Settings::new(&rest, [m, p, n]);
    let outcome = host::run(&settings, &d, &x, start.as_ref(), &request).ok()?;

    let mean = 1.0 / n as f64;
    let numbers = |values: Vec<T>, scale: f64| -> Vec<T> {
        let scale = T::from_f64(scale);
        values.into_iter().map(|value| value * scale).collect()
    };
    let target = (&device, x.dtype());
    let scalar =
        |value: f64| Tensor::<1>::from_data(TensorData::new(vec![T::from_f64(value)], [1]), target);
    let reconstruction = outcome.reconstruction * mean;
    let mut gradients = GradientsParams::new();
    let dictionary = TensorData::new(numbers(outcome.dictionary, mean), [m, p]);
    let id = network.dictionary.matrix.id;
    gradients.register(id, Tensor::<2>::from_data(dictionary, target));
    if let (FusedThresholds::Learned(bias), false) =
        (unroll.prox.thresholds, outcome.bias.is_empty())
    {
        let [count] = bias.dims();
        let values = host::bias_gradient::<T>(&outcome.bias, count, mean);
        let values = TensorData::new(values, [count]);
        gradients.register(bias.id, Tensor::<1>::from_data(values, target));
    }
    if let (Some(step), true) = (unroll.learned_step, request.step) {
        gradients.register(step.id, scalar(outcome.step * mean));
    }
    Some(Estimate {
        codes: Tensor::from_data(TensorData::new(outcome.codes, [n, p]), target),
        losses: Losses {
            reconstruction: scalar(reconstruction),
            lasso: scalar(reconstruction + penalty * outcome.sparsity * mean),
        },
        gradients,
    })
}
