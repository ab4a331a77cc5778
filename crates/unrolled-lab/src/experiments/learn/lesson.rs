//! Dictionary learning as a lesson: the network, its constants at each step, the figures of a step.

use std::ops::Range;

use burn::tensor::Tensor;
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use unrolled::dictionary::{AnyDictionary, Constraint};
use unrolled::encoder::AnyEncoder;
use unrolled::gradient::{Estimate, Estimator};
use unrolled::loss::{Loss, Losses};
use unrolled::metrics::{
    dictionary_error, dictionary_error_tensor, total_distance, total_distance_tensor,
};
use unrolled::network::{Batch, SparseCoder};
use unrolled::optimizer::Atoms;
use unrolled::prelude::Precision;
use unrolled::tensors::{to_array, to_scalar, to_tensor, used_columns, vector_to_tensor};

use super::Network;
use super::data::{Prepared, Streaming};
use super::measure;
use super::objective;
use super::plan::Plan;
use crate::Error;
use crate::config::{Step, Unrolling};
use crate::training::{
    Coding, EncoderStep, Examined, Examples, InMemory, Lesson, Measurement, Pair, Rows, Shuffling,
    Source, State, Streamed,
};

/// The figures of every step, beside loss and reconstruction.
pub(in crate::experiments) const COLUMNS: &[&str] = &["code_error", "dictionary_error"];

/// Examples of the sample where none are held out.
const SAMPLE: usize = 256;

/// Dictionary learning with the data of a plan.
pub(in crate::experiments) struct Learning<'a> {
    pub plan: &'a Plan<'a>,
    pub prepared: Prepared,
    pub source: Box<dyn Examples>,
    /// D* with atoms of norm 1, where the network is; for the CPU, the array serves.
    truth: Option<Tensor<2>>,
}

/// What is remembered from one step to the next.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::experiments) struct Memory {
    #[serde(flatten)]
    pub step: EncoderStep,
    /// Which atoms a code has used since the last measurement.
    pub used: Vec<bool>,
    /// Atoms replaced so far.
    pub resampled: usize,
    /// Whether the user knows of codes that are not solved.
    pub warned_of_unsolved: bool,
}

impl<'a> Learning<'a> {
    pub fn new(plan: &'a Plan<'a>, prepared: Prepared) -> Self {
        let shuffle = plan.sections().train.shuffle;
        let (seed, sizes) = (plan.config().seed, [plan.coding.course.examples, plan.coding.batch]);
        let source: Box<dyn Examples> = match &prepared.stream {
            None => {
                let [training, batch] = sizes;
                Box::new(InMemory::new(prepared.data.clone(), seed, training, batch, shuffle))
            }
            Some(Streaming { files, window, .. }) => {
                let shuffling = Shuffling { seed, shuffle, window: *window };
                let preprocessing = prepared.preprocessing.clone();
                Box::new(Streamed::new(files.clone(), preprocessing, sizes, shuffling))
            }
        };
        let truth = prepared.data.true_dictionary.as_ref().filter(|_| !plan.config().is_on_cpu());
        let truth = truth.map(|d| Constraint::UnitSphere.project_tensor(plan.tensor(d)));
        Self { plan, prepared, source, truth }
    }

    /// The dictionary with these atoms, `[entries, p]`.
    fn dictionary(&self, columns: &Array2<f64>) -> AnyDictionary {
        let Coding { device, .. } = &self.plan.coding;
        let (config, image) = (&self.plan.sections().dictionary, self.prepared.data.image);
        config.build(columns, image, self.plan.config().precision, device)
    }

    /// Numbers beside those that the CPU computes.
    fn float64(&self, values: Vec<f64>) -> Tensor<1> {
        vector_to_tensor(&values.into(), Precision::Float64, &self.plan.coding.device)
    }

    /// The encoder at a training step, with the parameters of `learned`.
    fn encoder(&self, step: f64, train_step: usize, learned: Option<AnyEncoder>) -> AnyEncoder {
        let Coding { form, device, .. } = &self.plan.coding;
        let config = &self.plan.sections().encoder;
        let iterations = config.iterations;
        let unrolling = Unrolling { iterations, step, train_step, form: *form, noise: None };
        let atoms = self.prepared.start.ncols();
        let precision = self.plan.config().precision;
        match learned {
            None => config.build(unrolling, atoms, precision, device),
            Some(before) => config.rebuild(unrolling, atoms, precision, device, before),
        }
    }
}

impl Learning<'_> {
    /// Examples that all runs of the same data are measured on: those held out, or some of those to train on, evenly
    /// spread; and whether they are held out.
    pub fn sample(&self) -> (usize, bool) {
        match self.source.held_out() {
            0 => (self.source.training().min(SAMPLE), false),
            held_out => (held_out, true),
        }
    }

    /// Some of the [`Self::sample`].
    pub fn rows_of_sample(&self, range: Range<usize>) -> Result<Pair, Error> {
        match self.sample() {
            (_, true) => self.source.held_out_rows(range),
            (examples, false) => self.source.spread_rows(range, examples),
        }
    }

    /// Reconstruction and lasso on the [`Self::sample`], means over its examples.
    pub fn losses_on_sample(&self, network: &Network) -> Result<[f64; 2], Error> {
        let (examples, _) = self.sample();
        let mut sums = [0.0; 2];
        for from in (0..examples).step_by(512) {
            let range = from..(from + 512).min(examples);
            let count = range.len() as f64;
            let (x, target) = self.rows_of_sample(range)?;
            let x = self.plan.tensor(&x);
            let batch = Batch::new(x.clone()).with_target(target.map(|t| self.plan.tensor(&t)));
            let losses = Losses::of(network, &batch, &SparseCoder::encode(network, &x));
            for (sum, loss) in sums.iter_mut().zip([losses.reconstruction, losses.lasso]) {
                *sum += to_scalar(&loss) * count;
            }
        }
        Ok(sums.map(|sum| sum / examples as f64))
    }
}

impl Lesson for Learning<'_> {
    type Network = Network;
    type Memory = Memory;

    fn start(&self) -> (Network, Memory) {
        let Prepared { start, .. } = &self.prepared;
        let dictionary = self.dictionary(start);
        let encoder = self.encoder(self.plan.coding.step, 1, None);
        let used = vec![false; start.ncols()];
        let step = EncoderStep::new(self.plan.coding.step);
        let memory = Memory { step, used, resampled: 0, warned_of_unsolved: false };
        (Network::new(dictionary, encoder), memory)
    }

    fn estimator(&self) -> &dyn Estimator<Network> {
        &*self.plan.estimator
    }

    fn source(&self) -> &dyn Source {
        &*self.source
    }

    fn prepare(&self, mut network: Network, memory: &mut Memory, step: usize) -> Network {
        let config = &self.plan.sections().encoder;
        memory.step.follow(
            config,
            &network.encoder,
            &network.dictionary,
            (step, self.plan.coding.through()),
        );
        network.encoder = self.encoder(memory.step.encoder_step, step, Some(network.encoder));
        network
    }

    fn next_look(&self, done: usize) -> Option<usize> {
        let auto = self.plan.sections().encoder.step == Step::Auto;
        auto.then_some(done + 1)
    }

    fn atoms(&self, network: &Network) -> Option<Atoms> {
        Some(Atoms::of(&network.dictionary))
    }

    fn moved(&self, memory: &mut Memory, before: &Network, after: &Network) {
        let config = &self.plan.sections().encoder;
        let through = self.plan.coding.through();
        memory.step.moved(config, [&before.dictionary, &after.dictionary], through);
    }

    fn describe(&self, figures: &[Option<f64>]) -> String {
        figures[1].map_or(String::new(), |error| format!("  dictionary error {error:.4}"))
    }

    /// Σ‖z_T − z*‖, then how many examples use each atom, or how many blocks.
    fn sums(&self, _: &Network, estimate: &Estimate, rows: &Rows) -> Option<Tensor<1>> {
        let truth = rows.true_codes.as_ref();
        if self.plan.config().is_on_cpu() {
            let error =
                truth.map_or(0.0, |truth| total_distance(&to_array(&estimate.codes), truth));
            let used = used_columns(&estimate.codes);
            // An atom is used where one of its entries is.
            let of_atoms = used.chunks(used.len() / self.prepared.start.ncols());
            let uses = of_atoms.map(|used| f64::from(u8::from(used.contains(&true))));
            return Some(self.float64(std::iter::once(error).chain(uses).collect()));
        }
        let codes = &estimate.codes;
        let atoms = self.prepared.start.ncols();
        let used = codes.clone().abs().sum_dim(0).reshape([atoms, codes.dims()[1] / atoms]);
        let used = used.sum_dim(1).sign().reshape([atoms]);
        let error = match truth {
            Some(truth) => total_distance_tensor(codes, &self.plan.tensor(truth)),
            None => used.clone().narrow(0, 0, 1).zeros_like(),
        };
        Some(Tensor::cat(vec![error, used], 0))
    }

    fn figures(&self, network: &Network) -> Option<Tensor<1>> {
        let dictionary = network.dictionary.columns();
        match &self.truth {
            Some(truth) => Some(dictionary_error_tensor(&dictionary, truth)),
            None => {
                let truth = self.prepared.data.true_dictionary.as_ref()?;
                Some(self.float64(vec![dictionary_error(&to_array(&dictionary), truth)]))
            }
        }
    }

    fn record(&self, memory: &mut Memory, sums: &[f64], figures: &[f64]) -> Vec<Option<f64>> {
        for (used, uses) in memory.used.iter_mut().zip(&sums[1..]) {
            *used |= *uses > 0.0;
        }
        let code_error = self.prepared.data.true_codes.as_ref().map(|_| sums[0]);
        vec![code_error, figures.first().copied()]
    }

    fn examine(&self, network: &Network) -> Result<Examined, Error> {
        let losses = self.losses_on_sample(network)?;
        let objective = objective::of(self, network)?.map(|found| found.value);
        let held_out = self.source.held_out() > 0;
        let descends = self.plan.estimator.descends().filter(|_| held_out);
        Ok(Examined {
            validation_loss: match objective.filter(|_| held_out) {
                Some(objective) => Some(objective),
                None => descends.map(|loss| match loss {
                    Loss::LeastSquares => losses[0],
                    Loss::Lasso => losses[1],
                }),
            },
            figures: losses.map(Some).into_iter().chain([objective]).collect(),
        })
    }

    fn measure(
        &self,
        state: &mut State<Network, Memory>,
        codes: &[Tensor<2>],
    ) -> Result<Measurement, Error> {
        measure::take(self, state, codes)
    }
}

impl Plan<'_> {
    /// A matrix in the run's precision on its device.
    pub fn tensor(&self, array: &Array2<f64>) -> Tensor<2> {
        to_tensor(array, self.config().precision, &self.coding.device)
    }
}
