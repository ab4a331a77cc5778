//! Reconstruction and task, mixed.

use burn::tensor::Tensor;

use super::TaskDriven;
use crate::encoder::Encoder;
use crate::loss::{Losses, Objective};
use crate::network::{Batch, Network};
use crate::operator::LinearOperator;
use crate::tensors::together;

/// `(1 − β) reconstruction + β task` (Mairal, Bach and Ponce, 2012, equation 10), the task with its ridge.
///
/// β decides what the dictionary is driven by. The task's own parameters are driven by the whole task, whatever β: with
/// β = 0 the dictionary is one of reconstruction alone, and the task learns on its codes.
#[derive(Clone, Copy, Debug)]
pub struct TaskLoss {
    /// β, from 0 to 1.
    pub weight: f64,
}

impl<E: Encoder, D: LinearOperator + Network> Objective<TaskDriven<E, D>> for TaskLoss {
    /// # Panics
    /// Where the batch has no labels.
    fn value(&self, network: &TaskDriven<E, D>, batch: &Batch, codes: &Tensor<2>) -> Tensor<1> {
        let labels = batch.label.as_ref().expect("a task needs labels");
        let task = &network.task;
        let of_codes = |codes: &Tensor<2>| task.loss(task.scores(codes), labels).add(task.ridge());
        let mut value = of_codes(codes).mul_scalar(self.weight);
        if self.weight < 1.0 {
            let reconstruction = Losses::of(network, batch, codes).reconstruction;
            // What is left of the task moves its parameters and nothing else, and does not count.
            let rest = of_codes(&codes.clone().detach());
            let rest = rest.clone().sub(rest.detach());
            let (reconstruction, rest) = together(reconstruction, rest);
            let sum = reconstruction.add(rest).mul_scalar(1.0 - self.weight);
            let (left, right) = together(value, sum);
            value = left.add(right);
        }
        value
    }
}
