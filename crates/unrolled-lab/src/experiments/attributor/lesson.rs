//! Learning with an attributor as a lesson.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use unrolled::attributor::Attributor;
use unrolled::dictionary::AnyDictionary;
use unrolled::encoder::{AnyEncoder, Form};
use unrolled::gradient::Estimator;
use unrolled::prelude::{Autoencoder, DenseDictionary};

use super::data::Prepared;
use super::measure;
use super::network::{Explainer, Squares};
use super::plan::Plan;
use crate::Error;
use crate::config::{DictionaryConfig, Unrolling};
use crate::training::{EncoderStep, Examined, InMemory, Lesson, Measurement, Source, State};

/// A run with the data of its plan.
pub(super) struct Attributing<'a> {
    pub plan: &'a Plan<'a>,
    pub prepared: Prepared,
    source: InMemory,
    estimator: Squares,
}

/// What is remembered from one step to the next.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Memory {
    #[serde(flatten)]
    pub step: EncoderStep,
    /// Where the atoms have been, as the plane shows them: after so many steps, two numbers for each.
    pub path: Vec<(usize, Vec<[f64; 2]>)>,
}

/// Places of the atoms that are remembered, at most about so many.
const MOST_PLACES: usize = 200;

impl<'a> Attributing<'a> {
    pub fn new(plan: &'a Plan<'a>, prepared: Prepared) -> Self {
        let course = &plan.plain.course;
        let (data, seed) = (prepared.data.clone(), plan.config().seed);
        let source = InMemory::new(data, seed, course.examples, course.batch, course.train.shuffle);
        let estimator = Squares(plan.sections().attributor.squares());
        Self { plan, prepared, source, estimator }
    }

    /// The network of a state, with the constants of its last step: what was read back has the parameters alone.
    pub fn settled(&self, state: &State<Explainer, Memory>) -> Explainer {
        self.at(state.network.clone(), state.lesson.step.encoder_step, state.step.max(1))
    }

    fn at(&self, network: Explainer, step: f64, train_step: usize) -> Explainer {
        match network {
            Explainer::Encoder(mut coder) => {
                coder.encoder = self.plan.encoder(step, train_step, Some(coder.encoder));
                Explainer::Encoder(coder)
            }
            attributor @ Explainer::Attributor(_) => attributor,
        }
    }
}

impl Plan<'_> {
    /// An encoder at a training step with step α.
    pub fn encoder(&self, step: f64, train_step: usize, learned: Option<AnyEncoder>) -> AnyEncoder {
        let (config, precision) = (&self.sections().encoder, self.config().precision);
        let (terms, device) = (self.sections().attributor.terms, &self.plain.device);
        let iterations = config.iterations;
        let unrolling =
            Unrolling { iterations, step, train_step, form: Form::Residual, noise: None };
        match learned {
            None => config.build(unrolling, terms, precision, device),
            Some(before) => config.rebuild(unrolling, terms, precision, device, before),
        }
    }
}

impl Lesson for Attributing<'_> {
    type Network = Explainer;
    type Memory = Memory;

    fn start(&self) -> (Explainer, Memory) {
        let Prepared { dictionary, weight, bias, plane, .. } = &self.prepared;
        let plan = self.plan;
        let start = plan.tensor(dictionary);
        let network = match plan.sections().attributor.attribution() {
            Some(attribution) => {
                let bias = plan.tensor(bias).squeeze_dim(0);
                let network = Attributor::new(start, plan.tensor(weight), bias);
                Explainer::Attributor(network.with_attribution(attribution))
            }
            None => {
                let DictionaryConfig::Dense(config) = &plan.sections().dictionary else {
                    unreachable!("it was checked that the dictionary is dense");
                };
                let dense = DenseDictionary::new(start).with_constraint(config.constraint);
                let encoder = plan.encoder(plan.step, 1, None);
                Explainer::Encoder(Autoencoder::new(AnyDictionary::Dense(dense), encoder))
            }
        };
        let path = vec![(0, plane.places(dictionary))];
        (network, Memory { step: EncoderStep::new(plan.step), path })
    }

    fn estimator(&self) -> &dyn Estimator<Explainer> {
        &self.estimator
    }

    fn source(&self) -> &dyn Source {
        &self.source
    }

    fn prepare(&self, network: Explainer, memory: &mut Memory, step: usize) -> Explainer {
        if let Explainer::Encoder(coder) = &network {
            let config = &self.plan.sections().encoder;
            memory.step.follow(config, &coder.encoder, &coder.dictionary, (step, true));
        }
        self.at(network, memory.step.encoder_step, step)
    }

    fn moved(&self, memory: &mut Memory, before: &Explainer, after: &Explainer) {
        if let (Explainer::Encoder(before), Explainer::Encoder(after)) = (before, after) {
            let config = &self.plan.sections().encoder;
            memory.step.moved(config, [&before.dictionary, &after.dictionary], true);
        }
    }

    fn examine(&self, network: &Explainer) -> Result<Examined, Error> {
        let figures = measure::examine(self, network).columns();
        Ok(Examined { validation_loss: None, figures })
    }

    fn measure(
        &self,
        state: &mut State<Explainer, Memory>,
        _: &[Tensor<2>],
    ) -> Result<Measurement, Error> {
        let course = &self.plan.plain.course;
        let measured = course.steps / course.train.measure_every;
        let every = measured.div_ceil(MOST_PLACES).max(1) * course.train.measure_every;
        if state.step.is_multiple_of(every) || state.step == course.steps {
            let places = self.prepared.plane.places(&state.network.dictionary());
            state.lesson.path.push((state.step, places));
        }
        Ok((Vec::new(), None))
    }
}
