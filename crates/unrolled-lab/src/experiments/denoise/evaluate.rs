//! Whole images through a network: noise added, restored, held against what was clean.

use burn::tensor::Tensor;
use ndarray::Array2;
use unrolled::metrics::{psnr, ssim};
use unrolled::prelude::{Denoiser, Measured};
use unrolled::tensors::{is_on_cpu, to_tensor, to_values};

use super::config::Remove;
use super::images::Named;
use super::network::Blueprint;
use super::noise::add_noise;
use super::source::{blurred, mean};
use crate::Error;
use crate::progress::Stop;
use crate::workers::{Workers, in_order};

/// An image that was restored, and how well.
#[derive(Clone, Debug)]
pub(super) struct Restored {
    pub name: String,
    /// c, H and W.
    pub shape: [usize; 3],
    pub psnr: f64,
    pub psnr_reference: f64,
    pub psnr_noisy: f64,
    pub ssim: f64,
    /// Noisy, restored and clean, where they are kept.
    pub pictures: Option<[Vec<f64>; 3]>,
}

/// How images are put through a network.
pub(super) struct Evaluation<'a> {
    pub blueprint: &'a Blueprint<'a>,
    pub seed: u64,
    /// What the noise and the masks are drawn for: "test" or "validation".
    pub purpose: &'static str,
    pub threads: usize,
    pub stop: Option<&'a Stop>,
    /// Of so many images the pictures are kept.
    pub keep: usize,
}

impl Evaluation<'_> {
    /// Restores every image; `advance` is told after each.
    pub fn of(
        &self,
        network: &Denoiser,
        images: &[Named],
        mut advance: impl FnMut(usize),
    ) -> Result<Vec<Restored>, Error> {
        let workers = if is_on_cpu(&self.blueprint.device) { self.threads } else { 1 };
        let mut all = Vec::new();
        in_order(
            images.len(),
            Workers::of(workers),
            || {},
            |index, _| self.one(network, &images[index], index),
            |_| {},
            |restored| {
                all.push(restored);
                advance(all.len());
                Ok(())
            },
        )?;
        Ok(all)
    }

    fn one(
        &self,
        network: &Denoiser,
        Named { name, image }: &Named,
        index: usize,
    ) -> Result<Restored, Error> {
        if self.stop.is_some_and(Stop::is_requested) {
            return Err(Error::Interrupted(String::new()));
        }
        let level = self.blueprint.sections.data.test_noise() / 255.0;
        let size = [image.height, image.width];
        let clean: Vec<f64> = image.values.iter().copied().map(f64::from).collect();
        let purpose = format!("denoise/{} mask", self.purpose);
        let measured = self.blueprint.measured(size, (self.seed, &purpose, index as u64));
        let mut noisy = measure(&measured, &clean, self.blueprint, size);
        let purpose = format!("denoise/{}", self.purpose);
        add_noise(&mut noisy, level, self.seed, &purpose, index as u64);
        mask_again(&measured, &mut noisy);
        let offset = offset(self.blueprint, &noisy);
        let restored = through(self.blueprint, network, &noisy, size, level, &measured, offset);
        if let Some(at) = restored.iter().position(|value| !value.is_finite()) {
            return Err(Error::NotFinite(format!(
                "{name}: pixel {at} (counted from 0) comes out as {}; train with a smaller learning rate or encoder step",
                restored[at]
            )));
        }
        let peak = clean.iter().copied().fold(0.0, f64::max);
        Ok(Restored {
            name: name.clone(),
            shape: [image.channels, image.height, image.width],
            psnr: psnr(&restored, &clean, 1.0),
            psnr_reference: psnr(&restored, &clean, peak),
            psnr_noisy: psnr(&noisy, &clean, 1.0),
            ssim: ssim(&restored, &clean, image.channels, size),
            pictures: (index < self.keep).then_some([noisy, restored, clean]),
        })
    }
}

/// What is measured of a clean image, without noise.
fn measure(
    measured: &Measured,
    clean: &[f64],
    blueprint: &Blueprint,
    [height, width_of_image]: [usize; 2],
) -> Vec<f64> {
    match measured {
        Measured::Blur(width) => {
            blurred(clean, *width, [blueprint.channels(), height, width_of_image])
        }
        Measured::All | Measured::Mask(_) => clean.to_vec(),
    }
}

/// Pixels that are not kept are 0, noise or not.
fn mask_again(measured: &Measured, values: &mut [f64]) {
    if let Measured::Mask(weights) = measured {
        for (value, weight) in values.iter_mut().zip(to_values(weights)) {
            *value *= weight;
        }
    }
}

/// What is taken out of an image before it is encoded, and put back afterwards.
pub(crate) fn offset(blueprint: &Blueprint, noisy: &[f64]) -> f64 {
    match blueprint.sections.data.remove {
        Remove::Mean => mean(noisy),
        Remove::Nothing => 0.0,
    }
}

/// An image `[c, H, W]` with noise of a level σ without it; `offset` is taken out and put back. The network is one for
/// any size.
pub(crate) fn through(
    blueprint: &Blueprint,
    network: &Denoiser,
    noisy: &[f64],
    size: [usize; 2],
    level: f64,
    measured: &Measured,
    offset: f64,
) -> Vec<f64> {
    let mut network = network.clone().for_images(size, measured);
    network.set_noise(level);
    let row = Array2::from_shape_fn((1, noisy.len()), |(_, at)| noisy[at] - offset);
    let row: Tensor<2> = to_tensor(&row, blueprint.precision, &blueprint.device);
    let restored = to_values(&network.denoise(&row));
    restored.into_iter().map(|value| value + offset).collect()
}

/// Means over images: PSNR with both peaks, that of the noisy images, SSIM.
pub(super) fn means(images: &[Restored]) -> [f64; 4] {
    let mean = |of: fn(&Restored) -> f64| images.iter().map(of).sum::<f64>() / images.len() as f64;
    [mean(|i| i.psnr), mean(|i| i.psnr_reference), mean(|i| i.psnr_noisy), mean(|i| i.ssim)]
}
