//! FISTA, learned steps and truncated derivatives against finite differences.

use std::ops::ControlFlow;

use burn::module::Param;
use burn::tensor::{Device, Tensor};
use ndarray::Array2;
use unrolled::dictionary::spectral_norm_squared;
use unrolled::gradient::finite_differences;
use unrolled::loss::Losses;
use unrolled::metrics::{duality_gaps, relative_error};
use unrolled::prelude::*;
use unrolled::tensors::{to_array, to_scalar, to_values};

use crate::support::{float64, problem};

fn soft() -> SoftThreshold {
    SoftThreshold::new(0.2, Sided::Two)
}

fn autoencoder<E: Encoder>(dictionary: &Array2<f64>, encoder: E) -> Autoencoder<E> {
    Autoencoder::new(DenseDictionary::new(float64(dictionary, &Device::flex())), encoder)
}

#[test]
fn gradients_through_fista_are_total_derivatives() {
    let (dictionary, x) = problem(7, 10, 6, 31);
    let x = float64(&x, &Device::flex());
    for form in [Form::Residual, Form::Gram] {
        let network =
            |d: &Array2<f64>| autoencoder(d, Unrolled::fista(soft(), 0.15, 6).with_form(form));
        let estimators: [&dyn Estimator<_>; 2] = [&GAeLasso, &GAeLs];
        for estimator in estimators {
            let at = network(&dictionary);
            let gradient = to_array(&estimator.estimate(&at, &x).dictionary_gradient(&at));
            let mut loss = |d: &Array2<f64>| {
                let losses = GDec.estimate(&network(d), &x).losses;
                to_scalar(losses.get(estimator.descends().unwrap()))
            };
            let differences = finite_differences::full(&mut loss, &dictionary, 1e-6);
            let error = relative_error(&gradient, &differences);
            assert!(error < 1e-7, "{estimator:?} {form:?}: {error:e}");
        }
    }
}

#[test]
fn fista_converges_to_the_lasso_faster_than_ista() {
    let (dictionary, x) = problem(10, 15, 8, 32);
    let device = Device::flex();
    let (d, examples) = (float64(&dictionary, &device), float64(&x, &device));
    let gap = |codes: Tensor<2>| {
        let gaps = duality_gaps(&dictionary, &x, &to_array(&codes), 0.2, Sided::Two);
        gaps.into_iter().fold(0.0, f64::max)
    };
    let step = 0.99 / spectral_norm_squared(&to_array(&d));
    let ista = gap(Unrolled::ista(soft(), step, 200).encode(&d, &examples));
    let fista = gap(Unrolled::fista(soft(), step, 200).encode(&d, &examples));
    assert!(fista < 0.5 * ista, "{fista:e} {ista:e}");
    let long = gap(Unrolled::fista(soft(), step, 20_000).encode(&d, &examples));
    assert!(long < 1e-6, "{long:e}");
}

#[test]
fn the_gradient_of_a_learned_step_is_a_total_derivative() {
    let (dictionary, x) = problem(7, 10, 6, 33);
    let device = Device::flex();
    let (x, like) = (float64(&x, &device), float64(&dictionary, &device));
    for form in [Form::Residual, Form::Gram] {
        let network = |step: f64| {
            let mut encoder =
                Unrolled::ista(soft(), 0.2, 6).with_form(form).with_learned_step(&like);
            let value = Tensor::full([1], step, (&device, like.dtype()));
            encoder.learned_step = Some(Param::from_tensor(value));
            autoencoder(&dictionary, encoder)
        };
        let estimators: [&dyn Estimator<_>; 2] = [&GAeLasso, &GAeLs];
        for estimator in estimators {
            let at = network(0.17);
            let estimate = estimator.estimate(&at, &x);
            let id = at.encoder.learned_step.as_ref().unwrap().id;
            let gradient = to_values(&estimate.gradients.get::<1>(id).unwrap())[0];
            let mut loss = |step: &Array2<f64>| {
                let losses = GDec.estimate(&network(step[[0, 0]]), &x).losses;
                to_scalar(losses.get(estimator.descends().unwrap()))
            };
            let at = Array2::from_elem((1, 1), 0.17);
            let difference = finite_differences::full(&mut loss, &at, 1e-6)[[0, 0]];
            let error = (gradient - difference).abs() / difference.abs();
            assert!(error < 1e-7, "{estimator:?} {form:?}: {error:e}");
        }
    }
}

/// The derivative with z_{T − window} held fixed, by finite differences, against the estimator's.
fn check_truncated<E: Encoder>(encoder: E) {
    let device = Device::flex();
    let (dictionary, x) = problem(7, 10, 6, 34);
    let (d, x) = (float64(&dictionary, &device), float64(&x, &device));
    let (iterations, network) = (encoder.iterations(), autoencoder(&dictionary, encoder));
    let gradient = |estimator: &dyn Estimator<Autoencoder<E>>| {
        to_array(&estimator.estimate(&network, &x).dictionary_gradient(&network))
    };
    let mut iterates = vec![float64(&Array2::zeros((6, 10)), &device)];
    network.encoder.unroll(&d, &x, &mut |_, codes| {
        iterates.push(codes.clone());
        ControlFlow::Continue(())
    });
    for window in [0, 1, 3, iterations - 1] {
        let truncated = gradient(&GTruncated { loss: Loss::Lasso, window });
        let fixed = iterations - window;
        let start = [iterates[fixed - 1].clone(), iterates[fixed].clone()];
        let mut loss = |d: &Array2<f64>| {
            let d = float64(d, &device);
            let go_on = &mut |_: usize, _: &Tensor<2>| ControlFlow::Continue(());
            let codes = network.encoder.advance(&d, &x, fixed, Some(start.clone()), go_on);
            to_scalar(&Losses::evaluate(&d, &x, &codes, 0.2).lasso)
        };
        let differences = finite_differences::full(&mut loss, &dictionary, 1e-6);
        let error = relative_error(&truncated, &differences);
        assert!(error < 1e-7, "window {window}: {error:e}");
    }
    let whole = gradient(&GTruncated { loss: Loss::Lasso, window: iterations + 5 });
    assert!(relative_error(&whole, &gradient(&GAeLasso)) < 1e-12);
}

#[test]
fn a_truncated_derivative_holds_the_codes_before_its_window_fixed() {
    check_truncated(Unrolled::ista(soft(), 0.2, 6));
    check_truncated(Unrolled::fista(soft(), 0.15, 6));
}
