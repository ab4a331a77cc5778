//! Convolutions by the kernels: codes, and gradients of every filter, threshold and step.

use burn::module::ParamId;
use burn::optim::GradientsParams;
use burn::tensor::{DType, Tensor, TensorData};
use unrolled_kernels::{
    ConvolutionalGradients, ConvolutionalUnroll, Cotangents, Filters, Matrix, Passed,
};

use super::description::{ThresholdsDescription, UnrollDescription};
use super::host::{Element, serves, slice};
use crate::encoder::Encoder;
use crate::fit::DataFit;
use crate::gradient::{Estimate, head};
use crate::loss::{Loss, Losses, Objective};
use crate::network::{Batch, SparseCoder};
use crate::operator::{ConvolutionView, FilterView, LinearOperator};
use crate::parameters::merge;
use crate::tensors::{to_scalar, to_values, together};

/// z_T `[n, q]` of inputs `[n, m]`, from z₀ = 0; `None` where the kernels cannot serve, or a graph is asked for.
pub(super) fn encode(
    unroll: &UnrollDescription,
    view: &ConvolutionView,
    x: &Tensor<2>,
) -> Option<Tensor<2>> {
    if unroll.first > 0 || x.is_autodiff() || view.decoder.filters.is_autodiff() {
        return None;
    }
    let arrays = Arrays::of(unroll, view, x)?;
    match x.dtype() {
        DType::F64 => arrays.codes::<f64>(x),
        _ => arrays.codes::<f32>(x),
    }
}

/// The derivative of a loss through the last `window` iterations, at fixed codes where that is 0; `None` where the
/// kernels cannot serve.
pub(super) fn estimate<N: SparseCoder, L: Objective<N>>(
    network: &N,
    unroll: &UnrollDescription,
    batch: &Batch,
    loss: &L,
    window: usize,
) -> Option<Estimate> {
    let plain = network.valid();
    let view = plain.operator().as_convolution()?;
    let x = plain.inputs(&batch.x.clone().inner());
    let arrays = Arrays::of(unroll, &view, &x)?;
    let window = window.min(unroll.count());
    let of = Of { network, plain: &plain, view: &view, unroll, batch, window };
    match x.dtype() {
        DType::F64 => of.estimate::<L, f64>(&arrays, &x, loss),
        _ => of.estimate::<L, f32>(&arrays, &x, loss),
    }
}

/// What the kernels take, on the host.
struct Arrays<'a> {
    view: &'a ConvolutionView,
    unroll: &'a UnrollDescription<'a>,
    x: TensorData,
    pairs: Vec<[TensorData; 2]>,
    decoder: TensorData,
    weights: Option<TensorData>,
    /// `[1 or T, 1 or p]`.
    thresholds: (Vec<f64>, [usize; 2]),
    step: f64,
}

impl<'a> Arrays<'a> {
    fn of(unroll: &'a UnrollDescription, view: &'a ConvolutionView, x: &Tensor<2>) -> Option<Self> {
        let [atoms, ..] = view.decoder.filters.dims();
        let filters = view.pairs.iter().flatten().chain([&view.decoder]);
        let fits =
            |filters: &FilterView| serves(&filters.filters) && filters.filters.dtype() == x.dtype();
        let counts = [1, unroll.count()].contains(&view.pairs.len());
        let suits = unroll.suits_convolution() && unroll.first == 0 && counts;
        if !suits || !serves(x) || !filters.into_iter().all(fits) {
            return None;
        }
        let thresholds = thresholds(unroll, atoms)?;
        if thresholds.0.iter().any(|b| *b < 0.0) {
            return None;
        }
        let data = |filters: &FilterView| filters.filters.clone().inner().into_data();
        let weights = view.weights.as_ref();
        Some(Self {
            view,
            unroll,
            x: x.clone().inner().into_data(),
            pairs: view.pairs.iter().map(|pair| [data(&pair[0]), data(&pair[1])]).collect(),
            decoder: data(&view.decoder),
            weights: weights.map(|w| w.clone().inner().cast(x.dtype()).into_data()),
            thresholds,
            step: match unroll.learned_step {
                Some(step) => to_scalar(&step.val()),
                None => unroll.step,
            },
        })
    }

    /// The unroll on the arrays, with the thresholds in its precision.
    fn unroll<'s, T: Element>(&'s self, thresholds: &'s [T]) -> Option<ConvolutionalUnroll<'s, T>> {
        let shape = self.view.decoder.filters.dims();
        let filters = |data: &'s TensorData| Filters::new(slice::<T>(data), shape).ok();
        let each = |which: usize| -> Option<Vec<Filters<'s, T>>> {
            self.pairs.iter().map(|pair| filters(&pair[which])).collect()
        };
        let [layers, count] = self.thresholds.1;
        let weights = match &self.weights {
            Some(weights) => Some(rows::<T>(weights)?),
            None => None,
        };
        Some(ConvolutionalUnroll {
            image: self.view.image,
            stride: self.view.stride,
            analysis: each(1)?,
            synthesis: each(0)?,
            decoder: filters(&self.decoder)?,
            weights,
            step: T::from_f64(self.step),
            operator: self.unroll.prox.operator,
            sided: self.unroll.prox.sided,
            thresholds: Matrix::new(thresholds, layers, count).ok()?,
            iterations: self.unroll.count(),
        })
    }

    fn thresholds<T: Element>(&self) -> Vec<T> {
        self.thresholds.0.iter().map(|b| T::from_f64(*b)).collect()
    }

    fn codes<T: Element>(&self, like: &Tensor<2>) -> Option<Tensor<2>> {
        let thresholds = self.thresholds::<T>();
        let passed = self.unroll::<T>(&thresholds)?.forward(rows(&self.x)?, 0).ok()?;
        Some(codes_of(&passed, like))
    }
}

/// b, `[1 or T, 1 or p]`; `None` where each serves something else than a map.
fn thresholds(unroll: &UnrollDescription, atoms: usize) -> Option<(Vec<f64>, [usize; 2])> {
    let (values, shape) = match unroll.prox.thresholds {
        ThresholdsDescription::Constant(threshold) => (vec![threshold], [1, 1]),
        ThresholdsDescription::Scheduled(schedule) => {
            let at = |t| unroll.step * schedule.at(t);
            let values: Vec<f64> = (0..unroll.count().max(1)).map(at).collect();
            let layers = values.len();
            (values, [layers, 1])
        }
        ThresholdsDescription::Learned(bias) => (to_values(&bias.val()), [1, bias.dims()[0]]),
        ThresholdsDescription::Layered(prox) => {
            let biases = prox.biases();
            (to_values(&biases), biases.dims())
        }
    };
    let fits = [1, unroll.count().max(1)].contains(&shape[0]) && [1, atoms].contains(&shape[1]);
    fits.then_some((values, shape))
}

fn rows<T: Element>(data: &TensorData) -> Option<Matrix<'_, T>> {
    Matrix::new(slice::<T>(data), data.shape()[0], data.shape()[1]).ok()
}

fn codes_of<T: Element>(passed: &Passed<T>, like: &Tensor<2>) -> Tensor<2> {
    let (values, n) = (passed.codes(), like.dims()[0]);
    let width = values.len() / n;
    Tensor::from_data(TensorData::new(values, [n, width]), (&like.device(), like.dtype()))
}

/// A gradient that is asked for.
struct Of<'a, N> {
    network: &'a N,
    plain: &'a N,
    view: &'a ConvolutionView,
    unroll: &'a UnrollDescription<'a>,
    batch: &'a Batch,
    window: usize,
}

impl<N: SparseCoder> Of<'_, N> {
    fn estimate<L: Objective<N>, T: Element>(
        &self,
        arrays: &Arrays,
        x: &Tensor<2>,
        loss: &L,
    ) -> Option<Estimate> {
        let thresholds = arrays.thresholds::<T>();
        let unroll = arrays.unroll::<T>(&thresholds)?;
        let passed = unroll.forward(rows(&arrays.x)?, self.window).ok()?;
        let codes = codes_of(&passed, x);
        let Some(known) = loss.known() else {
            let head = head::differentiate(self.network, self.batch, loss, codes);
            if self.window == 0 {
                return Some(head.estimate);
            }
            let of_codes = head.of_codes.into_data();
            let of = Cotangents { images: None, penalty: T::ZERO, codes: Some(rows(&of_codes)?) };
            let gradients = unroll.adjoint(&passed, of).ok()?;
            let back = self.register(gradients, x, false);
            let gradients = merge(self.network, head.estimate.gradients, back);
            return Some(Estimate { gradients, ..head.estimate });
        };
        let (losses, of_images) = self.losses(&passed, x);
        let of_images = of_images.into_data();
        let penalty = match known {
            Loss::LeastSquares => 0.0,
            Loss::Lasso => self.plain.encoder().penalty() / x.dims()[0] as f64,
        };
        let penalty = T::from_f64(penalty);
        let of = Cotangents { images: Some(rows(&of_images)?), penalty, codes: None };
        let gradients = unroll.adjoint(&passed, of).ok()?;
        Some(Estimate {
            codes,
            loss: losses.get(known).clone(),
            losses,
            gradients: self.register(gradients, x, true),
            trouble: None,
        })
    }

    /// Both losses, and the derivative of the reconstruction by the decoder's images, `[k n, m]`.
    fn losses<T: Element>(&self, passed: &Passed<T>, x: &Tensor<2>) -> (Losses, Tensor<2>) {
        let images = TensorData::new(passed.images().to_vec(), x.dims());
        let images = Tensor::<2>::from_data(images, (&x.device(), x.dtype()));
        let images = images.autodiff().require_grad();
        let measured = match (&self.view.weights, &self.batch.target) {
            (Some(weights), None) => {
                let weights = weights.clone().cast(x.dtype());
                let (images, weights) = together(images.clone(), weights);
                images.mul(weights)
            }
            _ => images.clone(),
        };
        let predicted = self.plain.assemble(measured);
        let (predicted, target) = together(predicted, self.batch.target().clone());
        let reconstruction = self.plain.encoder().fit().value(predicted.sub(target));
        let mut gradients = reconstruction.clone().backward();
        let of_images = images.grad_remove(&mut gradients).expect("the loss is of the images");
        let reconstruction = reconstruction.inner();
        let sparsity = passed.sparsity() * self.plain.encoder().penalty() / x.dims()[0] as f64;
        let lasso = reconstruction.clone().add_scalar(sparsity);
        (Losses { reconstruction, lasso }, of_images)
    }

    /// Gradients by the parameters that they are of; those at fixed codes alone where nothing was gone back through.
    fn register<T: Element>(
        &self,
        gradients: ConvolutionalGradients<T>,
        like: &Tensor<2>,
        with_decoder: bool,
    ) -> GradientsParams {
        let shape = self.view.decoder.filters.dims();
        let device = like.device();
        let target = (&device, like.dtype());
        let mut sums: Vec<(ParamId, Vec<T>)> = Vec::new();
        let mut put =
            |id: ParamId, values: Vec<T>| match sums.iter_mut().find(|(known, _)| *known == id) {
                Some((_, sum)) => sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value),
                None => sums.push((id, values)),
            };
        if with_decoder {
            put(self.view.decoder.parameter, gradients.decoder);
        }
        if self.window > 0 {
            let through = gradients.synthesis.into_iter().zip(gradients.analysis);
            let (first, count) = (self.unroll.count() - self.window, self.unroll.count());
            let shared = self.view.pairs.len() == 1;
            let pairs = self.view.pairs.iter().zip(through).enumerate();
            for (layer, ([of_synthesis, of_analysis], (synthesis, analysis))) in pairs {
                // What no iteration goes through has no gradient; z₀ = 0 goes through no synthesis.
                let (begin, end) = if shared { (first, count) } else { (layer, layer + 1) };
                if begin >= first && end > begin.max(1) {
                    put(of_synthesis.parameter, synthesis);
                }
                if begin >= first {
                    put(of_analysis.parameter, analysis);
                }
            }
        }
        let mut all = GradientsParams::new();
        for (id, values) in sums {
            all.register(id, Tensor::<4>::from_data(TensorData::new(values, shape), target));
        }
        if self.window == 0 {
            return all;
        }
        let vector = |values: Vec<f64>| {
            let values: Vec<T> = values.into_iter().map(T::from_f64).collect();
            let count = values.len();
            Tensor::<1>::from_data(TensorData::new(values, [count]), target)
        };
        match self.unroll.prox.thresholds {
            ThresholdsDescription::Learned(bias) => {
                let [count] = bias.dims();
                all.register(bias.id, vector(summed(&gradients.thresholds, shape[0], [1, count])));
            }
            ThresholdsDescription::Layered(prox) => {
                let dims = prox.base.dims();
                let of_base = vector(summed(&gradients.thresholds, shape[0], dims)).reshape(dims);
                if let Some(slope) = &prox.slope {
                    all.register(slope.id, of_base.clone().mul_scalar(prox.noise));
                }
                all.register(prox.base.id, of_base);
            }
            _ => {}
        }
        if let Some(step) = self.unroll.learned_step {
            all.register(step.id, vector(vec![gradients.step]));
        }
        all
    }
}

/// Gradients by iteration and filter, `[T, p]`, as those of biases `[layers, count]` that serve several of them.
fn summed(by_filter: &[f64], atoms: usize, [layers, count]: [usize; 2]) -> Vec<f64> {
    let mut sums = vec![0.0; layers * count];
    for (iteration, row) in by_filter.chunks_exact(atoms).enumerate() {
        for (atom, value) in row.iter().enumerate() {
            sums[iteration.min(layers - 1) * count + atom.min(count - 1)] += value;
        }
    }
    sums
}
