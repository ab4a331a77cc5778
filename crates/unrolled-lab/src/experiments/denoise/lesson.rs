//! Restoring images as a lesson: the network, its constants at each step, the figures of a step.

use std::sync::Arc;

use burn::tensor::Tensor;
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use unrolled::encoder::Encoder;
use unrolled::gradient::Estimator;
use unrolled::operator::LinearOperator;
use unrolled::prelude::{Denoiser, Measured};
use unrolled::prox::AnyProx;
use unrolled::tensors::to_values;

use super::config::MeasurementConfig;
use super::evaluate::{Evaluation, means};
use super::images::Images;
use super::network::Blueprint;
use super::source::Crops;
use crate::Error;
use crate::config::Step;
use crate::training::{Examined, Lesson, Measurement, Source, State};

/// The figures of every step, beside loss and reconstruction.
pub(super) const COLUMNS: &[&str] = &["noise"];

/// Those of every measurement.
pub(super) const MEASURED: &[&str] =
    &["validation_psnr", "validation_ssim", "nonzeros", "bias", "spectral_norm_squared"];

/// Steps of training between two automatic steps of the encoder.
const AUTO_STEP_EVERY: usize = 10;

/// To so much the norm of an operator is taken as training goes on.
const NORM_TOLERANCE: f64 = 1e-3;

/// A run over images.
pub(super) struct Restoring<'a> {
    pub blueprint: Blueprint<'a>,
    pub estimator: &'a dyn Estimator<Denoiser>,
    pub images: Arc<Images>,
    pub source: Crops,
    /// The filters at the start, as columns `[c·h·w, p]`.
    pub start: Arc<Array2<f64>>,
    /// α at the start.
    pub step: f64,
    pub seed: u64,
    pub threads: usize,
}

/// What is remembered from one step to the next.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Memory {
    /// α: the configuration's, or taken anew as the filters move.
    pub encoder_step: f64,
    /// σ of the last step, on 0–255.
    pub noise: f64,
    /// The least and the most iterations… of codes: the share that is not 0.
    pub warned_of_step: bool,
}

impl Restoring<'_> {
    fn crop(&self) -> [usize; 2] {
        [self.source.config.crop; 2]
    }

    fn measured(&self, step: usize) -> Measured {
        self.blueprint.measured(self.crop(), (self.seed, "denoise/mask", step as u64))
    }
}

impl Lesson for Restoring<'_> {
    type Network = Denoiser;
    type Memory = Memory;

    fn start(&self) -> (Denoiser, Memory) {
        let network = self.blueprint.network(&self.start, self.step, self.crop());
        let memory = Memory { encoder_step: self.step, noise: 0.0, warned_of_step: false };
        (network, memory)
    }

    fn estimator(&self) -> &dyn Estimator<Denoiser> {
        self.estimator
    }

    fn source(&self) -> &dyn Source {
        &self.source
    }

    fn prepare(&self, mut network: Denoiser, memory: &mut Memory, step: usize) -> Denoiser {
        let Blueprint { sections, precision, device } = &self.blueprint;
        let config = &sections.encoder.encoder;
        if config.step == Step::Auto && (step - 1).is_multiple_of(AUTO_STEP_EVERY) {
            let norm = network.operator.spectral_norm_squared(NORM_TOLERANCE, device, *precision);
            memory.encoder_step = config.step_for(norm);
        }
        network = self.blueprint.settled(network, memory.encoder_step, step);
        let level = self.source.noise(step);
        network.set_noise(level);
        memory.noise = 255.0 * level;
        if matches!(sections.measurement, MeasurementConfig::Mask { .. }) {
            network = network.for_images(self.crop(), &self.measured(step));
        }
        network
    }

    fn next_look(&self, done: usize) -> Option<usize> {
        // The noise of a step is remembered with it.
        Some(done + 1)
    }

    fn record(&self, memory: &mut Memory, _sums: &[f64], _figures: &[f64]) -> Vec<Option<f64>> {
        vec![Some(memory.noise)]
    }

    fn examine(&self, network: &Denoiser) -> Result<Examined, Error> {
        let images = &self.images.validation;
        let evaluation = Evaluation {
            blueprint: &self.blueprint,
            seed: self.seed,
            purpose: "validation",
            threads: self.threads,
            stop: None,
            keep: 0,
        };
        // What is not finite stops the run at the next step.
        let restored = match images.is_empty() {
            true => Vec::new(),
            false => evaluation.of(network, images, |_| {}).unwrap_or_default(),
        };
        if restored.is_empty() {
            return Ok(Examined { validation_loss: None, figures: vec![None, None] });
        }
        let [psnr, _, _, ssim] = means(&restored);
        let square = restored.iter().map(|image| 10f64.powf(-image.psnr / 10.0)).sum::<f64>();
        Ok(Examined {
            validation_loss: Some(square / restored.len() as f64),
            figures: vec![Some(psnr), Some(ssim)],
        })
    }

    fn measure(
        &self,
        state: &mut State<Denoiser, Memory>,
        codes: &[Tensor<2>],
    ) -> Result<Measurement, Error> {
        let Blueprint { precision, device, .. } = &self.blueprint;
        let [active, all] = codes.iter().fold([0.0, 0.0], |[active, all], codes| {
            let nonzero = codes.clone().not_equal_elem(0.0).float().sum();
            let rows = codes.dims().iter().product::<usize>() as f64;
            [active + unrolled::tensors::to_scalar(&nonzero), all + rows]
        });
        let bias = match state.network.encoder.prox() {
            AnyProx::LearnedSoft(prox) => Some(to_values(&prox.bias.val())),
            AnyProx::LayeredSoft(prox) => Some(to_values(&prox.biases())),
            _ => None,
        };
        let norm = state.network.operator.spectral_norm_squared(NORM_TOLERANCE, device, *precision);
        let warning = self.warning(state, norm);
        let figures = vec![
            (all > 0.0).then(|| active / all),
            bias.map(|bias| bias.iter().sum::<f64>() / bias.len() as f64),
            Some(norm),
        ];
        Ok((figures, warning))
    }

    fn describe(&self, _: &[Option<f64>]) -> String {
        String::new()
    }
}

impl Restoring<'_> {
    /// Says once that the encoder's step has come beyond the range in which it converges, where the filters are tied.
    fn warning(&self, state: &mut State<Denoiser, Memory>, norm: f64) -> Option<String> {
        let limit = state.network.encoder.step_limits(norm).refuse_above;
        let tied = state.network.operator.inner.pairs.is_empty();
        let Memory { encoder_step, warned_of_step, .. } = &mut state.lesson;
        if *encoder_step <= limit || *warned_of_step || !tied {
            return None;
        }
        *warned_of_step = true;
        Some(format!(
            "at step {} the encoder's step {encoder_step} has come beyond {limit:.4}, where many iterations would \
             diverge for these filters; \"auto\" follows them",
            state.step
        ))
    }
}
