//! Everything that training changes.

use std::collections::BTreeMap;

use burn::optim::Optimizer;
use burn::tensor::Tensor;
use ndarray::Array2;
use unrolled::optimizer::{AnyOptimizer, Moments};
use unrolled::prox::AnyProx;

use super::plan::Plan;
use crate::config::Unrolling;

/// A parameter and what the optimiser remembers of it.
#[derive(Clone, Debug)]
pub(super) struct Parameter<const R: usize> {
    pub value: Tensor<R>,
    pub moments: Option<Moments<R>>,
}

impl<const R: usize> Parameter<R> {
    pub fn new(value: Tensor<R>) -> Self {
        Self { value, moments: None }
    }

    /// One step of the optimiser.
    pub fn update(&mut self, optimizer: &AnyOptimizer, rate: f64, gradient: Tensor<R>) {
        let (value, moments) =
            optimizer.step(rate, self.value.clone(), gradient, self.moments.take());
        (self.value, self.moments) = (value, moments);
    }
}

/// The state after `step` steps.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// Steps done.
    pub step: usize,
    /// Time, over all resumptions.
    pub seconds: f64,
    /// D.
    pub dictionary: Parameter<2>,
    /// α: the configuration's, or taken anew as D moves.
    pub encoder_step: f64,
    /// The learned bias.
    pub bias: Option<Parameter<1>>,
    /// The learned step.
    pub learned_step: Option<Parameter<1>>,
    /// Which atoms a code has used since the last measurement.
    pub used: Vec<bool>,
    /// Atoms replaced so far.
    pub resampled: usize,
    /// The least validation loss so far, and its dictionary.
    pub best: Option<(f64, Array2<f64>)>,
    /// Measurements since then.
    pub since_best: usize,
    /// Whether training stopped before its last step.
    pub stopped_early: bool,
    /// Dictionaries saved on request, by step.
    pub saved: BTreeMap<usize, Array2<f64>>,
}

impl State {
    /// Takes back the optimiser's count of the last `steps` steps, whose updates were masked.
    pub fn forget_time(&mut self, steps: usize) {
        let dictionary = self.dictionary.moments.iter_mut().map(|moments| &mut moments.time);
        let small = [&mut self.bias, &mut self.learned_step].into_iter().flatten();
        let small = small.filter_map(|parameter| parameter.moments.as_mut());
        for time in dictionary.chain(small.map(|moments| &mut moments.time)) {
            *time -= steps;
        }
    }

    /// Before the first step.
    pub fn start(plan: &Plan) -> Self {
        let config = &plan.run.config;
        let [_, _, atoms] = plan.sizes();
        let encoder = config.encoder.build(
            Unrolling { iterations: 1, step: plan.step, train_step: 1, form: plan.form },
            atoms,
            config.precision,
            &plan.device,
        );
        let bias = match &encoder.prox {
            AnyProx::LearnedSoft(prox) => Some(Parameter::new(prox.bias.val().inner())),
            _ => None,
        };
        let learned_step =
            encoder.learned_step.as_ref().map(|step| Parameter::new(step.val().inner()));
        Self {
            step: 0,
            seconds: 0.0,
            dictionary: Parameter::new(plan.tensor(&plan.start)),
            encoder_step: plan.step,
            bias,
            learned_step,
            used: vec![false; atoms],
            resampled: 0,
            best: None,
            since_best: 0,
            stopped_early: false,
            saved: BTreeMap::new(),
        }
    }
}
