//! Kinds of dictionary.

use burn::module::{ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use ndarray::Array2;
use unrolled::dictionary::initialisation;
use unrolled::fused::Engine;
use unrolled::operator::Layers;
use unrolled::prelude::*;
use unrolled::random::Stream;
use unrolled::tensors::{to_tensor, to_values};

use crate::cases::Case;

/// What a network computes, by name.
pub struct Measured {
    pub arrays: Vec<(String, Vec<f64>)>,
}

/// A kind of dictionary with a small problem of its own.
pub trait Kind {
    fn name(&self) -> &'static str;

    /// Codes, losses and all gradients of a case.
    fn measure(
        &self,
        case: &Case,
        device: &Device,
        precision: Precision,
        engine: Engine,
    ) -> Measured;
}

/// D `[m, p]`, atoms as columns.
pub struct Dense;

impl Kind for Dense {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn measure(
        &self,
        case: &Case,
        device: &Device,
        precision: Precision,
        engine: Engine,
    ) -> Measured {
        let (m, p, n) = (8, 12, 6);
        let dictionary = initialisation::random(m, p, &mut Stream::new(3, "dictionary", 0));
        let mut stream = Stream::new(3, "examples", 0);
        let x = Array2::from_shape_simple_fn((n, m), || stream.normal());
        let encoder = case.encoder(p, device, precision, engine);
        let dictionary = DenseDictionary::new(to_tensor(&dictionary, precision, device));
        let network = Autoencoder::new(dictionary, encoder);
        let estimate = case.estimator().estimate(&network, &to_tensor(&x, precision, device));
        Measured::of(&network, &estimate)
    }
}

/// Filters `[p, c, h, w]` under a denoiser: as its keys can have it.
pub struct Convolutional {
    pub name: &'static str,
    pub border: usize,
    pub split: usize,
    /// Pairs of synthesis and analysis filters.
    pub pairs: usize,
    /// Of an image `[c, H, W]`.
    pub measured: fn(&Device) -> unrolled::prelude::Measured,
    pub with_target: bool,
}

impl Kind for Convolutional {
    fn name(&self) -> &'static str {
        self.name
    }

    fn measure(
        &self,
        case: &Case,
        device: &Device,
        precision: Precision,
        engine: Engine,
    ) -> Measured {
        let (p, channels, filter, stride) = (4, 2, [3, 2], 2);
        let views = Views {
            image: [channels, 6, 7],
            filter,
            stride,
            border: self.border,
            split: self.split,
        };
        let filters = |name: &'static str, index: u64| {
            let mut stream = Stream::new(3, name, index);
            let array = initialisation::random(channels * 6, p, &mut stream);
            let filters = to_tensor(&array.t().to_owned(), precision, device);
            let filters = filters.reshape([p, channels, filter[0], filter[1]]);
            ConvolutionalDictionary::new(filters, views.padded(), stride)
        };
        let pair = |index: usize| {
            Untied::new(filters("synthesis", index as u64), filters("synthesis", index as u64))
        };
        let layers = match self.pairs {
            0 => Layers::tied(filters("filters", 0)),
            pairs => Layers::untied(filters("filters", 0), (0..pairs).map(pair).collect()),
        };
        let encoder = case.encoder(p, device, precision, engine);
        let network = Denoiser::new(layers, encoder, views, &(self.measured)(device));
        let images = |name: &str| {
            let mut stream = Stream::new(3, name, 0);
            let array = Array2::from_shape_simple_fn((2, channels * 42), || stream.normal());
            to_tensor(&array, precision, device)
        };
        let batch = Batch::new(images("examples"));
        let batch = batch.with_target(self.with_target.then(|| images("targets")));
        let estimate = case.estimator_over::<Denoiser>().estimate_batch(&network, &batch);
        Measured::of(&network, &estimate)
    }
}

impl Measured {
    /// Codes, losses and the gradient of every parameter that has one.
    fn of<N: SparseCoder>(network: &N, estimate: &Estimate) -> Self {
        struct Gradients<'a>(&'a GradientsParams, Vec<(String, Vec<f64>)>, Vec<String>);
        impl ModuleVisitor for Gradients<'_> {
            fn enter_module(&mut self, name: &str, _: &str) {
                self.2.push(name.to_owned());
            }

            fn exit_module(&mut self, _: &str, _: &str) {
                self.2.pop();
            }

            fn visit_float<const R: usize>(&mut self, parameter: &Param<Tensor<R>>) {
                if let Some(gradient) = self.0.get::<R>(parameter.id) {
                    self.1
                        .push((format!("gradient of {}", self.2.join(".")), to_values(&gradient)));
                }
            }
        }
        let arrays = vec![
            ("codes".to_owned(), to_values(&estimate.codes)),
            ("reconstruction".to_owned(), to_values(&estimate.losses.reconstruction)),
            ("lasso".to_owned(), to_values(&estimate.losses.lasso)),
        ];
        let mut gradients = Gradients(&estimate.gradients, arrays, Vec::new());
        network.visit(&mut gradients);
        Self { arrays: gradients.1 }
    }
}
