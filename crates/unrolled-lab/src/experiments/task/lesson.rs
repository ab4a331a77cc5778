//! Task-driven learning as a lesson: the network, its constants at each step, the figures of a step.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use unrolled::encoder::AnyEncoder;
use unrolled::gradient::{Estimate, Estimator};
use unrolled::task::LinearTask;

use super::data::Prepared;
use super::plan::Plan;
use super::{Network, measure};
use crate::Error;
use crate::config::Unrolling;
use crate::training::{EncoderStep, Examined, InMemory, Lesson, Measurement, Rows, Source, State};

/// Task-driven learning with the data of a plan.
pub(super) struct Driven<'a> {
    pub plan: &'a Plan<'a>,
    pub prepared: Prepared,
    source: InMemory,
    /// Of the CPU, to evaluate with.
    pub threads: usize,
}

/// What is remembered from one step to the next.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Memory {
    #[serde(flatten)]
    pub step: EncoderStep,
    /// Codes of steps so far that were not solved to the tolerance, and how many there were.
    pub unsolved: u64,
    pub coded: u64,
    /// Whether the user knows of them.
    pub warned_of_unsolved: bool,
}

impl<'a> Driven<'a> {
    pub fn new(plan: &'a Plan<'a>, prepared: Prepared, threads: usize) -> Self {
        let shuffle = plan.sections().train.shuffle;
        let (data, seed) = (prepared.data.clone(), plan.config().seed);
        let source = InMemory::new(data, seed, prepared.training, plan.coding.batch, shuffle);
        let source = source.with_labels(prepared.label_rows.clone());
        Self { plan, prepared, source, threads }
    }

    /// The encoder at a training step with step α, with the parameters of `learned`.
    fn encoder(&self, step: f64, train_step: usize, learned: Option<AnyEncoder>) -> AnyEncoder {
        let coding = &self.plan.coding;
        let config = &self.plan.sections().encoder;
        let (iterations, form) = (config.iterations, coding.form);
        let unrolling = Unrolling { iterations, step, train_step, form, noise: None };
        let atoms = self.prepared.start.ncols();
        let precision = self.plan.config().precision;
        match learned {
            None => config.build(unrolling, atoms, precision, &coding.device),
            Some(before) => config.rebuild(unrolling, atoms, precision, &coding.device, before),
        }
    }

    /// The network of a state, with the constants of its last step: what was read back has the parameters alone.
    pub fn settled(&self, state: &State<Network, Memory>) -> Network {
        let mut network = state.network.clone();
        let alpha = state.lesson.step.encoder_step;
        network.encoder = self.encoder(alpha, state.step.max(1), Some(network.encoder));
        network
    }
}

impl Lesson for Driven<'_> {
    type Network = Network;
    type Memory = Memory;

    fn start(&self) -> (Network, Memory) {
        let Prepared { start, data, labels, .. } = &self.prepared;
        let Plan { coding, .. } = self.plan;
        let (sections, precision) = (self.plan.sections(), self.plan.config().precision);
        let dictionary = sections.dictionary.build(start, data.image, precision, &coding.device);
        let size = [coding.code_width(), labels.outputs()];
        let task = &sections.task;
        let task = LinearTask::new(task.kind, size, task.ridge, precision, &coding.device);
        let network = Network::new(dictionary, self.encoder(coding.step, 1, None), task);
        let step = EncoderStep::new(coding.step);
        (network, Memory { step, unsolved: 0, coded: 0, warned_of_unsolved: false })
    }

    fn estimator(&self) -> &dyn Estimator<Network> {
        &*self.plan.estimator
    }

    fn source(&self) -> &dyn Source {
        &self.source
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
        // What is unsolved is remembered with the step.
        Some(done + 1)
    }

    fn moved(&self, memory: &mut Memory, before: &Network, after: &Network) {
        let config = &self.plan.sections().encoder;
        let through = self.plan.coding.through();
        memory.step.moved(config, [&before.dictionary, &after.dictionary], through);
    }

    fn describe(&self, figures: &[Option<f64>]) -> String {
        figures[1].map_or(String::new(), |accuracy| format!("  accuracy {accuracy:.3}"))
    }

    fn sums(&self, network: &Network, estimate: &Estimate, rows: &Rows) -> Option<Tensor<1>> {
        let label = rows.label.as_ref().expect("every example has a label");
        Some(measure::sums(self, network, &estimate.codes, &rows.x, label))
    }

    fn record(&self, memory: &mut Memory, sums: &[f64], _: &[f64]) -> Vec<Option<f64>> {
        measure::record(self, memory, sums)
    }

    fn examine(&self, network: &Network) -> Result<Examined, Error> {
        Ok(Examined { validation_loss: None, figures: measure::examine(self, network) })
    }

    fn measure(
        &self,
        state: &mut State<Network, Memory>,
        _: &[Tensor<2>],
    ) -> Result<Measurement, Error> {
        Ok(measure::take(self, state))
    }
}
