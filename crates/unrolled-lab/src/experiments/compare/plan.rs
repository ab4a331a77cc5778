//! What a run of a comparison will do, checked.

use burn::tensor::Device;
use ndarray::{Array2, s};
use unrolled::dictionary::AnyDictionary;
use unrolled::encoder::{AnyEncoder, Encoder, Form, StepVerdict};
use unrolled::gradient::Estimator;
use unrolled::operator::LinearOperator;
use unrolled::prelude::{Autoencoder, Precision};
use unrolled_data::DataSet;

use super::config::Sections;
use super::estimate::host_bytes;
use crate::Error;
use crate::arrays::fingerprint;
use crate::check::Estimate;
use crate::config::{Config, DataConfig, EncoderConfig, Run, Unrolling};
use crate::devices::Opened;
use crate::memory::{Meter, Reading};
use crate::memory_plan::MemoryPlan;

/// The encoder of every comparison.
pub(super) type Network = Autoencoder<AnyEncoder, AnyDictionary>;

/// One repeat's data and start.
pub(super) struct Problem {
    pub data: DataSet,
    /// D⁰, atoms as columns, `[entries, p]`.
    pub columns: Array2<f64>,
    /// α.
    pub step: f64,
}

/// A run that can begin.
pub(super) struct Plan<'a> {
    pub run: &'a Run,
    pub device: Device,
    /// What its checkpoints are known by.
    pub identity: String,
    /// n, m and q, the width of a code.
    pub sizes: [usize; 3],
    /// p.
    pub atoms: usize,
    /// Numbers of the filters, where the dictionary is a convolution.
    pub filters: Option<usize>,
    /// Examples in a block.
    pub block: usize,
    pub form: Form,
    pub estimators: Vec<Box<dyn Estimator<Network>>>,
    /// What they are called.
    pub labels: Vec<String>,
    pub has_truth: bool,
    /// A few examples of the first repeat, its dictionary and its step: what the work is estimated on.
    pub sample: Problem,
    /// What the user should know before it starts.
    pub warnings: Vec<String>,
}

impl<'a> Plan<'a> {
    /// Draws or reads the data of every repeat once to check all that depends on them.
    pub fn new(run: &'a Run) -> Result<Self, Error> {
        let config = &run.config;
        let Sections { data, dictionary, encoder, compare } = config.sections();
        let Opened { device, limits, .. } = config.open_device()?;
        encoder.check_device(config)?;
        if let Some(sizes) = data.sizes() {
            // What cannot be held is refused before it is drawn.
            let bytes = host_bytes(sizes, sizes[1] * sizes[2], compare, 1);
            Estimate { bytes, ..Estimate::default() }.affordable()?;
        }
        let first = Problem::new(config, 0)?;
        let [m, q] = first.dictionary(config, Precision::Float64, &Device::flex()).shape();
        let (n, p) = (first.data.examples(), first.columns.ncols());
        encoder.prox.check_groups(p, dictionary.is_convolutional())?;
        config.check_range(&first.data)?;
        let has_truth = first.data.true_codes.is_some();
        let mut warnings = Vec::new();
        let draws = match data {
            DataConfig::Synthetic(_) => compare.repeats as u64,
            // A file is the same in every repeat, but the initial dictionary may not be.
            _ => 1,
        };
        for repeat in 0..draws {
            let warning = check_step(config, repeat)?;
            if warnings.is_empty() {
                warnings.extend(warning);
            }
        }
        if has_truth && let Some(warning) = check_signs(encoder, &first.data) {
            warnings.push(warning);
        }
        if !has_truth {
            warnings.push(
                "the data have no true codes: errors are taken against the lasso gradient only"
                    .to_owned(),
            );
        }
        let longest = compare.iterations.0.last().copied().unwrap_or(0);
        let filters = dictionary.is_convolutional().then_some(first.columns.len());
        let form = |block| match filters {
            Some(_) => Form::Residual,
            None => encoder.form_for(config.device_kind(), m, q, longest, block),
        };
        let block = match config.is_on_cpu() {
            true => block_size(m, q, n),
            false => {
                let demand =
                    MemoryPlan::new((encoder, config.precision), [m, q], form(n), longest, true);
                let demand = demand.with_filters(filters);
                let fit = demand.fit(&config.device, &limits, n, MOST_ON_DEVICE);
                fit.map_err(|message| Error::at("device", message))?.block
            }
        };
        Ok(Self {
            run,
            device,
            identity: run.identity(fingerprint(&[&first.data.x, &first.columns])),
            sizes: [n, m, q],
            atoms: p,
            filters,
            block,
            form: form(block),
            estimators: compare
                .estimators
                .iter()
                .map(|estimator| estimator.build().expect("the configuration names known ones"))
                .collect(),
            labels: compare.labels(),
            has_truth,
            sample: first.sample(),
            warnings,
        })
    }

    pub fn sections(&self) -> &'a Sections {
        self.run.config.sections()
    }

    /// Whether the kernels compute the encoder.
    pub fn uses_kernels(&self) -> bool {
        self.sections().encoder.uses_kernels(self.run.config.device_kind())
    }

    /// The network of a problem, with `iterations` iterations.
    pub fn network(&self, problem: &Problem, iterations: usize) -> Network {
        let config = &self.run.config;
        let encoder = self.encoder(problem, iterations, config.precision, &self.device);
        Autoencoder::new(problem.dictionary(config, config.precision, &self.device), encoder)
    }

    /// Its encoder, on a device.
    pub fn encoder(
        &self,
        problem: &Problem,
        iterations: usize,
        precision: Precision,
        device: &Device,
    ) -> AnyEncoder {
        let (step, form) = (problem.step, self.form);
        let unrolling = Unrolling { iterations, step, train_step: 0, form, noise: None };
        self.sections().encoder.build(unrolling, self.atoms, precision, device)
    }

    /// The T of the run.
    pub fn iterations(&self) -> &[usize] {
        &self.sections().compare.iterations.0
    }

    /// The longest T.
    pub fn longest(&self) -> usize {
        self.iterations().last().copied().unwrap_or(0)
    }

    /// Work of one repeat, in iterations of one block.
    pub fn units(&self) -> u64 {
        self.sizes[0].div_ceil(self.block) as u64 * self.units_of_a_block()
    }

    /// Work of a block, in iterations: the walk, the lasso's code, and one unroll for every T and
    /// estimator that differentiates the encoder, counted three times for its backward pass.
    pub fn units_of_a_block(&self) -> u64 {
        let through = self.estimators.iter().filter(|e| e.differentiates_encoder()).count() as u64;
        let unrolled: u64 = self.iterations().iter().map(|&t| 3 * t as u64).sum();
        through * unrolled + self.longest() as u64 + self.sections().compare.lasso_iterations as u64
    }

    /// What a meter reads once the device has done its work; the memory of a graphics card is not the host's to
    /// read.
    pub fn reading(&self, meter: &mut Meter) -> Reading {
        if self.run.config.is_on_cpu() {
            return meter.pause();
        }
        // A failure shows when values are fetched.
        let _ = self.device.sync();
        Reading { peak_bytes: None, ..meter.pause() }
    }

    /// How many blocks are worked on at a time: on a graphics card one, which fills it.
    pub fn workers(&self, threads: usize) -> usize {
        match self.run.config.is_on_cpu() {
            true => threads.min(self.sizes[0].div_ceil(self.block)),
            false => 1,
        }
    }
}

impl Problem {
    /// The same with its first examples alone.
    fn sample(self) -> Self {
        let x = self.data.x.slice(s![..self.data.examples().min(SAMPLE), ..]).to_owned();
        let data = DataSet { image: self.data.image, ..DataSet::of_rows(x) };
        Self { data, ..self }
    }

    /// The dictionary at the start, without a constraint: it is not moved.
    pub fn dictionary(
        &self,
        config: &Config,
        precision: Precision,
        device: &Device,
    ) -> AnyDictionary {
        let sections: &Sections = config.sections();
        sections.dictionary.build(&self.columns, self.data.image, precision, device)
    }

    /// The problem of a repeat.
    pub fn new(config: &Config, repeat: u64) -> Result<Self, Error> {
        let sections: &Sections = config.sections();
        Self::draw(&sections.data, sections, config.seed, repeat)
    }

    fn draw(data: &DataConfig, sections: &Sections, seed: u64, repeat: u64) -> Result<Self, Error> {
        let Sections { dictionary, encoder, .. } = sections;
        let mut data = data.load(seed, repeat)?;
        dictionary.fit_truth(&mut data)?;
        let columns = dictionary.initialise(&data, data.image, seed, repeat)?;
        let built = dictionary.build(&columns, data.image, Precision::Float64, &Device::flex());
        let step = encoder.step_for(built.norm_squared(false));
        Ok(Self { data, columns, step })
    }
}

/// Examples that the work is estimated on.
const SAMPLE: usize = 64;

/// Examples in a block on a graphics card, at most: more would not make it faster, and a run could not be
/// stopped in between.
const MOST_ON_DEVICE: usize = 8192;

/// Examples in a block: about 400 kB an array in float64, so that the few arrays an iteration touches
/// stay in the cache of one core, and never a matter of threads.
fn block_size(features: usize, atoms: usize, examples: usize) -> usize {
    (50_000 / features.max(atoms)).clamp(16, 512).min(examples)
}

/// Refuses a step at which the encoder diverges, and returns the warning of a doubtful one.
fn check_step(config: &Config, repeat: u64) -> Result<Option<String>, Error> {
    // The start does not depend on how many examples there are: draw one.
    let sections: &Sections = config.sections();
    let mut one = sections.data.clone();
    if let DataConfig::Synthetic(synthetic) = &mut one {
        synthetic.examples = 1;
    }
    let problem = Problem::draw(&one, sections, config.seed, repeat)?;
    let dictionary = problem.dictionary(config, Precision::Float64, &Device::flex());
    let norm = dictionary.norm_squared(false);
    if norm == 0.0 {
        return Err(Error::at(
            "dictionary.init",
            "`dictionary.init` gives a dictionary that is zero; give one with non-zero atoms",
        ));
    }
    let device = config.open_device()?.device;
    let [features, width] = dictionary.shape();
    let atoms = problem.columns.ncols();
    let form = sections.encoder.form_for(config.device_kind(), features, width, 1, 1);
    let encoder = sections.encoder.build(
        Unrolling { iterations: 1, step: problem.step, train_step: 0, form, noise: None },
        atoms,
        config.precision,
        &device,
    );
    let limits = encoder.step_limits(norm);
    let step = problem.step;
    let method = match sections.encoder.is_fista() {
        false => "ISTA diverges above 2",
        true => "FISTA diverges above 4/3",
    };
    match limits.judge(step) {
        StepVerdict::Fine => Ok(None),
        StepVerdict::Warn => Ok(Some(format!(
            "the step {step} is above 1/‖D⁰‖² = {:.4}: the lasso may rise in some iterations (it \
             diverges above {:.4})",
            limits.warn_above, limits.refuse_above
        ))),
        StepVerdict::Refuse => Err(Error::at(
            "encoder.step",
            format!(
                "`encoder.step` is {step}, but {method}/‖D⁰‖² = {:.4}; write a smaller step, or \
                 \"auto\"",
                limits.refuse_above
            ),
        )),
    }
}

/// A one-sided encoder cannot reach true codes with negative entries.
fn check_signs(encoder: &EncoderConfig, data: &DataSet) -> Option<String> {
    let one_sided = encoder.prox.sided() == unrolled::prelude::Sided::One;
    let negative = data.true_codes.as_ref()?.iter().any(|v| *v < 0.0);
    (one_sided && negative).then(|| {
        "the true codes have negative entries, which a one-sided encoder cannot reach".to_owned()
    })
}
