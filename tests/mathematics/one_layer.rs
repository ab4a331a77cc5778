//! The one-layer network: its gradients against finite differences and against one iteration of ISTA, its rules where they
//! should rest, its rounding.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use ndarray::{Array2, Axis};
use unrolled::dictionary::initialisation::incoherent;
use unrolled::gradient::finite_differences;
use unrolled::metrics::relative_error;
use unrolled::network::Network;
use unrolled::one_layer::{Activation, OneLayer, Rounding, Rule};
use unrolled::prelude::*;
use unrolled::random::Stream;
use unrolled::tensors::{to_array, to_scalar, to_values};

use crate::support::float64;

fn draw(rows: usize, columns: usize, seed: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, columns), |(i, j)| {
        ((1 + i * columns + j + 31 * seed) as f64 * 12.9898).sin() * 0.8
    })
}

const ACTIVATIONS: [Activation; 5] = [
    Activation::Linear,
    Activation::Relu,
    Activation::Soft(0.2),
    Activation::Hard(0.2),
    Activation::Sign(0.2),
];

#[test]
fn gradients_through_the_codes_are_those_of_finite_differences() {
    let device = Device::flex();
    let x = float64(&draw(9, 4, 1), &device);
    let (weight, dictionary) = (draw(6, 4, 2), draw(4, 6, 3));
    let bias = draw(1, 6, 4) * 0.1;
    let vector = |row: &Array2<f64>| -> Tensor<1> { float64(row, &device).squeeze_dim(0) };
    for activation in &ACTIVATIONS[..4] {
        for own in [false, true] {
            let make = |w: &Array2<f64>, d: &Array2<f64>, b: &Array2<f64>| {
                let network = OneLayer::new(float64(w, &device), *activation).with_bias(vector(b));
                if own { network.with_dictionary(float64(d, &device)) } else { network }
            };
            let at = make(&weight, &dictionary, &bias);
            let estimate = Rule::AeLs.estimate(&at, &x);
            let loss = |network: &OneLayer| to_scalar(&Rule::AeLs.estimate(network, &x).loss);
            let check = |what: &str, found: Array2<f64>, numeric: Array2<f64>| {
                let error = relative_error(&found, &numeric);
                assert!(error < 1e-6, "{what}, {activation:?}, own output {own}: {error:e}");
            };
            let found = to_array(&estimate.gradients.get::<2>(at.weight.id).unwrap());
            let mut of_weight = |w: &Array2<f64>| loss(&make(w, &dictionary, &bias));
            check("W", found, finite_differences::full(&mut of_weight, &weight, 1e-6));
            let of_bias = estimate.gradients.get::<1>(at.bias.as_ref().unwrap().id).unwrap();
            let mut loss_of_bias = |b: &Array2<f64>| loss(&make(&weight, &dictionary, b));
            let numeric = finite_differences::full(&mut loss_of_bias, &bias, 1e-6);
            check("b", to_array(&of_bias.unsqueeze::<2>()), numeric);
            if let Some(of) = &at.dictionary {
                let found = to_array(&estimate.gradients.get::<2>(of.id).unwrap());
                let mut of_dictionary = |d: &Array2<f64>| loss(&make(&weight, d, &bias));
                check("D", found, finite_differences::full(&mut of_dictionary, &dictionary, 1e-6));
            }
        }
    }
}

#[test]
fn tied_it_is_one_iteration_of_ista_with_step_one() {
    let device = Device::flex();
    let x = float64(&draw(9, 4, 5), &device);
    let dictionary = draw(4, 6, 6);
    let one = |activation| OneLayer::new(float64(&dictionary.t().to_owned(), &device), activation);
    let soft = Unrolled::ista(SoftThreshold::new(0.2, Sided::Two), 1.0, 1);
    let hard = Unrolled::ista(HardThreshold::new(0.2, 0.0, Sided::Two), 1.0, 1);
    let dense = || DenseDictionary::new(float64(&dictionary, &device));
    let soft = Autoencoder::new(dense(), soft);
    let hard = Autoencoder::new(dense(), hard);
    for rule in [Rule::Dec, Rule::AeLs, Rule::Noodl] {
        let theirs = |reference: [Option<Tensor<2>>; 2]| reference.map(|g| to_array(&g.unwrap()));
        let name = rule.called();
        let of_soft = unrolled::gradient::named(name).unwrap().estimate(&soft, &x);
        let of_hard = unrolled::gradient::named(name).unwrap().estimate(&hard, &x);
        let expected = theirs([
            Some(of_soft.dictionary_gradient(&soft)),
            Some(of_hard.dictionary_gradient(&hard)),
        ]);
        for (activation, expected) in
            [Activation::Soft(0.2), Activation::Hard(0.2)].into_iter().zip(expected)
        {
            let network = one(activation);
            let estimate = rule.estimate(&network, &x);
            let found = to_array(&estimate.gradients.get::<2>(network.weight.id).unwrap());
            let error = relative_error(&found.t().to_owned(), &expected);
            assert!(error < 1e-12, "{name}, {activation:?}: {error:e}");
        }
    }
}

/// Of every row's gradient, what is left at right angles to the row, relative to the mean size of a code.
fn pull(rule: Rule, examples: usize) -> f64 {
    let device = Device::flex();
    // Not both bases whole: in a tight frame the bias lies along the atom.
    let (m, p, s) = (16, 24, 2);
    let mut stream = Stream::new(7, "one-layer", 0);
    let atoms = incoherent(m, p, &mut stream);
    let mut codes = Array2::zeros((examples, p));
    for mut row in codes.rows_mut() {
        for atom in stream.sample_without_replacement(p, s) {
            row[atom] = stream.sign();
        }
    }
    let x = float64(&codes.dot(&atoms.t()), &device);
    let weight = atoms.t().to_owned();
    let network = OneLayer::new(float64(&weight, &device), Activation::Hard(0.6));
    let gradient = rule.estimate(&network, &x).gradients.get::<2>(network.weight.id).unwrap();
    let gradient = to_array(&gradient);
    let mut left = 0.0f64;
    for (g, a) in gradient.rows().into_iter().zip(weight.rows()) {
        let across = &g - &(&a * g.dot(&a));
        left = left.max(across.dot(&across).sqrt());
    }
    left * p as f64 / s as f64
}

#[test]
fn the_unbiased_rule_rests_at_the_truth_and_the_others_do_not() {
    let [biased, unbiased] = [Rule::Noodl, Rule::Unbiased].map(|rule| pull(rule, 100_000));
    // What is left is what a mean over so many examples scatters by: it halves with four times as many.
    assert!(unbiased < 0.25 * biased, "{unbiased} {biased}");
    assert!(pull(Rule::Unbiased, 25_000) > 1.5 * unbiased, "{unbiased}");
}

#[test]
fn codes_are_what_each_activation_makes_of_scores() {
    let device = Device::flex();
    let weight = float64(&Array2::eye(4), &device);
    let x = float64(&ndarray::array![[0.5, -0.5, 0.2, -0.1]], &device);
    let codes = |activation| to_values(&OneLayer::new(weight.clone(), activation).encode(&x));
    let expected = [
        [0.5, -0.5, 0.2, -0.1],
        [0.5, 0.0, 0.2, 0.0],
        [0.3, -0.3, 0.0, 0.0],
        [0.5, -0.5, 0.0, 0.0],
        [1.0, -1.0, 0.0, 0.0],
    ];
    for (activation, expected) in ACTIVATIONS.into_iter().zip(expected) {
        let found = codes(activation);
        assert!(
            found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15),
            "{activation:?}: {found:?}"
        );
    }
}

#[test]
fn rounding_is_to_the_nearest_number_of_the_format_and_ties_go_to_even() {
    let device = Device::flex();
    let ulp = [2f64.powi(-10), 2f64.powi(-7)];
    for (format, ulp) in [Rounding::Float16, Rounding::BFloat16].into_iter().zip(ulp) {
        assert!((format.unit_roundoff() - ulp / 2.0).abs() < 1e-18);
        let values = [1.0 + 0.49 * ulp, 1.0 + 0.5 * ulp, 1.0 + 1.5 * ulp, -1.0 - 0.51 * ulp, 0.0];
        let row = float64(&Array2::from_shape_vec((1, 5), values.to_vec()).unwrap(), &device);
        let expected = [1.0, 1.0, 1.0 + 2.0 * ulp, -1.0 - ulp, 0.0];
        assert_eq!(to_values(&format.round(row.clone())), expected, "{format:?}");
        assert_eq!(
            to_values(&format.round(row.cast(burn::tensor::DType::F32))),
            expected,
            "{format:?}"
        );
    }
}

#[test]
fn projection_puts_rows_on_the_sphere_and_in_their_format() {
    let device = Device::flex();
    let network = OneLayer::new(float64(&draw(5, 3, 8), &device), Activation::Hard(0.1))
        .with_constraint(Constraint::UnitSphere);
    let rows = to_array(&network.clone().project().weight.val());
    assert!(rows.map_axis(Axis(1), |row| row.dot(&row)).iter().all(|n| (n - 1.0).abs() < 1e-14));
    let kept = network.with_rounding(Some(Rounding::BFloat16)).project().valid();
    let weight = kept.weight.val();
    assert_eq!(to_values(&Rounding::BFloat16.round(weight.clone())), to_values(&weight));
}
