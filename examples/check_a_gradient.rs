//! Checking gradients against finite differences, and why `g_dec` is not the total derivative.
//!
//! `cargo run --release --example check_a_gradient`

use burn::tensor::Device;
use ndarray::Array2;
use unrolled::dictionary::initialisation;
use unrolled::gradient::finite_differences;
use unrolled::metrics::relative_error;
use unrolled::prelude::*;
use unrolled::random::Stream;
use unrolled::tensors::{to_array, to_scalar, to_tensor};

pub fn main() {
    let device = Device::flex();
    let tensor = |array: &Array2<f64>| to_tensor(array, Precision::Float64, &device);
    let dictionary = initialisation::random(6, 9, &mut Stream::new(4, "dictionary", 0));
    let mut stream = Stream::new(4, "examples", 0);
    let x = Array2::from_shape_simple_fn((5, 6), || stream.normal());
    let network = |dictionary: &Array2<f64>| {
        let encoder = Unrolled::ista(SoftThreshold::new(0.1, Sided::Two), 0.2, 8);
        Autoencoder::new(DenseDictionary::new(tensor(dictionary)), encoder)
    };

    let estimators: [&dyn Estimator<_>; 3] = [&GDec, &GAeLasso, &GAeLs];
    for estimator in estimators {
        let at = network(&dictionary);
        let gradient = to_array(&estimator.estimate(&at, &tensor(&x)).dictionary_gradient(&at));
        let mut loss = |d: &Array2<f64>| {
            let estimate = estimator.estimate(&network(d), &tensor(&x));
            to_scalar(&estimate.loss)
        };
        let differences = finite_differences::full(&mut loss, &dictionary, 1e-6);
        let error = relative_error(&gradient, &differences);
        // g_dec holds the codes fixed: it is a partial derivative, and is meant to differ.
        assert_eq!(error < 1e-7, estimator.differentiates_encoder());
        println!(
            "{:<11} against the total derivative of its loss: relative error {:.1e}",
            estimator.name(),
            error,
        );
    }
    println!("g_dec holds the codes fixed: it is a partial derivative, and is meant to differ.");
}
