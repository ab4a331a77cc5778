//! The three gradients of one network, beside the gradient at the true codes.
//!
//! `cargo run --release --example three_gradients`

use burn::tensor::Device;
use ndarray::Array2;
use unrolled::dictionary::initialisation;
use unrolled::gradient::references::true_gradient;
use unrolled::metrics::{cosine, frobenius};
use unrolled::prelude::*;
use unrolled::random::Stream;
use unrolled::tensors::{to_array, to_tensor};

pub fn main() {
    let (features, atoms, examples) = (20, 30, 200);
    let device = Device::flex();
    let tensor = |array: &Array2<f64>| to_tensor(array, Precision::Float64, &device);

    // Three atoms an example, amplitudes between 1 and 2, and a dictionary close to the true one.
    let truth = initialisation::random(features, atoms, &mut Stream::new(1, "truth", 0));
    let start = initialisation::perturbed_truth(&truth, 0.02, &mut Stream::new(1, "dictionary", 0));
    let mut codes = Array2::zeros((examples, atoms));
    for example in 0..examples {
        let mut stream = Stream::new(1, "codes", example as u64);
        for atom in stream.sample_without_replacement(atoms, 3) {
            codes[[example, atom]] = stream.uniform_between(1.0, 2.0);
        }
    }
    let x = codes.dot(&truth.t());

    let reference = to_array(&true_gradient(&tensor(&start), &tensor(&x), &tensor(&codes)));
    println!("‖g*‖ = {:.4}", frobenius(&reference));
    println!("   T  estimator    ‖g − g*‖   cosine");
    for iterations in [1, 10, 100] {
        let encoder = Unrolled::ista(SoftThreshold::new(0.2, Sided::Two), 0.2, iterations);
        let network = Autoencoder::new(DenseDictionary::new(tensor(&start)), encoder);
        let estimators: [&dyn Estimator<_>; 3] = [&GDec, &GAeLasso, &GAeLs];
        for estimator in estimators {
            let estimate = estimator.estimate(&network, &tensor(&x));
            let gradient = to_array(&estimate.dictionary_gradient(&network));
            println!(
                "{iterations:4}  {:<11} {:9.4} {:8.4}",
                estimator.name(),
                frobenius(&(&gradient - &reference)),
                cosine(&gradient, &reference),
            );
        }
    }
}
