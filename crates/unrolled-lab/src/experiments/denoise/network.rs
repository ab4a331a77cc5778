//! The network of a run, from its configuration.

use burn::tensor::Device;
use ndarray::Array2;
use unrolled::operator::Layers;
use unrolled::prelude::{ConvolutionalDictionary, Denoiser, Measured, Precision, Untied, Views};

use super::config::{MeasurementConfig, Sections};
use super::noise::mask;
use crate::config::Unrolling;

/// How networks of a run are built.
pub(crate) struct Blueprint<'a> {
    pub sections: &'a Sections,
    pub precision: Precision,
    pub device: Device,
}

impl Blueprint<'_> {
    /// Grey or colour.
    pub fn channels(&self) -> usize {
        self.sections.data.channels().count()
    }

    /// How images of a height and a width are laid.
    pub fn views(&self, [height, width]: [usize; 2]) -> Views {
        let Sections { dictionary, encoder, .. } = self.sections;
        Views {
            image: [self.channels(), height, width],
            filter: dictionary.size,
            stride: dictionary.stride,
            border: encoder.border,
            split: encoder.split,
        }
    }

    /// What training settles at a step.
    pub fn unrolling(&self, step: f64, train_step: usize) -> Unrolling {
        let Sections { data, encoder, .. } = self.sections;
        Unrolling {
            iterations: encoder.encoder.iterations,
            step,
            train_step,
            form: unrolled::encoder::Form::Residual,
            noise: Some(data.noise.typical() / 255.0),
        }
    }

    /// A network with what training has settled at a step: α, and how far a penalty has decayed.
    pub fn settled(&self, mut network: Denoiser, step: f64, train_step: usize) -> Denoiser {
        let unrolling = self.unrolling(step, train_step);
        let (atoms, device) = (self.sections.dictionary.atoms, &self.device);
        let config = &self.sections.encoder.encoder;
        network.encoder = config.rebuild(unrolling, atoms, self.precision, device, network.encoder);
        network
    }

    /// The filters as columns `[c·h·w, p]`, tied to no network, for images of a height and a width.
    pub fn dictionary(&self, filters: &Array2<f64>, image: [usize; 2]) -> ConvolutionalDictionary {
        let config = &self.sections.dictionary;
        let filters = config.tensor(filters, self.precision, &self.device);
        let size = self.views(image).padded();
        ConvolutionalDictionary::new(filters, size, config.stride)
            .with_constraint(config.constraint)
    }

    /// The network that starts with these filters in every place, and step α.
    pub fn network(&self, filters: &Array2<f64>, step: f64, image: [usize; 2]) -> Denoiser {
        let dictionary = || self.dictionary(filters, image);
        let pairs = 0..self.sections.encoder.pairs();
        let pairs: Vec<_> = pairs.map(|_| Untied::new(dictionary(), dictionary())).collect();
        let layers = match pairs.is_empty() {
            true => Layers::tied(dictionary()),
            false => Layers::untied(dictionary(), pairs),
        };
        let config = &self.sections.encoder.encoder;
        let atoms = self.sections.dictionary.atoms;
        let encoder = config.build(self.unrolling(step, 1), atoms, self.precision, &self.device);
        Denoiser::new(layers, encoder, self.views(image), &self.measured_all(image))
    }

    /// A measurement of its kind that misses nothing, until it is said what.
    fn measured_all(&self, [height, width]: [usize; 2]) -> Measured {
        match self.sections.measurement {
            MeasurementConfig::None => Measured::All,
            MeasurementConfig::Blur { width, .. } => Measured::Blur(width),
            MeasurementConfig::Mask { .. } => {
                let image = [self.channels(), height, width];
                Measured::Mask(mask(image, 2.0, (0, "", 0), &self.device))
            }
        }
    }

    /// What is measured of an image of a height and a width; what a mask keeps follows from the seed, a purpose and an index.
    pub fn measured(&self, [height, width]: [usize; 2], place: (u64, &str, u64)) -> Measured {
        match self.sections.measurement {
            MeasurementConfig::Mask { keep } => {
                let image = [self.channels(), height, width];
                Measured::Mask(mask(image, keep, place, &self.device))
            }
            _ => self.measured_all([height, width]),
        }
    }
}
