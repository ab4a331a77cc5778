//! The softmax attributor against its reference, its gradients against finite differences, attributions against what
//! they are.

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::tensor::{Device, Tensor};
use ndarray::Array2;
use unrolled::attributor::{Attribution, Attributor, MeanSquares};
use unrolled::gradient::finite_differences;
use unrolled::metrics::relative_error;
use unrolled::optimizer::Adam;
use unrolled::prelude::*;
use unrolled::tensors::{to_array, to_scalar, to_values};

use crate::support::{Fixture, float64, relative};

/// Our dictionaries have atoms as columns, the reference's as rows.
fn network(fixture: &Fixture) -> Attributor {
    let device = Device::flex();
    let dictionary = fixture.matrix("dictionary_init").reversed_axes();
    let bias = fixture.values("bias_init");
    let bias = float64(&Array2::from_shape_vec((1, bias.len()), bias).unwrap(), &device);
    Attributor::new(
        float64(&dictionary, &device),
        float64(&fixture.matrix("weight_init"), &device),
        bias.squeeze_dim(0),
    )
}

/// D as rows, W and b.
fn parameters(network: &Attributor) -> [Vec<f64>; 3] {
    [
        to_values(&network.dictionary.val().transpose()),
        to_values(&network.weight.val()),
        to_values(&network.bias.val()),
    ]
}

#[test]
fn the_softmax_attributor_is_the_reference_s() {
    let fixture = Fixture::open("softmax_attributor");
    let x = float64(&fixture.matrix("data"), &Device::flex());
    let mut network = network(&fixture).train();
    let first = to_values(&network.valid().shares(&x).narrow(0, 0, 16));
    assert!(relative(&first, &fixture.values("attributions_init_first16")) < 1e-12);

    let mut optimizer = ModuleOptimizer::from(Adam::default());
    let losses = fixture.values("loss_first100");
    for step in 0..1000 {
        let estimate = MeanSquares::default().estimate(&network, &x);
        if step < losses.len() {
            let loss = to_scalar(&estimate.loss);
            assert!((loss / losses[step] - 1.0).abs() < 1e-6, "step {step}: {loss}");
        }
        if step == 0 {
            let of = &estimate.gradients;
            let of_dictionary = of.get::<2>(network.dictionary.id).unwrap().transpose();
            let gradients = [
                ("dictionary", to_values(&of_dictionary)),
                ("weight", to_values(&of.get::<2>(network.weight.id).unwrap())),
                ("bias", to_values(&of.get::<1>(network.bias.id).unwrap())),
            ];
            for (name, found) in gradients {
                let error = relative(&found, &fixture.values(&format!("grad0_{name}")));
                assert!(error < 1e-6, "{name}: {error:e}");
            }
        }
        network = optimizer.step(1e-3, network, estimate.gradients);
        let done = step + 1;
        if [1, 100, 1000].contains(&done) {
            for (name, found) in ["dictionary", "weight", "bias"].iter().zip(parameters(&network)) {
                let error = relative(&found, &fixture.values(&format!("step{done}/{name}")));
                assert!(error < 1e-6, "step {done}, {name}: {error:e}");
            }
        }
    }
}

#[test]
fn gradients_of_every_attribution_and_penalty_are_those_of_finite_differences() {
    let device = Device::flex();
    let draw = |rows: usize, columns: usize, seed: usize| {
        Array2::from_shape_fn((rows, columns), |(i, j)| {
            ((1 + i * columns + j + 31 * seed) as f64 * 12.9898).sin() * 0.4
        })
    };
    let (x, weight) = (float64(&draw(7, 3, 1), &device), draw(5, 3, 2));
    let dictionary = float64(&draw(3, 5, 3), &device);
    let bias: Tensor<1> = float64(&draw(1, 5, 4), &device).squeeze_dim(0);
    for attribution in [Attribution::Softmax, Attribution::Sparsemax, Attribution::TopK(2)] {
        for (entropy, orthogonality) in [(0.0, 0.0), (0.3, 0.0), (0.0, 0.2)] {
            let estimator = MeanSquares { entropy, orthogonality };
            let make = |weight: &Array2<f64>, dictionary: &Tensor<2>| {
                Attributor::new(dictionary.clone(), float64(weight, &device), bias.clone())
                    .with_attribution(attribution)
            };
            let at = make(&weight, &dictionary);
            let estimate = estimator.estimate(&at, &x);
            let sums = to_values(&estimate.codes.clone().sum_dim(1));
            assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-12), "{attribution:?}: {sums:?}");
            let gradient = to_array(&estimate.gradients.get::<2>(at.weight.id).unwrap());
            let mut loss =
                |w: &Array2<f64>| to_scalar(&estimator.estimate(&make(w, &dictionary), &x).loss);
            let numeric = finite_differences::full(&mut loss, &weight, 1e-6);
            let error = relative_error(&gradient, &numeric);
            assert!(error < 1e-6, "W, {attribution:?}, {estimator:?}: {error:e}");
            let gradient = to_array(&estimate.gradients.get::<2>(at.dictionary.id).unwrap());
            let mut loss = |d: &Array2<f64>| {
                to_scalar(&estimator.estimate(&make(&weight, &float64(d, &device)), &x).loss)
            };
            let numeric = finite_differences::full(&mut loss, &to_array(&dictionary), 1e-6);
            let error = relative_error(&gradient, &numeric);
            assert!(error < 1e-6, "D, {attribution:?}, {estimator:?}: {error:e}");
        }
    }
}

#[test]
fn sparsemax_is_the_projection_on_the_simplex() {
    let device = Device::flex();
    let scores = Tensor::<2>::from_data(
        [[0.1, 1.1, 0.2, 0.9], [3.0, 0.0, -1.0, 1.9], [0.0, 0.0, 0.0, 0.0]],
        (&device, burn::tensor::DType::F64),
    );
    let shares = to_values(&Attribution::Sparsemax.shares(scores.clone()));
    // τ = (1.1 + 0.9 − 1)/2 = 0.5; τ = 2; all alike.
    let expected = [0.0, 0.6, 0.0, 0.4, 1.0, 0.0, 0.0, 0.0, 0.25, 0.25, 0.25, 0.25];
    assert!(relative(&shares, &expected) < 1e-12, "{shares:?}");
    let kept = to_values(&Attribution::TopK(2).shares(scores));
    assert_eq!(kept.iter().filter(|share| **share == 0.0).count(), 4, "{kept:?}");
}
