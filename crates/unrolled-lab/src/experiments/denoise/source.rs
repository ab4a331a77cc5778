//! Crops of images with noise: batches that follow from the seed and the step alone.

use std::ops::Range;
use std::sync::Arc;

use burn::tensor::Device;
use ndarray::Array2;
use rayon::prelude::*;
use unrolled::operator::{Blur, LinearOperator};
use unrolled::prelude::Precision;
use unrolled::random::Stream;
use unrolled::tensors::{to_tensor, to_values};

use super::config::{ImagesConfig, Noise, Remove};
use super::images::Images;
use super::noise::add_noise;
use crate::Error;
use crate::training::{Rows, Source};

/// Random crops, turned and flipped.
pub(super) struct Crops {
    pub images: Arc<Images>,
    pub config: ImagesConfig,
    pub seed: u64,
    /// Crops in a step.
    pub batch: usize,
    /// The standard deviation in pixels of a blur that comes before the noise.
    pub blur: Option<f64>,
    /// Whether the rows to encode are noisy images and the targets clean ones; else there is no target.
    pub against_clean: bool,
}

impl Crops {
    /// σ of a step, on 0–1.
    pub fn noise(&self, step: usize) -> f64 {
        let level = match self.config.noise {
            Noise::Fixed(level) => level,
            Noise::Range { low, high } => {
                Stream::new(self.seed, "denoise/level", step as u64).uniform_between(low, high)
            }
        };
        level / 255.0
    }

    /// Crop number `index` of a step, clean.
    fn clean(&self, step: usize, index: usize) -> Vec<f64> {
        let mut stream = self.stream("denoise/crop", step, index);
        let size = self.config.crop;
        let image = &self.images.train[stream.below(self.images.train.len())].image;
        let top = stream.below(image.height - size + 1);
        let left = stream.below(image.width - size + 1);
        let crop = image.crop(top, left, [size, size]);
        let crop = match self.config.turn {
            true => crop.turned(stream.below(4), stream.below(2) == 1),
            false => crop,
        };
        crop.values.into_iter().map(f64::from).collect()
    }

    fn place(&self, step: usize, index: usize) -> u64 {
        (step * self.batch + index) as u64
    }

    fn stream(&self, purpose: &str, step: usize, index: usize) -> Stream {
        Stream::new(self.seed, purpose, self.place(step, index))
    }

    /// A crop as it is encoded, and as it should come out.
    fn pair(&self, step: usize, index: usize) -> [Vec<f64>; 2] {
        let mut clean = self.clean(step, index);
        let mut noisy = match self.blur {
            Some(width) => {
                let [side, channels] = [self.config.crop, self.config.channels().count()];
                blurred(&clean, width, [channels, side, side])
            }
            None => clean.clone(),
        };
        let place = self.place(step, index);
        add_noise(&mut noisy, self.noise(step), self.seed, "denoise/noise", place);
        if self.config.remove == Remove::Mean {
            let mean = mean(&noisy);
            [&mut clean, &mut noisy].into_iter().flatten().for_each(|value| *value -= mean);
        }
        [noisy, clean]
    }
}

/// An image `[c, H, W]` blurred by a Gaussian of a standard deviation of `width` pixels, in float64.
pub(super) fn blurred(clean: &[f64], width: f64, image: [usize; 3]) -> Vec<f64> {
    let device = Device::flex();
    let blur = Blur::gaussian(width, image, Precision::Float64, &device);
    let row = Array2::from_shape_vec((1, clean.len()), clean.to_vec());
    let row = row.expect("an image is a row");
    to_values(&blur.forward(to_tensor(&row, Precision::Float64, &device)))
}

/// The mean of an image.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

impl Source for Crops {
    fn batch(&self) -> usize {
        self.batch
    }

    fn steps_of_an_epoch(&self) -> usize {
        self.images.train.len().div_ceil(self.batch).max(1)
    }

    fn rows(&self, step: usize, range: Range<usize>) -> Result<Rows, Error> {
        let count = range.len();
        let pairs: Vec<[Vec<f64>; 2]> =
            range.into_par_iter().map(|index| self.pair(step, index)).collect();
        let (mut x, mut target) = (Vec::new(), Vec::new());
        for [noisy, clean] in pairs {
            x.extend(noisy);
            target.extend(clean);
        }
        let rows = |values: Vec<f64>| {
            let width = values.len() / count;
            Array2::from_shape_vec((count, width), values).expect("crops are of one size")
        };
        let target = self.against_clean.then(|| rows(target));
        Ok(Rows { x: rows(x), target, label: None, true_codes: None })
    }

    fn describe(&self, step: usize) -> String {
        let mut stream = self.stream("denoise/crop", step, 0);
        let image = &self.images.train[stream.below(self.images.train.len())];
        format!("the batch whose first crop is of {}", image.name)
    }
}
