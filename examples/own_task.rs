//! A task of your own: codes that separate two classes by a margin, the gradient through the solution of sparse coding.
//!
//! A task's loss is a closure of the network, the batch and the codes. `g_implicit` differentiates it through the
//! solution: the dictionary moves so that the codes serve the task.

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use ndarray::Array2;
use unrolled::dictionary::initialisation;
use unrolled::optimizer::Adam;
use unrolled::prelude::*;
use unrolled::random::Stream;
use unrolled::task::{LinearTask, TaskDriven, TaskKind};
use unrolled::tensors::{to_scalar, to_tensor};

type Driven = TaskDriven<Solved<ElasticNet>>;

/// mean max(0, 1 − y s) of scores s = z W + b and labels y = ±1: the hinge of a support vector machine.
fn hinge(network: &Driven, batch: &Batch, codes: &Tensor<2>) -> Tensor<1> {
    let scores = network.task.scores(codes);
    let labels = batch.label.clone().expect("the batch has labels");
    relu(scores.mul(labels).neg().add_scalar(1.0)).mean().add(network.task.ridge())
}

pub fn main() {
    let device = Device::flex();
    let mut stream = Stream::new(39, "own task", 0);
    let x = Array2::from_shape_simple_fn((200, 10), || stream.normal());
    // The label is the sign of a product of two features, which no linear classifier on x finds.
    let y = Array2::from_shape_fn((200, 1), |(i, _)| (x[[i, 0]] * x[[i, 1]]).signum());
    let [x, y] = [x, y].map(|array| to_tensor(&array, Precision::Float64, &device));
    let batch = Batch::new(x).with_label(Some(y.clone()));

    let start =
        to_tensor(&initialisation::random(10, 40, &mut stream), Precision::Float64, &device);
    let dictionary = DenseDictionary::new(start).with_constraint(Constraint::UnitSphere);
    let encoder = Solved::new(ElasticNet::new(0.1, 0.1, Sided::One), 0.2, 10_000, 1e-8);
    let task = LinearTask::new(TaskKind::Logistic, [40, 1], 1e-3, Precision::Float64, &device);
    let mut network = TaskDriven::new(dictionary, encoder, task).train();

    let estimator = GImplicit::new(hinge);
    let mut optimizer = ModuleOptimizer::from(Adam::default());
    for step in 0..60 {
        let estimate = estimator.estimate_batch(&network, &batch);
        if step % 20 == 0 {
            println!("step {step}: hinge loss {:.4}", to_scalar(&estimate.loss));
        }
        network = optimizer.step(0.02, network, estimate.gradients).project();
    }
    let scores = network.valid().scores(&batch.x);
    let right = scores.mul(y).greater_elem(0.0).int().sum().into_scalar::<i64>();
    println!("{right} of 200 examples on the right side");
    assert!(right > 170, "the task has not been learned");
}
