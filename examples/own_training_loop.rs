//! A training loop of your own, for any network and estimator.
//!
//! `cargo run --release --example own_training_loop`

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::tensor::Device;
use ndarray::Array2;
use unrolled::dictionary::initialisation;
use unrolled::optimizer::Adam;
use unrolled::prelude::*;
use unrolled::random::Stream;
use unrolled::tensors::{to_scalar, to_tensor};

pub fn main() {
    let device = Device::flex();
    let mut stream = Stream::new(1, "data", 0);
    let x = Array2::from_shape_simple_fn((200, 20), || stream.normal());
    let x = to_tensor(&x, Precision::Float32, &device);
    let start = initialisation::random(20, 30, &mut stream);
    let dictionary = DenseDictionary::new(to_tensor(&start, Precision::Float32, &device))
        .with_constraint(Constraint::UnitSphere);
    let encoder = Unrolled::ista(SoftThreshold::new(0.1, Sided::Two), 0.15, 30);
    let mut network = Autoencoder::new(dictionary, encoder).train();
    let mut optimizer = ModuleOptimizer::from(Adam::default());
    for step in 0..30 {
        let estimate = GAeLasso.estimate(&network, &x);
        println!("step {step}: lasso {:.4}", to_scalar(&estimate.loss));
        network = optimizer.step(0.01, network, estimate.gradients).project();
    }
}
