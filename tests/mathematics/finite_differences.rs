//! Every gradient against central differences in float64.

use burn::tensor::{Device, Tensor};
use ndarray::Array2;
use unrolled::dictionary::initialisation;
use unrolled::gradient::{finite_differences, gradient_at_codes, named};
use unrolled::loss::Losses;
use unrolled::metrics::{frobenius, relative_error};
use unrolled::prelude::*;
use unrolled::prox::AnyProx;
use unrolled::random::Stream;
use unrolled::tensors::{to_array, to_scalar, to_values};

use crate::support::{NETWORKS, Place, devices, float64, problem, prox};

const H: f64 = 1e-6;

fn network(
    name: &str,
    sided: Sided,
    iterations: usize,
    form: Form,
    dictionary: &Array2<f64>,
    device: &Place,
) -> Autoencoder<Unrolled<AnyProx>> {
    let prox = prox(name, sided, Precision::Float64, device);
    let encoder = Unrolled::ista(prox, 0.2, iterations).with_form(form).with_engine(device.engine);
    Autoencoder::new(DenseDictionary::new(float64(dictionary, device)), encoder)
}

/// The loss that an estimator descends, as a function of D, forward pass only.
fn total_loss(network: &Autoencoder<Unrolled<AnyProx>>, x: &Tensor<2>, loss: Loss) -> f64 {
    let dictionary = network.dictionary.matrix.val().inner();
    let codes = network.encoder.encode(&dictionary, x);
    to_scalar(Losses::evaluate(&dictionary, x, &codes, 0.2).get(loss))
}

#[test]
fn g_ae_gradients_are_total_derivatives() {
    let (dictionary, x) = problem(7, 10, 6, 11);
    for device in devices() {
        let x = float64(&x, &device);
        for name in NETWORKS {
            for sided in [Sided::Two, Sided::One] {
                for form in [Form::Residual, Form::Gram] {
                    for estimator in ["g_ae_lasso", "g_ae_ls"] {
                        let at = network(name, sided, 6, form, &dictionary, &device);
                        let estimator = named(estimator).unwrap();
                        let estimate = estimator.estimate(&at, &x);
                        let gradient = to_array(&estimate.dictionary_gradient(&at));
                        let mut loss = |d: &Array2<f64>| {
                            let network = network(name, sided, 6, form, d, &device);
                            total_loss(&network, &x, estimator.descends().unwrap())
                        };
                        let differences = finite_differences::full(&mut loss, &dictionary, H);
                        let error = relative_error(&gradient, &differences);
                        assert!(error < 1e-7, "{estimator:?} {name} {sided:?} {form:?}: {error:e}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_gradient_of_a_learned_bias_is_a_total_derivative() {
    let (dictionary, x) = problem(7, 10, 6, 12);
    for device in devices() {
        let x = float64(&x, &device);
        for biases in [vec![0.04], (0..10).map(|atom| 0.03 + 0.004 * atom as f64).collect()] {
            let with_bias = |values: &[f64]| {
                let bias = Tensor::<1>::from_data(values, (&*device, Precision::Float64.dtype()));
                let prox = LearnedSoftThreshold::new(bias, 0.2, Sided::Two);
                let dictionary = DenseDictionary::new(float64(&dictionary, &device));
                Autoencoder::new(
                    dictionary,
                    Unrolled::ista(AnyProx::LearnedSoft(prox), 0.2, 6).with_engine(device.engine),
                )
            };
            for estimator in ["g_ae_lasso", "g_ae_ls"] {
                let estimator = named(estimator).unwrap();
                let at = with_bias(&biases);
                let AnyProx::LearnedSoft(prox) = &at.encoder.prox else { unreachable!() };
                let gradients = estimator.estimate(&at, &x).gradients;
                let gradient = to_values(&gradients.get::<1>(prox.bias.id).unwrap());
                let gradient = Array2::from_shape_vec((1, biases.len()), gradient).unwrap();
                let mut loss = |b: &Array2<f64>| {
                    total_loss(&with_bias(b.as_slice().unwrap()), &x, estimator.descends().unwrap())
                };
                let at = Array2::from_shape_vec((1, biases.len()), biases.clone()).unwrap();
                let differences = finite_differences::full(&mut loss, &at, H);
                let error = relative_error(&gradient, &differences);
                assert!(error < 1e-7, "{estimator:?}, {} biases: {error:e}", biases.len());
            }
        }
    }
}

#[test]
fn g_dec_is_the_partial_derivative_at_frozen_codes_and_not_the_total_one() {
    let (dictionary, x) = problem(7, 10, 6, 13);
    for device in devices() {
        let x = float64(&x, &device);
        for name in NETWORKS {
            let at = network(name, Sided::Two, 6, Form::Residual, &dictionary, &device);
            let estimate = GDec.estimate(&at, &x);
            let gradient = to_array(&estimate.dictionary_gradient(&at));
            let mut frozen = |d: &Array2<f64>| {
                let losses = Losses::evaluate(&float64(d, &device), &x, &estimate.codes, 0.2);
                to_scalar(&losses.lasso)
            };
            let partial = finite_differences::full(&mut frozen, &dictionary, H);
            assert!(relative_error(&gradient, &partial) < 1e-7, "{name}");
            let mut moving = |d: &Array2<f64>| {
                let network = network(name, Sided::Two, 6, Form::Residual, d, &device);
                total_loss(&network, &x, Loss::Lasso)
            };
            let total = finite_differences::full(&mut moving, &dictionary, H);
            assert!(relative_error(&gradient, &total) > 1e-2, "{name}");
        }
    }
}

#[test]
fn one_random_direction_at_a_large_size() {
    let device = devices().remove(0);
    let (m, p, n) = (200, 300, 10);
    let (truth, _) = problem(m, p, n, 14);
    let mut stream = Stream::new(14, "direction", 0);
    let dictionary = initialisation::perturbed_truth(&truth, 0.05, &mut stream);
    // Sparse codes keep the loss, and with it the rounding of the differences, small.
    let codes = Array2::from_shape_fn((n, p), |(i, j)| f64::from(u8::from(j % 97 == 7 * i)));
    let x = float64(&codes.dot(&truth.t()), &device);
    let random = Array2::from_shape_simple_fn((m, p), || stream.normal());
    for estimator in ["g_ae_lasso", "g_ae_ls"] {
        for form in [Form::Residual, Form::Gram] {
            let at = network("AE", Sided::Two, 50, form, &dictionary, &device);
            let estimator = named(estimator).unwrap();
            let gradient = to_array(&estimator.estimate(&at, &x).dictionary_gradient(&at));
            // A purely random direction is all but orthogonal to the gradient in 60 000 dimensions, and
            // its derivative drowns in rounding: half of it points along the gradient.
            let direction = &random / frobenius(&random) + &gradient / frobenius(&gradient);
            let predicted = (&gradient * &direction).sum();
            let mut loss = |d: &Array2<f64>| {
                let network = network("AE", Sided::Two, 50, form, d, &device);
                total_loss(&network, &x, estimator.descends().unwrap())
            };
            let measured = finite_differences::directional(&mut loss, &dictionary, &direction, H);
            let error = (predicted - measured).abs() / measured.abs();
            assert!(error < 1e-7, "{estimator:?} {form:?}: {error:e}");
        }
    }
}

#[test]
fn the_gradient_at_given_codes_is_a_derivative() {
    let device = Device::flex();
    let (dictionary, x) = problem(5, 8, 4, 15);
    let (_, codes) = problem(1, 8, 1, 16);
    let codes = codes.broadcast((4, 1)).unwrap().dot(&Array2::ones((1, 8)));
    let [x, codes] = [&x, &codes].map(|array| float64(array, &device));
    let gradient = to_array(&gradient_at_codes(&float64(&dictionary, &device), &x, &codes));
    let mut loss = |d: &Array2<f64>| {
        to_scalar(&Losses::evaluate(&float64(d, &device), &x, &codes, 0.2).reconstruction)
    };
    let differences = finite_differences::full(&mut loss, &dictionary, H);
    assert!(relative_error(&gradient, &differences) < 1e-7);
}
