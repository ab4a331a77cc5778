//! Codes, losses and gradients without a graph: who serves.

use burn::module::ParamId;
use burn::optim::GradientsParams;
use burn::tensor::{DType, Tensor, TensorData};
use unrolled_kernels::{self as kernels, Derivative, Request};

use super::description::{ThresholdsDescription, UnrollDescription};
use super::host::{self, Element, Settings, serves};
use super::{adjoint, convolution};
use crate::encoder::Encoder;
use crate::gradient::Estimate;
use crate::loss::{Loss, Losses, Objective};
use crate::network::{Batch, SparseCoder};

/// What a gradient of D at fixed codes is taken against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direct {
    /// `(D z − x) zᵀ`.
    Codes,
    /// `(D z − x) sign(z)ᵀ`.
    Signs,
}

/// The total derivative of a loss through the last `window` iterations; `None` where automatic differentiation is
/// to serve, with the kernels as one operation of its graph where they can.
pub(crate) fn estimate<N: SparseCoder, L: Objective<N>>(
    network: &N,
    batch: &Batch,
    loss: &L,
    window: usize,
) -> Option<Estimate> {
    let unroll = network.encoder().description()?;
    let kernels = Kernels::of(network, &unroll, batch);
    match (kernels, loss.known()) {
        (Some(kernels), Some(loss)) if batch.target.is_none() => {
            kernels.estimate(network, batch, Through::Iterations(loss, window))
        }
        (Some(_), _) => None,
        (None, _) => convolution::estimate(network, &unroll, batch, loss, window)
            .or_else(|| adjoint::estimate(network, &unroll, batch, loss, window)),
    }
}

/// The gradient of D at the encoder's codes, held fixed, by the kernels; `None` where they do not serve.
pub(crate) fn at_codes<N: SparseCoder>(
    network: &N,
    batch: &Batch,
    direct: Direct,
) -> Option<Estimate> {
    let unroll = network.encoder().description()?;
    match Kernels::of(network, &unroll, batch) {
        Some(kernels) if batch.target.is_none() => {
            kernels.estimate(network, batch, Through::Codes(direct))
        }
        None if direct == Direct::Codes => {
            convolution::estimate(network, &unroll, batch, &Loss::Lasso, 0)
        }
        _ => None,
    }
}

#[derive(Clone, Copy)]
enum Through {
    Codes(Direct),
    /// A loss, through the last iterations.
    Iterations(Loss, usize),
}

/// A network that the kernels serve: the one place where they are entered for gradients.
pub(super) struct Kernels<'a> {
    pub unroll: &'a UnrollDescription<'a>,
    pub dictionary: Tensor<2>,
    pub parameter: ParamId,
}

impl<'a> Kernels<'a> {
    pub fn of<N: SparseCoder>(
        network: &N,
        unroll: &'a UnrollDescription<'a>,
        batch: &Batch,
    ) -> Option<Self> {
        use crate::operator::LinearOperator;
        let view = network.operator().as_matrix()?;
        let (dictionary, x) = (view.matrix, &batch.x);
        let fits = serves(&dictionary) && serves(x) && dictionary.dtype() == x.dtype();
        let suits = fits && unroll.suits_kernels();
        suits.then_some(())?;
        Some(Self { unroll, dictionary, parameter: view.parameter? })
    }

    fn estimate<N: SparseCoder>(
        &self,
        network: &N,
        batch: &Batch,
        through: Through,
    ) -> Option<Estimate> {
        match batch.x.dtype() {
            DType::F64 => self.in_precision::<N, f64>(network, &batch.x, through),
            _ => self.in_precision::<N, f32>(network, &batch.x, through),
        }
    }

    fn in_precision<N: SparseCoder, T: Element>(
        &self,
        network: &N,
        x: &Tensor<2>,
        through: Through,
    ) -> Option<Estimate> {
        let Self { unroll, dictionary, parameter } = self;
        let ([m, p], [n, _]) = (dictionary.dims(), x.dims());
        let device = x.device().inner();
        let penalty = network.encoder().penalty();
        let (d, x) = (dictionary.clone().inner().into_data(), x.clone().inner().into_data());
        // Without an iteration to differentiate there is no gradient but that of D.
        let any =
            matches!(through, Through::Iterations(_, window) if window.min(unroll.count()) > 0);
        let request = match through {
            Through::Codes(Direct::Codes) => Request::at_codes(kernels::Direct::Codes),
            Through::Codes(Direct::Signs) => Request::at_codes(kernels::Direct::Signs),
            Through::Iterations(loss, _) => Request {
                losses: true,
                direct: kernels::Direct::Codes,
                derivative: Some(Derivative::Loss {
                    penalty: match loss {
                        Loss::LeastSquares => T::ZERO,
                        Loss::Lasso => T::from_f64(penalty),
                    },
                }),
                bias: matches!(unroll.prox.thresholds, ThresholdsDescription::Learned(_)) && any,
                step: unroll.learned_step.is_some() && any,
                examples: false,
            },
        };
        // Iterations that are not differentiated come first.
        let fixed = match through {
            Through::Iterations(_, window) => unroll.count().saturating_sub(window),
            Through::Codes(_) => 0,
        };
        let start = match fixed {
            0 => None,
            _ => {
                let before = UnrollDescription { iterations: unroll.first + fixed, ..**unroll };
                let settings = Settings::new(&before, [m, p, n]);
                let codes = host::run::<T>(&settings, &d, &x, None, &Request::codes()).ok()?.codes;
                Some(TensorData::new(codes, [n, p]))
            }
        };
        let rest = UnrollDescription { first: unroll.first + fixed, ..**unroll };
        let settings = Settings::new(&rest, [m, p, n]);
        let outcome = host::run(&settings, &d, &x, start.as_ref(), &request).ok()?;

        let mean = 1.0 / n as f64;
        let numbers = |values: Vec<T>, scale: f64| -> Vec<T> {
            let scale = T::from_f64(scale);
            values.into_iter().map(|value| value * scale).collect()
        };
        let target = (&device, dictionary.dtype());
        let scalar = |value: f64| {
            Tensor::<1>::from_data(TensorData::new(vec![T::from_f64(value)], [1]), target)
        };
        let reconstruction = outcome.reconstruction * mean;
        let mut gradients = GradientsParams::new();
        let of_dictionary = TensorData::new(numbers(outcome.dictionary, mean), [m, p]);
        gradients.register(*parameter, Tensor::<2>::from_data(of_dictionary, target));
        if let (ThresholdsDescription::Learned(bias), false) =
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
        let losses = Losses {
            reconstruction: scalar(reconstruction),
            lasso: scalar(reconstruction + penalty * outcome.sparsity * mean),
        };
        let loss = match through {
            Through::Iterations(Loss::Lasso, _) | Through::Codes(Direct::Codes) => &losses.lasso,
            _ => &losses.reconstruction,
        };
        Some(Estimate {
            codes: Tensor::from_data(TensorData::new(outcome.codes, [n, p]), target),
            loss: loss.clone(),
            losses,
            gradients,
            trouble: None,
        })
    }
}
