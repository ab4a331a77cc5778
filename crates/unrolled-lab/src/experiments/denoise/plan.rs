//! What a run over images will do, checked.

use std::sync::Arc;
use std::time::Instant;

use burn::tensor::Device;
use ndarray::Array2;
use unrolled::encoder::{Encoder, StepVerdict};
use unrolled::gradient::Estimator;
use unrolled::operator::LinearOperator;
use unrolled::prelude::{Denoiser, SparseCoder};
use unrolled::tensors::to_tensor;

use super::config::{MeasurementConfig, Sections};
use super::images::{Images, Shelf};
use super::lesson::Restoring;
use super::network::Blueprint;
use super::source::Crops;
use crate::check::Estimate;
use crate::config::{MOST_STEPS, Run};
use crate::training::{Lesson, Training};
use crate::{Configuration, Error};

/// A run that can begin.
pub(super) struct Plan<'a> {
    pub run: &'a Run,
    /// The configuration of all runs, as it goes with a model.
    pub effective: String,
    shelf: Arc<Shelf>,
    pub device: Device,
    estimator: Box<dyn Estimator<Denoiser>>,
    /// The filters at the start, as columns `[c·h·w, p]`.
    start: Arc<Array2<f64>>,
    /// α at the start.
    step: f64,
    /// Crops in a step.
    batch: usize,
    /// Steps in all.
    pub steps: usize,
    warnings: Vec<String>,
}

impl<'a> Plan<'a> {
    /// Reads or draws the images and checks all that depends on them.
    pub fn new(
        run: &'a Run,
        shelf: Arc<Shelf>,
        configuration: &Configuration,
    ) -> Result<Self, Error> {
        let config = &run.config;
        let sections: &Sections = config.sections();
        let device = config.open_device()?.device;
        sections.encoder.encoder.check_device(config)?;
        sections.encoder.encoder.prox.check_groups(sections.dictionary.atoms, true)?;
        let images = shelf.images(&sections.data, config.seed)?;
        images.check_filter(sections.dictionary.size)?;
        let batch = sections.train.train.batch_count().unwrap_or(1);
        let steps = sections.train.train.total_steps(images.train.len().max(1));
        if steps > MOST_STEPS {
            let message =
                format!("`train.epochs` asks for more than {MOST_STEPS} steps; write fewer");
            return Err(Error::at("train.epochs", message));
        }
        if steps == 0 && images.test.is_empty() {
            let message = "`train.steps` is 0 and there is nothing to evaluate on; name images with `data.test`";
            return Err(Error::at("train.steps", message));
        }
        let late = sections.train.train.save_dictionary_at.iter().find(|step| **step > steps);
        if let Some(late) = late {
            return Err(Error::at(
                "train.save_dictionary_at",
                format!(
                    "`train.save_dictionary_at` holds {late}, but there are {steps} steps; write {steps} or less"
                ),
            ));
        }
        let channels = sections.data.channels().count();
        let filter = sections.dictionary.size;
        if images.train.is_empty() && sections.dictionary.init.takes_patches() {
            let message = "`dictionary.init` takes patches of the images to train on, and there are none; name some with \
                           `data.train`, or choose \"random\" or a file";
            return Err(Error::at("dictionary.init", message));
        }
        let start = sections.dictionary.initialise(channels, (config.seed, 0), |stream| {
            let image = &images.train[stream.below(images.train.len())].image;
            let top = stream.below(image.height - filter[0] + 1);
            let left = stream.below(image.width - filter[1] + 1);
            image.crop(top, left, filter).values.into_iter().map(f64::from).collect()
        })?;
        let start = Arc::new(start);
        let estimator = sections.train.train.estimator.build::<Denoiser>();
        let estimator = estimator.expect("the configuration names a known estimator");
        let effective = configuration.effective();
        let mut plan = Self {
            run,
            effective,
            shelf,
            device,
            estimator,
            start,
            step: 1.0,
            batch,
            steps,
            warnings: Vec::new(),
        };
        plan.settle_step()?;
        Ok(plan)
    }

    /// α for the filters at the start, judged.
    fn settle_step(&mut self) -> Result<(), Error> {
        let sections = self.sections();
        let crop = [sections.data.crop; 2];
        let blueprint = self.blueprint();
        let dictionary = blueprint.dictionary(&self.start, crop);
        let precision = self.run.config.precision;
        let norm = dictionary.spectral_norm_squared(1e-4, &self.device, precision);
        if norm == 0.0 {
            let message = "`dictionary.init` gives filters that are zero; give others";
            return Err(Error::at("dictionary.init", message));
        }
        let config = &sections.encoder.encoder;
        let step = config.step_for(norm);
        let limits = blueprint.network(&self.start, step, crop).encoder.step_limits(norm);
        self.step = step;
        // A network of few iterations may do well beyond the range in which many of them converge: the reference's published
        // filters do, with 0.1 where 0.093 is the limit. So it is said, and not refused.
        let said = match limits.judge(step) {
            StepVerdict::Fine => return Ok(()),
            StepVerdict::Warn => format!(
                "the step {step} is above 1/‖D⁰‖² = {:.4}: the lasso may rise in some iterations",
                limits.warn_above
            ),
            StepVerdict::Refuse => format!(
                "the step {step} is above {:.4}, beyond which many iterations would diverge for the filters at the start",
                limits.refuse_above
            ),
        };
        self.warnings.push(said);
        Ok(())
    }

    pub fn sections(&self) -> &'a Sections {
        self.run.config.sections()
    }

    pub fn blueprint(&self) -> Blueprint<'a> {
        Blueprint {
            sections: self.sections(),
            precision: self.run.config.precision,
            device: self.device.clone(),
        }
    }

    /// Whether the kernels compute it: a block of crops is then spread over the threads by itself.
    fn uses_kernels(&self) -> bool {
        let Sections { encoder, measurement, .. } = self.sections();
        let blurred = matches!(measurement, MeasurementConfig::Blur { .. });
        encoder.encoder.uses_kernels(self.run.config.device_kind()) && !blurred
    }

    /// Who computes it, as results name it.
    pub fn engine(&self) -> &'static str {
        let encoder = &self.sections().encoder.encoder;
        match (encoder.is_by_hand(), self.uses_kernels()) {
            (false, _) => "autodiff",
            (true, true) => "fused",
            (true, false) => "adjoint",
        }
    }

    /// Crops in a block of a step.
    fn block(&self) -> usize {
        match self.run.config.is_on_cpu() && !self.uses_kernels() {
            true => 1,
            false => self.batch,
        }
    }

    /// The images.
    fn images(&self) -> Result<Arc<Images>, Error> {
        self.shelf.images(&self.sections().data, self.run.config.seed)
    }

    /// The lesson, with its images.
    pub fn lesson(&self, threads: usize) -> Result<Restoring<'_>, Error> {
        let sections = self.sections();
        let images = self.images()?;
        let seed = self.run.config.seed;
        let source = Crops {
            images: images.clone(),
            config: sections.data.clone(),
            seed,
            batch: self.batch,
            blur: match sections.measurement {
                MeasurementConfig::Blur { width, .. } => Some(width),
                MeasurementConfig::None | MeasurementConfig::Mask { .. } => None,
            },
            against_clean: sections.train.against_clean(),
        };
        Ok(Restoring {
            blueprint: self.blueprint(),
            estimator: &*self.estimator,
            images,
            source,
            start: self.start.clone(),
            step: self.step,
            seed,
            threads,
        })
    }

    /// How the lesson is trained.
    pub fn training<'p>(&'p self, lesson: &'p Restoring<'p>) -> Training<'p, Restoring<'p>> {
        let sections = self.sections();
        Training {
            name: &self.run.name,
            lesson,
            config: &self.run.config,
            device: self.device.clone(),
            train: &sections.train.train,
            optimizer: &sections.optimizer,
            identity: self.run.identity(lesson.images.fingerprint),
            steps: self.steps,
            block: self.block(),
            spreads_blocks: self.uses_kernels(),
        }
    }

    /// Adds what the run will take.
    pub fn estimate(&self, threads: usize, estimate: &mut Estimate) -> Result<(), Error> {
        let lesson = self.lesson(threads)?;
        let Sections { encoder, dictionary, data, .. } = self.sections();
        let (network, _) = lesson.start();
        let [m, q] = network.operator.shape();
        let copies = network.views.copies() as f64;
        let number = self.run.config.precision.bytes() as f64;
        let through = self.estimator.differentiates_encoder();
        let kept = if through { encoder.encoder.iterations as f64 } else { 1.0 };
        let images = [&lesson.images.train, &lesson.images.validation, &lesson.images.test];
        let held = images.iter().flat_map(|set| set.iter()).map(|n| n.image.values.len());
        let held: usize = held.sum();
        let rows = copies * number * (kept * q as f64 + 4.0 * (q + m) as f64);
        let block = if self.run.config.is_on_cpu() { threads.min(self.batch) } else { self.batch };
        let bytes = 4.0 * held as f64 + rows * block as f64;
        let on_device = (!self.run.config.is_on_cpu()).then_some((rows * self.batch as f64) as u64);
        estimate.include(bytes as u64, on_device);
        estimate.batch = Some([self.batch, self.block()]);
        let entries =
            (dictionary.size[0] * dictionary.size[1] * m / (data.crop * data.crop).max(1)).max(1);
        let convolution = 2.0 * (q * entries) as f64 * copies;
        let convolutions = (if through { 6.0 } else { 2.0 }) * encoder.encoder.iterations as f64;
        estimate.operations += convolution * convolutions * self.batch as f64 * self.steps as f64;
        if self.steps > 0 {
            let rows = lesson.source().rows(1, 0..self.batch)?;
            let tensor =
                |array: &Array2<f64>| to_tensor(array, self.run.config.precision, &self.device);
            let batch = unrolled::prelude::Batch::new(tensor(&rows.x));
            let batch = batch.with_target(rows.target.as_ref().map(tensor));
            let mut seconds = 0.0;
            for _ in 0..2 {
                let started = Instant::now();
                let _ = self.estimator.estimate_batch(&network, &batch);
                // A failure shows when the run begins.
                let _ = self.device.sync();
                seconds = started.elapsed().as_secs_f64();
            }
            let shared = if self.run.config.is_on_cpu() && !self.uses_kernels() {
                threads.min(self.batch)
            } else {
                1
            };
            estimate.seconds += seconds / shared as f64 * self.steps as f64;
            let started = Instant::now();
            let _ = network.encode(&tensor(&rows.x));
            let pixels = (self.batch * data.crop * data.crop) as f64;
            let test: usize =
                lesson.images.test.iter().map(|n| n.image.height * n.image.width).sum();
            estimate.seconds +=
                started.elapsed().as_secs_f64() / shared as f64 * test as f64 / pixels;
        }
        let name = &self.run.name;
        estimate.warnings.extend(self.warnings.iter().map(|warning| match name.as_str() {
            "main" => warning.clone(),
            name => format!("{name}: {warning}"),
        }));
        Ok(())
    }
}
