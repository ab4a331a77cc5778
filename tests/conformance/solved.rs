//! Solved codes and gradients through the solution, and the proximal operators and fits that no kernel knows, on every
//! device: against float64 on flex.

use burn::tensor::{Device, Tensor};
use ndarray::Array2;
use unrolled::dictionary::initialisation;
use unrolled::fit::{AnyFit, Huber, LeastSquares, Power};
use unrolled::gradient::Reach;
use unrolled::prelude::*;
use unrolled::prox::AnyProx;
use unrolled::random::Stream;
use unrolled::tensors::{to_tensor, to_values};

use crate::{relative, say};

const STEP: f64 = 0.2;

fn proxes() -> Vec<(&'static str, AnyProx)> {
    let two = Sided::Two;
    vec![
        ("soft", AnyProx::Soft(SoftThreshold::new(0.3, two))),
        ("soft, one-sided", AnyProx::Soft(SoftThreshold::new(0.3, Sided::One))),
        ("elastic net", AnyProx::ElasticNet(ElasticNet::new(0.3, 0.5, two))),
        ("groups", AnyProx::GroupSoft(GroupSoftThreshold::new(0.4, 3, two))),
        ("largest", AnyProx::TopK(TopK::new(3, 0.2, two))),
    ]
}

fn fits() -> [AnyFit; 3] {
    [
        AnyFit::LeastSquares(LeastSquares),
        AnyFit::Power(Power { exponent: 2.1 }),
        AnyFit::Huber(Huber { delta: 0.4 }),
    ]
}

/// Codes and gradients of an encoder over a matrix and over filters.
fn measure(
    encoder: &AnyEncoder,
    estimator: &str,
    device: &Device,
    precision: Precision,
) -> Vec<Vec<f64>> {
    let mut stream = Stream::new(3, "examples", 0);
    let x = Array2::from_shape_simple_fn((6, 8), || stream.normal());
    let images = Array2::from_shape_simple_fn((2, 49), || stream.normal());
    let [x, images] = [x, images].map(|array| to_tensor(&array, precision, device));
    let random = |m, p| initialisation::random(m, p, &mut Stream::new(3, "dictionary", 0));

    let dictionary = DenseDictionary::new(to_tensor(&random(8, 12), precision, device));
    let dense = Autoencoder::new(dictionary, encoder.clone());
    let found = unrolled::gradient::named(estimator).unwrap().estimate(&dense, &x);
    let mut arrays = vec![to_values(&found.codes), to_values(&found.dictionary_gradient(&dense))];

    let filters = to_tensor(&random(9, 3), precision, device);
    let filters: Tensor<4> = filters.transpose().reshape([3, 1, 3, 3]);
    let filters = ConvolutionalDictionary::new(filters, [7, 7], 2);
    let convolutional = Autoencoder::new(filters, encoder.clone());
    let found = unrolled::gradient::named(estimator).unwrap().estimate(&convolutional, &images);
    let of_filters = found.gradients.get::<4>(convolutional.dictionary.filters.id).unwrap();
    arrays.extend([to_values(&found.codes), to_values(&of_filters)]);
    arrays
}

/// Solved and unrolled, every estimator that serves; `name` is the device's.
pub fn conforms(name: &str, device: &Device) {
    let mut checks = 0;
    for (which, prox) in proxes() {
        for fit in fits() {
            let solved = Solved::new(prox.clone(), STEP, 20_000, 1e-10).with_fit(fit);
            let unrolled = Unrolled::ista(prox.clone(), STEP, 7).with_fit(fit);
            // The k largest of a code may be others after any rounding: unrolled alone, whose steps are few.
            let solves = which != "largest";
            let encoders: [(AnyEncoder, &[&str]); 2] = [
                (unrolled.into(), &["g_dec", "g_ae_lasso", "g_ae_ls"]),
                (solved.into(), if solves { &["g_dec", "g_one_step", "g_implicit"] } else { &[] }),
            ];
            for (encoder, estimators) in encoders {
                for estimator in estimators {
                    let reference =
                        measure(&encoder, estimator, &Device::flex(), Precision::Float64);
                    for (precision, allowed) in
                        [(Precision::Float32, 1e-3), (Precision::Float64, 1e-7)]
                    {
                        // At a solution many residuals of |r|^2.1 are near 0, where its curvature, of |r|^0.1, is that of
                        // float32's rounding.
                        let beyond = matches!(fit, AnyFit::Power(_))
                            && precision == Precision::Float32
                            && ["g_one_step", "g_implicit"].contains(estimator);
                        // Graphics adapters raise to powers in float32 alone: configurations are refused otherwise.
                        let beyond = beyond
                            || matches!(fit, AnyFit::Power(_))
                                && precision == Precision::Float64
                                && !unrolled::tensors::is_on_cpu(device);
                        if beyond || !device.supports_dtype(precision.dtype()) {
                            continue;
                        }
                        let ours = measure(&encoder, estimator, device, precision);
                        for (at, (ours, reference)) in ours.iter().zip(&reference).enumerate() {
                            let error = relative(ours, reference);
                            assert!(
                                error <= allowed,
                                "{name}, {which}, {fit:?}, {estimator}, {precision:?}: array {at} differs by {error:e}"
                            );
                        }
                        checks += 1;
                    }
                }
            }
        }
    }
    let reach = Estimator::<Autoencoder<AnyEncoder>>::reach(&GImplicit::new(Loss::Lasso));
    assert_eq!(reach, Reach::Solution);
    say(&format!("{name}: {checks} combinations of solved codes, penalties and fits agree"));
}
