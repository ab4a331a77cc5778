//! Dictionary, encoder and task as one network.

use burn::module::Module;
use burn::tensor::Tensor;

use super::LinearTask;
use crate::dictionary::DenseDictionary;
use crate::encoder::Encoder;
use crate::network::{Network, SparseCoder};
use crate::operator::LinearOperator;

/// Codes that serve a task.
#[derive(Module, Debug)]
pub struct TaskDriven<E, D = DenseDictionary> {
    /// D.
    pub dictionary: D,
    /// z(x; D).
    pub encoder: E,
    /// What the codes are for.
    pub task: LinearTask,
}

impl<E: Encoder, D: LinearOperator + Network> TaskDriven<E, D> {
    /// From its parts.
    pub fn new(dictionary: D, encoder: E, task: LinearTask) -> Self {
        Self { dictionary, encoder, task }
    }

    /// The task's scores `[n, k]` of examples `[n, m]`.
    pub fn scores(&self, x: &Tensor<2>) -> Tensor<2> {
        self.task.scores(&SparseCoder::encode(self, x))
    }
}

impl<E: Encoder, D: LinearOperator + Network> Network for TaskDriven<E, D> {
    fn project(self) -> Self {
        Self {
            dictionary: self.dictionary.project(),
            encoder: self.encoder.project(),
            task: self.task.project(),
        }
    }
}

impl<E: Encoder, D: LinearOperator + Network> SparseCoder for TaskDriven<E, D> {
    type Operator = D;
    type Encoder = E;

    fn operator(&self) -> &D {
        &self.dictionary
    }

    fn encoder(&self) -> &E {
        &self.encoder
    }
}
