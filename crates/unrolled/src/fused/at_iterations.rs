//! The gradients through all iterations, for many T at once.

use burn::optim::GradientsParams;
use burn::tensor::{DType, Tensor, TensorData};
use unrolled_kernels::{self as kernels, Matrix};

use super::description::ThresholdsDescription;
use super::estimate::Kernels;
use super::host::{self, Element, Settings};
use crate::encoder::Encoder;
use crate::loss::Loss;
use crate::network::{Batch, SparseCoder};

/// The gradients of every loss at each T of `at`, which is not beyond the network's own, as means over examples
/// `x` `[n, m]`: for each T one for each loss. They share one forward pass.
///
/// `None` where the kernels cannot serve, or cannot share: another engine or device, the residual form, a
/// learned step.
pub fn at_iterations<N: SparseCoder>(
    network: &N,
    x: &Tensor<2>,
    losses: &[Loss],
    at: &[usize],
) -> Option<Vec<Vec<GradientsParams>>> {
    let unroll = network.encoder().description()?;
    let kernels = Kernels::of(network, &unroll, &Batch::new(x.clone()))?;
    if unroll.learned_step.is_some() || unroll.first > 0 || losses.is_empty() {
        return None;
    }
    let penalty = network.encoder().penalty();
    match x.dtype() {
        DType::F64 => in_precision::<f64>(&kernels, penalty, x, losses, at),
        _ => in_precision::<f32>(&kernels, penalty, x, losses, at),
    }
}

fn in_precision<T: Element>(
    kernels: &Kernels,
    penalty: f64,
    x: &Tensor<2>,
    losses: &[Loss],
    at: &[usize],
) -> Option<Vec<Vec<GradientsParams>>> {
    let target = (&x.device().inner(), x.dtype());
    let Kernels { unroll, dictionary, parameter } = kernels;
    let ([m, p], [n, _]) = (dictionary.dims(), x.dims());
    let dictionary = dictionary.clone().inner().into_data();
    let x = x.clone().inner().into_data();
    let settings = Settings::new(unroll, [m, p, n]);
    let thresholds: Vec<T> = settings.thresholds.iter().map(|b| T::from_f64(*b)).collect();
    let unrolled = settings.unroll::<T>(&dictionary, &thresholds).ok()?;
    let penalties: Vec<T> = losses
        .iter()
        .map(|loss| match loss {
            Loss::LeastSquares => T::ZERO,
            Loss::Lasso => T::from_f64(penalty),
        })
        .collect();
    let bias = match unroll.prox.thresholds {
        ThresholdsDescription::Learned(bias) => Some(bias),
        _ => None,
    };
    let x = Matrix::new(host::slice::<T>(&x), n, m).ok()?;
    let outcomes = kernels::at_iterations(&unrolled, x, at, &penalties, bias.is_some()).ok()??;
    let mean = 1.0 / n as f64;
    let gradients = |outcome: kernels::Outcome<T>| {
        let mut gradients = GradientsParams::new();
        let scale = T::from_f64(mean);
        let values: Vec<T> = outcome.dictionary.iter().map(|v| *v * scale).collect();
        let values = Tensor::<2>::from_data(TensorData::new(values, [m, p]), target);
        gradients.register(*parameter, values);
        if let (Some(bias), false) = (bias, outcome.bias.is_empty()) {
            let [count] = bias.dims();
            let values = host::bias_gradient::<T>(&outcome.bias, count, mean);
            let values = Tensor::<1>::from_data(TensorData::new(values, [count]), target);
            gradients.register(bias.id, values);
        }
        gradients
    };
    let mut outcomes = outcomes.into_iter().map(gradients);
    Some(at.iter().map(|_| outcomes.by_ref().take(losses.len()).collect()).collect())
}
