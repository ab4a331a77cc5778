//! Kinks, closed forms and degenerate sizes.

use burn::module::Param;
use burn::tensor::{Device, Tensor};
use ndarray::{Array2, array};
use unrolled::dictionary::initialisation;
use unrolled::gradient::named;
use unrolled::metrics::relative_error;
use unrolled::prelude::*;
use unrolled::random::Stream;
use unrolled::tensors::{to_array, to_values};

use crate::support::{devices, float64, problem};

/// The value of an operator and its derivative, entry by entry.
fn value_and_slope(prox: &impl ProximalOperator, v: &[f64], device: &Device) -> [Vec<f64>; 2] {
    let dtype = Precision::Float64.dtype();
    let v = Tensor::<1>::from_data(v, (device, dtype)).autodiff().require_grad();
    let value = prox.apply(v.clone().reshape([1, -1]), 0.5, 0);
    let slope = v.grad(&value.clone().sum().backward()).unwrap();
    [to_values(&value), to_values(&slope)]
}

#[test]
fn exact_values_at_the_kinks() {
    for device in devices() {
        // α λ = 0.5 · 0.5, exact in binary.
        let v = [-0.5, -0.25, -0.125, 0.0, 0.125, 0.25, 0.5];
        let [value, slope] = value_and_slope(&SoftThreshold::new(0.5, Sided::Two), &v, &device);
        assert_eq!(value, [-0.25, 0.0, 0.0, 0.0, 0.0, 0.0, 0.25]);
        assert_eq!(slope, [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        let [value, slope] = value_and_slope(&SoftThreshold::new(0.5, Sided::One), &v, &device);
        assert_eq!(value, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.25]);
        assert_eq!(slope, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        let hard = HardThreshold::new(0.25, 0.5, Sided::Two);
        let [value, slope] = value_and_slope(&hard, &v, &device);
        assert_eq!(value, [-0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5]);
        assert_eq!(slope, [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        let hard = HardThreshold::new(0.25, 0.5, Sided::One);
        let [value, slope] = value_and_slope(&hard, &v, &device);
        assert_eq!(value, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5]);
        assert_eq!(slope, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    }
}

#[test]
fn without_a_penalty_the_soft_threshold_is_the_identity_but_for_its_slope_at_zero() {
    let [value, slope] =
        value_and_slope(&SoftThreshold::new(0.0, Sided::Two), &[-1.0, 0.0, 2.0], &Device::flex());
    assert_eq!(value, [-1.0, 0.0, 2.0]);
    assert_eq!(slope, [1.0, 0.0, 1.0]);
}

#[test]
fn not_a_number_is_never_thresholded_away() {
    for device in devices() {
        let v = [f64::NAN, 1.0];
        for sided in [Sided::Two, Sided::One] {
            let [soft, _] = value_and_slope(&SoftThreshold::new(0.5, sided), &v, &device);
            let [hard, _] = value_and_slope(&HardThreshold::new(0.5, 0.5, sided), &v, &device);
            let bias = Tensor::from_data([0.25], (&*device, Precision::Float64.dtype()));
            let learned = LearnedSoftThreshold::new(bias, 0.5, sided);
            let [learned, _] = value_and_slope(&learned, &v, &device);
            assert!(soft[0].is_nan() && hard[0].is_nan() && learned[0].is_nan(), "{sided:?}");
        }
    }
}

#[test]
fn a_learned_bias_is_kept_non_negative() {
    let device = Device::flex();
    let bias = Tensor::from_data([-0.1, 0.2], &device);
    for trained in [false, true] {
        let mut prox = LearnedSoftThreshold::new(bias.clone(), 0.5, Sided::Two);
        if trained {
            prox.bias = Param::from_tensor(bias.clone().autodiff());
        }
        let projected = prox.project();
        assert_eq!(to_values(&projected.bias.val()), [0.0, f64::from(0.2f32)]);
        assert_eq!(projected.bias.val().is_require_grad(), trained);
    }
}

fn estimate(
    dictionary: &Array2<f64>,
    x: &Array2<f64>,
    penalty: f64,
    iterations: usize,
    estimator: &str,
) -> (Array2<f64>, Array2<f64>) {
    let device = Device::flex();
    let encoder = Unrolled::ista(SoftThreshold::new(penalty, Sided::Two), 0.2, iterations);
    let network = Autoencoder::new(DenseDictionary::new(float64(dictionary, &device)), encoder);
    let estimate = named(estimator).unwrap().estimate(&network, &float64(x, &device));
    let gradient = to_array(&estimate.dictionary_gradient(&network));
    (to_array(&estimate.codes), gradient)
}

#[test]
fn without_iterations_the_codes_and_every_gradient_are_zero() {
    let (dictionary, x) = problem(4, 6, 3, 21);
    for estimator in unrolled::gradient::NAMES {
        let (codes, gradient) = estimate(&dictionary, &x, 0.1, 0, estimator);
        assert_eq!(codes, Array2::<f64>::zeros((3, 6)), "{estimator}");
        assert_eq!(gradient, Array2::<f64>::zeros((4, 6)), "{estimator}");
    }
}

#[test]
fn one_atom_one_example_one_feature_and_fewer_atoms_than_features_work() {
    for (m, p, n) in [(1, 1, 1), (5, 1, 3), (1, 4, 2), (8, 3, 4), (3, 8, 1)] {
        let (dictionary, x) = problem(m, p, n, 22);
        for estimator in unrolled::gradient::NAMES {
            if estimator == "g_implicit" && p > m {
                // More atoms in use than features: the system is singular, which is said.
                continue;
            }
            let (codes, gradient) = estimate(&dictionary, &x, 0.01, 5, estimator);
            assert_eq!((codes.dim(), gradient.dim()), ((n, p), (m, p)));
            assert!(codes.iter().chain(&gradient).all(|v| v.is_finite()));
        }
    }
}

#[test]
fn a_penalty_beyond_lambda_max_leaves_no_code() {
    let (dictionary, x) = problem(6, 9, 5, 23);
    let largest = x.dot(&dictionary).iter().fold(0.0f64, |max, v| max.max(v.abs()));
    let (codes, _) = estimate(&dictionary, &x, largest, 50, "g_dec");
    assert_eq!(codes, Array2::<f64>::zeros((5, 9)));
    let (codes, _) = estimate(&dictionary, &x, 0.99 * largest, 50, "g_dec");
    assert!(codes.iter().any(|v| *v != 0.0));
}

#[test]
fn an_orthonormal_dictionary_gives_the_closed_form() {
    // With DᵀD = I and α = 1, one iteration is the lasso's solution: soft(Dᵀx, λ).
    let (c, s) = (0.8, 0.6);
    let dictionary = array![[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]];
    let x = array![[1.0, 0.5, -0.05], [-2.0, 0.3, 0.7]];
    let device = Device::flex();
    let expected = x.dot(&dictionary).mapv(|v: f64| v.signum() * (v.abs() - 0.1).max(0.0));
    for iterations in [1, 2, 10] {
        let encoder = Unrolled::ista(SoftThreshold::new(0.1, Sided::Two), 1.0, iterations);
        let codes = encoder.encode(&float64(&dictionary, &device), &float64(&x, &device));
        assert!(relative_error(&to_array(&codes), &expected) < 1e-14);
    }
}

#[test]
fn g_ae_lasso_tends_to_g_dec_as_the_iterations_grow() {
    let (dictionary, _) = problem(10, 15, 1, 24);
    let mut stream = Stream::new(24, "codes", 0);
    let codes = Array2::from_shape_simple_fn((20, 15), || {
        if stream.uniform() < 0.15 { 1.0 + stream.uniform() } else { 0.0 }
    });
    let truth = initialisation::perturbed_truth(&dictionary, 0.05, &mut stream);
    let x = codes.dot(&truth.t());
    let gap = |iterations| {
        let [lasso, dec] = ["g_ae_lasso", "g_dec"]
            .map(|estimator| estimate(&dictionary, &x, 0.2, iterations, estimator).1);
        relative_error(&lasso, &dec)
    };
    let gaps = [10, 100, 1000, 4000].map(gap);
    assert!(gaps.windows(2).all(|pair| pair[1] < pair[0]), "{gaps:?}");
    assert!(gaps[3] < 1e-6, "{gaps:?}");
}
