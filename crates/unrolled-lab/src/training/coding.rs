//! What training a dictionary and an encoder comes to: checked before it begins.

use burn::tensor::Device;
use unrolled::dictionary::AnyDictionary;
use unrolled::encoder::{AnyEncoder, Encoder, Form, StepVerdict};
use unrolled::operator::LinearOperator;
use unrolled::optimizer::{Atoms, Filters};

use super::course::Course;
use super::lesson::Lesson;
use super::step::Training;
use crate::Error;
use crate::check::Estimate;
use crate::config::{
    Config, DictionaryConfig, EncoderConfig, OptimizerConfig, Run, TrainConfig, Unrolling,
};
use crate::devices::Opened;
use crate::memory_plan::MemoryPlan;

/// The sections that say how a dictionary and an encoder are trained.
#[derive(Clone, Copy, Debug)]
pub struct CodingSections<'a> {
    /// `[dictionary]`.
    pub dictionary: &'a DictionaryConfig,
    /// `[encoder]`.
    pub encoder: &'a EncoderConfig,
    /// `[train]`.
    pub train: &'a TrainConfig,
    /// `[optimizer]`.
    pub optimizer: &'a OptimizerConfig,
}

/// How they are trained on a device.
#[derive(Clone, Debug)]
pub struct Coding<'a> {
    sections: CodingSections<'a>,
    config: &'a Config,
    /// The device, ready.
    pub device: Device,
    /// n, m and q, the width of a code.
    sizes: [usize; 3],
    /// Whether codes are in memory beside the examples.
    has_true_codes: bool,
    atoms: usize,
    /// Numbers of the filters, where the dictionary is a convolution.
    filters: Option<usize>,
    /// Numbers that an optimiser of atoms asks for of the codes.
    curvature: usize,
    /// Batches and steps.
    pub course: Course<'a>,
    /// Whether the gradient goes through the iterations.
    through: bool,
    /// Whether a block is spread over the threads by itself.
    spreads: bool,
    /// α at the start.
    pub step: f64,
    /// How an iteration is computed.
    pub form: Form,
    /// Examples in a step.
    pub batch: usize,
    /// Examples in a block of a step.
    pub block: usize,
    /// Steps in all.
    pub steps: usize,
    warnings: Vec<String>,
}

/// Bytes of the host beside what a step takes: the data, the dictionary, its gradient and what the optimiser remembers.
pub fn host_bytes([n, m, q]: [usize; 3], entries: usize) -> u64 {
    let [n, m, q] = [n, m, q].map(|size| size as f64);
    (8.0 * n * (m + q) + 80.0 * entries as f64) as u64
}

/// Refuses a dictionary that is zero, by ‖D⁰‖².
pub fn check_start(norm_squared: f64) -> Result<(), Error> {
    match norm_squared == 0.0 {
        false => Ok(()),
        true => Err(Error::at(
            "dictionary.init",
            "`dictionary.init` gives a dictionary that is zero; give one with non-zero atoms",
        )),
    }
}

/// Refuses a step α at which an encoder diverges for D⁰, and returns the warning of a doubtful one.
pub fn judge_step(
    encoder: &AnyEncoder,
    step: f64,
    norm_squared: f64,
) -> Result<Option<String>, Error> {
    let limits = encoder.step_limits(norm_squared);
    match limits.judge(step) {
        StepVerdict::Fine => Ok(None),
        StepVerdict::Warn => Ok(Some(format!(
            "the step {step} is above 1/‖D⁰‖² = {:.4}: the lasso may rise in some iterations",
            limits.warn_above
        ))),
        StepVerdict::Refuse => Err(Error::at(
            "encoder.step",
            format!(
                "`encoder.step` is {step}, but the encoder diverges above {:.4} for D⁰; write \
                 a smaller step, or \"auto\"",
                limits.refuse_above
            ),
        )),
    }
}

impl<'a> Coding<'a> {
    /// Of a dictionary as it starts, in float64 on the host, and `examples` examples of which `training` are trained on;
    /// `through`: whether the gradient goes through the iterations.
    pub fn new(
        config: &'a Config,
        sections: CodingSections<'a>,
        start: &AnyDictionary,
        [examples, training]: [usize; 2],
        through: bool,
    ) -> Result<Self, Error> {
        let CodingSections { dictionary, encoder, train, .. } = sections;
        let Opened { device, limits: device_limits, .. } = config.open_device()?;
        encoder.check_device(config)?;
        let [m, q] = start.shape();
        let [entries, atoms] = start.columns().dims();
        let filters = dictionary.is_convolutional().then_some(entries * atoms);
        encoder.prox.check_groups(atoms, filters.is_some())?;
        let course = Course::new(train, sections.optimizer, training)?;
        let Course { batch, steps, .. } = course;
        let curvature = sections.optimizer.build().curvature_len(&Atoms::of(start));
        let norm = start.norm_squared(false);
        check_start(norm)?;
        let step = encoder.step_for(norm);
        let iterations = encoder.usual_iterations();
        let form = |block| match filters {
            Some(_) => Form::Residual,
            None => encoder.form_for(config.device_kind(), m, q, iterations, block),
        };
        // Never a matter of threads. The fused kernels split a batch themselves, and need DᵀD but once for all
        // of it; elsewhere on the CPU two blocks keep two cores busy. A graphics card takes all that fits.
        let spreads =
            encoder.spreads_blocks(config, (filters.is_none() && !through).then_some([m, q]));
        let block = match (config.is_on_cpu(), spreads) {
            (true, true) if filters.is_some() => batch,
            (true, true) if encoder.is_solved() => ((2 << 20) / (m + q)).max(64).min(batch),
            (true, true) => ((16 << 20) / (m + q)).max(64).min(batch),
            (true, false) => batch.div_ceil(2).clamp(16, 512).min(batch),
            (false, _) => {
                let demand = MemoryPlan::new(
                    (encoder, config.precision),
                    [m, q],
                    form(batch),
                    iterations,
                    through,
                );
                let demand = demand.with_filters(filters).with_curvature(curvature);
                let fit = demand.fit(&config.device, &device_limits, batch, batch);
                fit.map_err(|message| Error::at("device", message))?.block
            }
        };
        let form = form(block);
        let unrolling = Unrolling { iterations, step, train_step: 1, form, noise: None };
        let built = encoder.build(unrolling, atoms, config.precision, &device);
        let warnings = judge_step(&built, step, norm)?.into_iter().collect();
        Ok(Self {
            sections,
            config,
            device,
            sizes: [examples, m, q],
            has_true_codes: true,
            atoms,
            filters,
            curvature,
            course,
            through,
            spreads,
            step,
            form,
            batch,
            block,
            steps,
            warnings,
        })
    }

    /// Of examples of which the true codes are not known.
    pub fn without_true_codes(self) -> Self {
        Self { has_true_codes: false, ..self }
    }

    /// q.
    pub fn code_width(&self) -> usize {
        self.sizes[2]
    }

    /// Whether the gradient goes through the encoder.
    pub fn through(&self) -> bool {
        self.through
    }

    /// Whether a block is spread over the threads by itself.
    pub fn spreads_blocks(&self) -> bool {
        self.spreads
    }

    /// How a lesson is trained so.
    pub fn training<'p, L: Lesson>(
        &'p self,
        run: &'p Run,
        lesson: &'p L,
        fingerprint: u32,
    ) -> Training<'p, L> {
        Training {
            name: &run.name,
            lesson,
            config: self.config,
            device: self.device.clone(),
            train: self.sections.train,
            optimizer: self.sections.optimizer,
            identity: run.identity(fingerprint),
            steps: self.steps,
            block: self.block,
            spreads_blocks: self.spreads_blocks(),
        }
    }

    /// Adds what the run will take; `probe` takes the gradient of one block.
    pub fn estimate(
        &self,
        run: &str,
        threads: usize,
        estimate: &mut Estimate,
        probe: &mut dyn FnMut(),
    ) {
        let config = self.config;
        let [n, m, q] = self.sizes;
        let encoder = self.sections.encoder;
        let iterations = encoder.usual_iterations();
        let uses_kernels = self.spreads_blocks();
        let workers = threads.min(self.batch.div_ceil(self.block)) as u64;
        let demand = MemoryPlan::new(
            (encoder, config.precision),
            [m, q],
            self.form,
            iterations,
            self.through,
        );
        let demand = demand.with_filters(self.filters).with_curvature(self.curvature);
        let data = match self.filters {
            Some(entries) => host_bytes([n, m, 0], entries),
            None => host_bytes([n, m, if self.has_true_codes { q } else { 0 }], m * q),
        };
        // What an optimiser of atoms asks for of every block's codes, and what it makes of it.
        let (curvature, number) = (self.curvature as u64, config.precision.bytes());
        let mut data = data + curvature * (48 + 24 * workers);
        if self.filters.is_some() && self.sections.optimizer.is_online() && config.is_on_cpu() {
            // Entries by place, or what each thread lays out where products are dense.
            let listed = 6 * self.block * q;
            data += (listed.max(threads * Filters::LAID_OUT * number)) as u64;
        }
        match (config.is_on_cpu(), uses_kernels) {
            (true, true) => {
                let batch = (self.block * (m + 3 * q) * number) as u64;
                let kernels = demand.kernels(self.form, iterations, threads, self.through);
                estimate.include(data + batch + kernels, None);
            }
            (true, false) => estimate.include(data + workers * demand.bytes(self.block), None),
            (false, _) => {
                estimate.include(data, Some(demand.bytes(self.block)));
            }
        }
        estimate.batch = Some([self.batch, self.block]);
        let width = match (self.form, self.filters) {
            // Every entry of a code meets every entry of its filter.
            (_, Some(entries)) => 2 * entries / self.atoms,
            (Form::Gram, None) => q,
            (Form::Residual, None) => 2 * m,
        };
        let passes = if self.through { 3.0 } else { 1.0 };
        let products = 2.0 * (width * q) as f64 * self.batch as f64 * iterations as f64;
        estimate.operations += passes * products * self.steps as f64;
        let mut seconds = 0.0;
        for _ in 0..2 {
            let started = std::time::Instant::now();
            probe();
            // A failure shows when the run begins.
            let _ = self.device.sync();
            seconds = started.elapsed().as_secs_f64();
        }
        let blocks = self.batch.div_ceil(self.block) as f64;
        let workers = if config.is_on_cpu() && !uses_kernels { workers } else { 1 };
        let blocks = blocks / workers as f64;
        estimate.seconds += seconds * blocks * self.steps as f64;
        estimate.warnings.extend(self.warnings.iter().map(|warning| match run {
            "main" => warning.clone(),
            name => format!("{name}: {warning}"),
        }));
    }
}
