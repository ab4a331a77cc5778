//! One layer as a lesson.

use burn::tensor::Tensor;
use ndarray::Array2;
use unrolled::gradient::Estimator;
use unrolled::one_layer::OneLayer;
use unrolled::prelude::Constraint;

use super::data::Prepared;
use super::measure;
use super::plan::Plan;
use super::source::Fresh;
use crate::Error;
use crate::training::{InMemory, Lesson, Measurement, Source, State};

/// A run with the data of its plan.
pub(super) struct Learning<'a> {
    pub plan: &'a Plan<'a>,
    pub prepared: Prepared,
    source: Box<dyn Source>,
}

impl<'a> Learning<'a> {
    pub fn new(plan: &'a Plan<'a>, prepared: Prepared) -> Self {
        let course = &plan.plain.course;
        let seed = plan.config().seed;
        let source: Box<dyn Source> = match (plan.sections().data.fresh(), &prepared.truth) {
            (Some(of), Some(truth)) => Box::new(Fresh {
                of: of.checked(),
                truth: truth.clone(),
                seed,
                batch: course.batch,
            }),
            _ => {
                let (data, shuffle) = (prepared.data.clone(), course.train.shuffle);
                Box::new(InMemory::new(data, seed, course.examples, course.batch, shuffle))
            }
        };
        Self { plan, prepared, source }
    }
}

impl Lesson for Learning<'_> {
    type Network = OneLayer;
    type Memory = ();

    fn start(&self) -> (OneLayer, ()) {
        let layer = &self.plan.sections().layer;
        let Prepared { weight, output, .. } = &self.prepared;
        let mut network = OneLayer::new(self.plan.tensor(weight), layer.activation());
        if let Some(start) = layer.bias {
            let bias = Array2::from_elem((1, weight.nrows()), start);
            network = network.with_bias(self.plan.tensor(&bias).squeeze_dim(0));
        }
        if let Some(output) = output {
            network = network.with_dictionary(self.plan.tensor(output));
        }
        let constraint =
            if layer.is_normalised() { Constraint::UnitSphere } else { Constraint::None };
        let network = network.with_constraint(constraint).with_rounding(layer.rounding());
        (unrolled::network::Network::project(network), ())
    }

    fn estimator(&self) -> &dyn Estimator<OneLayer> {
        &self.plan.rule
    }

    fn source(&self) -> &dyn Source {
        &*self.source
    }

    fn measure(
        &self,
        state: &mut State<OneLayer, ()>,
        _: &[Tensor<2>],
    ) -> Result<Measurement, Error> {
        Ok((measure::columns(self, &state.network, state.step)?, None))
    }
}
