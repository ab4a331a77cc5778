//! What a learning run will do, checked.

use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::Device;
use ndarray::{Array2, Axis};
use unrolled::dictionary::spectral_norm_squared;
use unrolled::encoder::{AnyEncoder, Encoder, Form, StepVerdict};
use unrolled::gradient::Estimator;
use unrolled::prelude::{Autoencoder, DenseDictionary};
use unrolled::prox::AnyProx;
use unrolled::tensors::{to_tensor, vector_to_tensor};
use unrolled_data::DataSet;

use super::state::State;
use crate::Error;
use crate::check::Estimate;
use crate::config::{Config, DataConfig, DictionaryConfig, Loaded, Preprocessing, Run, Unrolling};
use crate::devices::Opened;
use crate::fit::Demand;

/// The network of every learning run.
pub(super) type Network = Autoencoder<AnyEncoder>;

/// A run that can begin.
pub(super) struct Plan<'a> {
    pub run: &'a Run,
    pub device: Device,
    pub data: Arc<DataSet>,
    /// What was done to the examples.
    pub preprocessing: Option<Preprocessing>,
    /// Height and width of an example, where it is a picture.
    pub feature_shape: Option<[usize; 2]>,
    /// Examples to train on; the rest is held out.
    pub training: usize,
    /// D⁰, `[m, p]`.
    pub start: Arc<Array2<f64>>,
    /// α at the start.
    pub step: f64,
    pub form: Form,
    pub estimator: Box<dyn Estimator<Network>>,
    /// Examples in a step.
    pub batch: usize,
    /// Examples in a block of a step.
    pub block: usize,
    /// Steps in all.
    pub steps: usize,
    warnings: Vec<String>,
}

/// What the data and the start of a configuration are: the same for every run that differs in nothing
/// else, and asked for several times by each.
#[derive(Clone)]
struct Prepared {
    data: Arc<DataSet>,
    preprocessing: Option<Preprocessing>,
    feature_shape: Option<[usize; 2]>,
    start: Arc<Array2<f64>>,
}

impl Prepared {
    /// The last one asked for is kept, because reading data and some initialisations take long.
    fn of(config: &Config) -> Result<Self, Error> {
        type Key = (DataConfig, DictionaryConfig, u64);
        static LAST: Mutex<Option<(Key, Prepared)>> = Mutex::new(None);
        let key = (config.data.clone(), config.dictionary.clone(), config.seed);
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, prepared)) = &*last
            && *known == key
        {
            return Ok(prepared.clone());
        }
        // Not two data sets at once in memory.
        *last = None;
        let Loaded { data, preprocessing, feature_shape } =
            config.data.load_with_shape(config.seed, 0)?;
        let start = Arc::new(config.dictionary.initialise(&data, config.seed, 0)?);
        let prepared = Self { data: Arc::new(data), preprocessing, feature_shape, start };
        *last = Some((key, prepared.clone()));
        Ok(prepared)
    }
}

impl<'a> Plan<'a> {
    /// Reads or draws the data and checks all that depends on them.
    pub fn new(run: &'a Run) -> Result<Self, Error> {
        let config = &run.config;
        let train = config.train();
        let Opened { device, limits: device_limits, .. } = config.open_device()?;
        let Prepared { data, preprocessing, feature_shape, start } = Prepared::of(config)?;
        let (m, p) = start.dim();
        let held_out = (train.validation * data.examples() as f64).round() as usize;
        let training = data.examples() - held_out;
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
        let norm = spectral_norm_squared(&start);
        if norm == 0.0 {
            return Err(Error::at(
                "dictionary.init",
                "`dictionary.init` gives a dictionary that is zero; give one with non-zero atoms",
            ));
        }
        let step = config.encoder.step_for(norm);
        let iterations = config.encoder.iterations;
        let estimator = train.estimator.build().expect("the configuration names a known estimator");
        let form = |block| config.encoder.form_for(config.device_kind(), m, p, iterations, block);
        // Never a matter of threads. The fused kernels split a batch themselves, and need DᵀD but once for all
        // of it; elsewhere on the CPU two blocks keep two cores busy. A graphics card takes all that fits.
        let block = match (config.is_on_cpu(), config.uses_kernels()) {
            (true, true) => ((16 << 20) / (m + p)).max(64).min(batch),
            (true, false) => batch.div_ceil(2).clamp(16, 512).min(batch),
            (false, _) => {
                let through = estimator.differentiates_encoder();
                let demand = Demand::new(config, [m, p], form(batch), iterations, through);
                let fit = demand.fit(&config.device, &device_limits, batch, batch);
                fit.map_err(|message| Error::at("device", message))?.block
            }
        };
        let form = form(block);
        let encoder = config.encoder.build(
            Unrolling { iterations, step, train_step: 1, form },
            p,
            config.precision,
            &device,
        );
        let limits = encoder.step_limits(norm);
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
            training,
            step,
            form,
            estimator,
            batch,
            block,
            steps,
            start,
            data,
            preprocessing,
            feature_shape,
            warnings,
        })
    }

    /// n, m and p.
    pub fn sizes(&self) -> [usize; 3] {
        [self.data.examples(), self.start.nrows(), self.start.ncols()]
    }

    /// The network of a state, for training step `train_step`.
    pub fn network(&self, state: &State, train_step: usize) -> Network {
        let config = &self.run.config;
        let mut encoder = config.encoder.build(
            Unrolling {
                iterations: config.encoder.iterations,
                step: state.encoder_step,
                train_step,
                form: self.form,
            },
            self.start.ncols(),
            config.precision,
            &self.device,
        );
        if let (AnyProx::LearnedSoft(prox), Some(bias)) = (&mut encoder.prox, &state.bias) {
            prox.bias = burn::module::Param::from_tensor(bias.value.clone());
        }
        if let Some(step) = &state.learned_step {
            encoder.learned_step = Some(burn::module::Param::from_tensor(step.value.clone()));
        }
        Autoencoder::new(DenseDictionary::new(state.dictionary.value.clone()), encoder)
    }

    /// A matrix in the run's precision on its device.
    pub fn tensor(&self, array: &Array2<f64>) -> burn::tensor::Tensor<2> {
        to_tensor(array, self.run.config.precision, &self.device)
    }

    /// A vector in the run's precision on its device.
    pub fn vector(&self, values: Vec<f64>) -> burn::tensor::Tensor<1> {
        vector_to_tensor(&values.into(), self.run.config.precision, &self.device)
    }

    /// Rows of X, and of Z* where it is known.
    pub fn rows(&self, indices: &[usize]) -> (Array2<f64>, Option<Array2<f64>>) {
        let x = self.data.x.select(Axis(0), indices);
        let z = self.data.true_codes.as_ref().map(|codes| codes.select(Axis(0), indices));
        (x, z)
    }

    /// Adds what the run will take.
    pub fn estimate(&self, threads: usize, estimate: &mut Estimate) {
        let config = &self.run.config;
        let [n, m, p] = self.sizes();
        let iterations = config.encoder.iterations;
        let workers = threads.min(self.batch.div_ceil(self.block)) as u64;
        let through = self.estimator.differentiates_encoder();
        let demand = Demand::new(config, [m, p], self.form, iterations, through);
        let data = (8 * n * (m + p) + 8 * m * p * 10) as u64;
        match (config.is_on_cpu(), config.uses_kernels()) {
            (true, true) => {
                let batch = (self.block * (m + 3 * p) * config.precision.bytes()) as u64;
                let kernels = demand.kernels(self.form, iterations, threads, through);
                estimate.include(data + batch + kernels, None);
            }
            (true, false) => estimate.include(data + workers * demand.bytes(self.block), None),
            (false, _) => estimate.include(data, Some(demand.bytes(self.block))),
        }
        estimate.batch = Some([self.batch, self.block]);
        let width = match self.form {
            Form::Gram => p,
            Form::Residual => 2 * m,
        };
        let passes = if through { 3.0 } else { 1.0 };
        let products = 2.0 * (width * p) as f64 * self.batch as f64 * iterations as f64;
        estimate.operations += passes * products * self.steps as f64;
        let state = State::start(self);
        let network = self.network(&state, 1);
        let indices: Vec<usize> = (0..self.block).collect();
        let x = self.tensor(&self.rows(&indices).0);
        let mut seconds = 0.0;
        for _ in 0..2 {
            let started = std::time::Instant::now();
            let _ = self.estimator.estimate(&network, &x);
            // A failure shows when the run begins.
            let _ = self.device.sync();
            seconds = started.elapsed().as_secs_f64();
        }
        let blocks = self.batch.div_ceil(self.block) as f64;
        let workers = if config.is_on_cpu() && !config.uses_kernels() { workers } else { 1 };
        let blocks = blocks / workers as f64;
        estimate.seconds += seconds * blocks * self.steps as f64;
        let name = &self.run.name;
        estimate.warnings.extend(self.warnings.iter().map(|warning| match name.as_str() {
            "main" => warning.clone(),
            name => format!("{name}: {warning}"),
        }));
    }
}
