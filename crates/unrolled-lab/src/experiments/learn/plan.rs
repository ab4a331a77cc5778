//! What a learning run will do, checked.

use std::path::Path;

use burn::tensor::Device;
use unrolled::encoder::{Encoder, Form, StepVerdict};
use unrolled::gradient::Estimator;
use unrolled::network::Batch;
use unrolled::operator::LinearOperator;
use unrolled::prelude::Precision;

use super::Network;
use super::config::Sections;
use super::data::{Prepared, Shelf};
use super::lesson::Learning;
use crate::Error;
use crate::check::Estimate;
use crate::config::{Config, MOST_STEPS, Run, TrainConfig, Unrolling};
use crate::devices::Opened;
use crate::memory_plan::MemoryPlan;
use crate::training::{Lesson, Training};

/// Bytes of the host beside what a step takes: the data, the dictionary, its gradient and what the optimiser remembers.
fn host_bytes([n, m, q]: [usize; 3], entries: usize) -> u64 {
    let [n, m, q] = [n, m, q].map(|size| size as f64);
    (8.0 * n * (m + q) + 80.0 * entries as f64) as u64
}

/// A run that can begin.
pub(super) struct Plan<'a> {
    pub run: &'a Run,
    pub device: Device,
    /// n, m and q, the width of a code.
    sizes: [usize; 3],
    /// Numbers of the filters, where the dictionary is a convolution.
    filters: Option<usize>,
    /// Examples to train on; the rest is held out.
    pub training_examples: usize,
    /// α at the start.
    pub step: f64,
    pub form: Form,
    pub estimator: Box<dyn Estimator<Network>>,
    /// Examples in a step.
    pub batch: usize,
    /// Examples in a block of a step.
    block: usize,
    /// Steps in all.
    pub steps: usize,
    warnings: Vec<String>,
}

impl<'a> Plan<'a> {
    /// Reads or draws the data and checks all that depends on them.
    pub fn new(run: &'a Run, shelf: &Shelf) -> Result<Self, Error> {
        let config = &run.config;
        let Sections { dictionary, encoder, train, .. } = config.sections();
        let Opened { device, limits: device_limits, .. } = config.open_device()?;
        if let Some(sizes) = config.sections::<Sections>().data.sizes() {
            // What cannot be held is refused before it is drawn.
            let bytes = host_bytes(sizes, sizes[1] * sizes[2]);
            Estimate { bytes, ..Estimate::default() }.affordable()?;
        }
        let Prepared { data, start, .. } = shelf.prepared(config)?;
        let built = dictionary.build(&start, data.image, Precision::Float64, &Device::flex());
        let [m, q] = built.shape();
        let atoms = start.ncols();
        let filters = dictionary.is_convolutional().then_some(start.len());
        let held_out = (train.validation * data.examples() as f64).round() as usize;
        let training = data.examples() - held_out;
        if training == 0 {
            let examples = data.examples();
            let message = match examples {
                0 => "the data have no examples; give some".to_owned(),
                _ => format!(
                    "`train.validation` is {}, which leaves none of the {examples} examples to train on; write a \
                     smaller fraction",
                    train.validation
                ),
            };
            let at = if examples == 0 { "data" } else { "train.validation" };
            return Err(Error::at(at, message));
        }
        config.check_range(&data)?;
        let batch = train.batch(training);
        if batch > training {
            return Err(Error::at(
                "train.batch_size",
                format!(
                    "`train.batch_size` is {batch}, more than the {training} examples to train on; \
                     write {training} or less, or \"full\""
                ),
            ));
        }
        let norm = built.norm_squared(false);
        if norm == 0.0 {
            return Err(Error::at(
                "dictionary.init",
                "`dictionary.init` gives a dictionary that is zero; give one with non-zero atoms",
            ));
        }
        let step = encoder.step_for(norm);
        let iterations = encoder.usual_iterations();
        let estimator =
            train.estimator.build::<Network>().expect("the configuration names a known estimator");
        let form = |block| match filters {
            Some(_) => Form::Residual,
            None => encoder.form_for(config.device_kind(), m, q, iterations, block),
        };
        // Never a matter of threads. The fused kernels split a batch themselves, and need DᵀD but once for all
        // of it; elsewhere on the CPU two blocks keep two cores busy. A graphics card takes all that fits.
        let block = match (config.is_on_cpu(), encoder.uses_kernels(config.device_kind())) {
            (true, true) if filters.is_some() => batch,
            (true, true) => ((16 << 20) / (m + q)).max(64).min(batch),
            (true, false) => batch.div_ceil(2).clamp(16, 512).min(batch),
            (false, _) => {
                let through = estimator.differentiates_encoder();
                let demand = MemoryPlan::new(
                    (encoder, config.precision),
                    [m, q],
                    form(batch),
                    iterations,
                    through,
                );
                let demand = demand.with_filters(filters);
                let fit = demand.fit(&config.device, &device_limits, batch, batch);
                fit.map_err(|message| Error::at("device", message))?.block
            }
        };
        let form = form(block);
        let unrolling = Unrolling { iterations, step, train_step: 1, form, noise: None };
        let limits = encoder.build(unrolling, atoms, config.precision, &device).step_limits(norm);
        let mut warnings = Vec::new();
        match limits.judge(step) {
            StepVerdict::Fine => {}
            StepVerdict::Warn => warnings.push(format!(
                "the step {step} is above 1/‖D⁰‖² = {:.4}: the lasso may rise in some iterations",
                limits.warn_above
            )),
            StepVerdict::Refuse => {
                return Err(Error::at(
                    "encoder.step",
                    format!(
                        "`encoder.step` is {step}, but the encoder diverges above {:.4} for D⁰; write \
                         a smaller step, or \"auto\"",
                        limits.refuse_above
                    ),
                ));
            }
        }
        let steps = train.total_steps(training);
        if steps > MOST_STEPS {
            let message =
                format!("`train.epochs` asks for more than {MOST_STEPS} steps; write fewer");
            return Err(Error::at("train.epochs", message));
        }
        if let Some(late) = train.save_dictionary_at.iter().find(|step| **step > steps) {
            return Err(Error::at(
                "train.save_dictionary_at",
                format!(
                    "`train.save_dictionary_at` holds {late}, but there are {steps} steps; write {steps} or less"
                ),
            ));
        }
        Ok(Self {
            run,
            device,
            sizes: [data.examples(), m, q],
            filters,
            training_examples: training,
            step,
            form,
            estimator,
            batch,
            block,
            steps,
            warnings,
        })
    }

    pub fn config(&self) -> &'a Config {
        &self.run.config
    }

    pub fn sections(&self) -> &'a Sections {
        self.run.config.sections()
    }

    /// A schedule that is spread over all steps is another one when there are more of them: says so where the rate
    /// after `done` steps is not what it would have been.
    pub fn note_on_schedule(&self, folder: &Path, done: usize) -> Option<String> {
        let Sections { train, optimizer, .. } = self.sections();
        let before = std::fs::read_to_string(folder.join("config.toml")).ok()?;
        let before: toml::Table = toml::from_str(&before).ok()?;
        let number = |key: &str| before.get("train")?.get(key)?.as_integer()?.try_into().ok();
        let then =
            TrainConfig { steps: number("steps"), epochs: number("epochs"), ..train.clone() };
        let then = then.total_steps(self.training_examples);
        if done == 0 || then == self.steps {
            return None;
        }
        let rates = [then, self.steps].map(|steps| optimizer.rate(done + 1, steps));
        (rates[0] != rates[1]).then(|| {
            format!(
                "run `{}`: the schedule is spread over {} steps now instead of {then}, so the learning rate goes on at \
                 {:.2e} instead of {:.2e} after step {done}; a schedule that does not depend on the steps, as \
                 \"constant\" or \"step\", goes on as it was",
                self.run.name, self.steps, rates[1], rates[0]
            )
        })
    }

    /// The lesson, with its data.
    pub fn lesson<'p>(&'p self, shelf: &Shelf) -> Result<Learning<'p>, Error> {
        Ok(Learning::new(self, shelf.prepared(self.config())?))
    }

    /// How the lesson is trained.
    pub fn training<'p>(&'p self, lesson: &'p Learning<'p>) -> Training<'p, Learning<'p>> {
        let Sections { encoder, train, optimizer, .. } = self.sections();
        Training {
            name: &self.run.name,
            lesson,
            config: self.config(),
            device: self.device.clone(),
            train,
            optimizer,
            identity: self.run.identity(lesson.prepared.fingerprint),
            steps: self.steps,
            block: self.block,
            spreads_blocks: encoder.uses_kernels(self.config().device_kind()),
        }
    }

    /// Adds what the run will take.
    pub fn estimate(&self, lesson: &Learning, threads: usize, estimate: &mut Estimate) {
        let config = self.config();
        let [n, m, q] = self.sizes;
        let encoder = &self.sections().encoder;
        let iterations = encoder.usual_iterations();
        let uses_kernels = encoder.uses_kernels(config.device_kind());
        let workers = threads.min(self.batch.div_ceil(self.block)) as u64;
        let through = self.estimator.differentiates_encoder();
        let demand =
            MemoryPlan::new((encoder, config.precision), [m, q], self.form, iterations, through);
        let demand = demand.with_filters(self.filters);
        let data = match self.filters {
            Some(entries) => host_bytes([n, m, 0], entries),
            None => host_bytes(self.sizes, m * q),
        };
        match (config.is_on_cpu(), uses_kernels) {
            (true, true) => {
                let batch = (self.block * (m + 3 * q) * config.precision.bytes()) as u64;
                let kernels = demand.kernels(self.form, iterations, threads, through);
                estimate.include(data + batch + kernels, None);
            }
            (true, false) => estimate.include(data + workers * demand.bytes(self.block), None),
            (false, _) => estimate.include(data, Some(demand.bytes(self.block))),
        }
        estimate.batch = Some([self.batch, self.block]);
        let width = match (self.form, self.filters) {
            // Every entry of a code meets every entry of its filter.
            (_, Some(entries)) => 2 * entries / lesson.prepared.start.ncols(),
            (Form::Gram, None) => q,
            (Form::Residual, None) => 2 * m,
        };
        let passes = if through { 3.0 } else { 1.0 };
        let products = 2.0 * (width * q) as f64 * self.batch as f64 * iterations as f64;
        estimate.operations += passes * products * self.steps as f64;
        let network = lesson.start().0;
        let rows = lesson.source().rows(1, 0..self.block);
        let target = rows.target.as_ref().map(|target| self.tensor(target));
        let batch = Batch::new(self.tensor(&rows.x)).with_target(target);
        let mut seconds = 0.0;
        for _ in 0..2 {
            let started = std::time::Instant::now();
            let _ = self.estimator.estimate_batch(&network, &batch);
            // A failure shows when the run begins.
            let _ = self.device.sync();
            seconds = started.elapsed().as_secs_f64();
        }
        let blocks = self.batch.div_ceil(self.block) as f64;
        let workers = if config.is_on_cpu() && !uses_kernels { workers } else { 1 };
        let blocks = blocks / workers as f64;
        estimate.seconds += seconds * blocks * self.steps as f64;
        let name = &self.run.name;
        estimate.warnings.extend(self.warnings.iter().map(|warning| match name.as_str() {
            "main" => warning.clone(),
            name => format!("{name}: {warning}"),
        }));
    }
}
