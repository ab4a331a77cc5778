//! What is trained, and what there is to say about it.

use std::fmt::Debug;

use burn::tensor::Tensor;
use serde::Serialize;
use serde::de::DeserializeOwned;
use unrolled::gradient::{Estimate, Estimator};
use unrolled::network::Network;
use unrolled::optimizer::Atoms;

use super::source::{Rows, Source};
use super::state::State;
use crate::Error;

/// Figures on examples that do not change.
#[derive(Clone, Debug, Default)]
pub struct Examined {
    /// The loss that is descended, on examples held out, where there are any: the least so far is kept as the best.
    pub validation_loss: Option<f64>,
    /// The first of the lesson's columns that are measured.
    pub figures: Vec<Option<f64>>,
}

/// The values of a lesson's columns, and what the user should know.
pub type Measurement = (Vec<Option<f64>>, Option<String>);

/// A network to be trained: where it starts, which gradient it descends, where its batches come from; and the
/// figures of its steps, beside loss and reconstruction.
pub trait Lesson: Sync {
    /// What is trained. Its parameters are found by their paths, and each module keeps its own constraint.
    type Network: Network + Sync;

    /// What is remembered from one step to the next beside parameters.
    type Memory: Clone + Debug + Serialize + DeserializeOwned;

    /// The network and the memory before the first step.
    fn start(&self) -> (Self::Network, Self::Memory);

    /// The gradient that is descended.
    fn estimator(&self) -> &dyn Estimator<Self::Network>;

    /// The batches.
    fn source(&self) -> &dyn Source;

    /// The network with the constants that it has at a step, counted from 1.
    fn prepare(&self, network: Self::Network, _: &mut Self::Memory, _step: usize) -> Self::Network {
        network
    }

    /// The next step after `done` before which the host must look at the state, beside those that every training has.
    fn next_look(&self, _done: usize) -> Option<usize> {
        None
    }

    /// What progress shows beside the loss.
    fn describe(&self, _figures: &[Option<f64>]) -> String {
        String::new()
    }

    /// Sums over the examples of a block, `[k]`, by the network that the estimate is of: they are added up over the
    /// batch. They stay where they are computed until the host looks.
    fn sums(&self, _: &Self::Network, _estimate: &Estimate, _rows: &Rows) -> Option<Tensor<1>> {
        None
    }

    /// Figures of the network after a step, `[k]`.
    fn figures(&self, _network: &Self::Network) -> Option<Tensor<1>> {
        None
    }

    /// The values of its columns of metrics.csv for every step, from the [`Self::sums`], as means over the batch, and
    /// [`Self::figures`] of the step.
    fn record(&self, _: &mut Self::Memory, _sums: &[f64], _figures: &[f64]) -> Vec<Option<f64>> {
        Vec::new()
    }

    /// The atoms, where an optimiser of atoms may move them: those of the parameter [`ATOMS`](super::ATOMS).
    fn atoms(&self, _network: &Self::Network) -> Option<Atoms> {
        None
    }

    /// Called after every step with the network before and after it.
    fn moved(&self, _: &mut Self::Memory, _before: &Self::Network, _after: &Self::Network) {}

    /// The figures of the network on examples that do not change, every `measure_every` steps.
    fn examine(&self, _network: &Self::Network) -> Result<Examined, Error> {
        Ok(Examined::default())
    }

    /// The values of its columns of metrics.csv that are taken every `measure_every` steps, behind those of
    /// [`Self::examine`], and a warning where there is one. `codes` are those of the last batch, block by block. The state
    /// may be mended: atoms that no code uses, replaced.
    fn measure(
        &self,
        _state: &mut State<Self::Network, Self::Memory>,
        _codes: &[Tensor<2>],
    ) -> Result<Measurement, Error> {
        Ok((Vec::new(), None))
    }
}
