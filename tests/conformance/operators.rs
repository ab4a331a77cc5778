//! Every kind of linear operator under every encoder, proximal operator and estimator: adjoint pairs, the adjoint by
//! hand beside automatic differentiation, and both beside central finite differences.

use burn::module::{Module, ParamId};
use burn::tensor::{Device, Tensor};
use ndarray::Array2;
use unrolled::dictionary::initialisation;
use unrolled::fused::Engine;
use unrolled::gradient::finite_differences::directional;
use unrolled::operator::{Blur, Layers};
use unrolled::prelude::*;
use unrolled::random::Stream;
use unrolled::tensors::{to_array, to_scalar, to_tensor, to_values};

use crate::cases::{self, Case};
use crate::relative;

const FEATURES: usize = 8;
const ATOMS: usize = 12;

fn matrix(name: &str, rows: usize, columns: usize) -> Array2<f64> {
    initialisation::random(rows, columns, &mut Stream::new(3, name, 0))
}

fn float64(array: &Array2<f64>) -> Tensor<2> {
    to_tensor(array, Precision::Float64, &Device::flex())
}

fn dense(array: &Array2<f64>) -> DenseDictionary {
    DenseDictionary::new(float64(array))
}

/// The weights of an inpainting mask.
fn mask() -> Mask {
    let weights: Vec<f64> = (0..FEATURES).map(|i| f64::from(i % 3 != 0)).collect();
    Mask::new(Tensor::from_data(&weights[..], (&Device::flex(), Precision::Float64.dtype())))
}

/// Calls `$check(name, build, ids)` for every operator: `build` makes it from one matrix that is moved.
macro_rules! every_operator {
    ($check:ident) => {
        $check("dense", |d| dense(d), |o: &DenseDictionary| o.matrix.id);
        $check(
            "identity ∘ dense",
            |d| Composition::new(Identity { width: FEATURES }, dense(d)),
            |o: &Composition<_, DenseDictionary>| o.inner.matrix.id,
        );
        $check(
            "mask ∘ dense",
            |d| Composition::new(mask(), dense(d)),
            |o: &Composition<_, DenseDictionary>| o.inner.matrix.id,
        );
        $check(
            "matrix ∘ dense",
            |d| Composition::new(float64(&matrix("measurement", FEATURES, FEATURES)), dense(d)),
            |o: &Composition<_, DenseDictionary>| o.inner.matrix.id,
        );
        $check(
            "dense ∘ matrix",
            |d| {
                Composition::new(
                    dense(&d.slice(ndarray::s![.., ..FEATURES]).to_owned()),
                    float64(&matrix("inner", FEATURES, ATOMS)),
                )
            },
            |o: &Composition<DenseDictionary, _>| o.outer.matrix.id,
        );
        $check(
            "untied, its synthesis",
            |d| Untied::new(dense(d), dense(&near(&matrix("dictionary", FEATURES, ATOMS)))),
            |o: &Untied<DenseDictionary, _>| o.synthesis.matrix.id,
        );
        $check(
            "untied, its analysis",
            |d| Untied::new(dense(&near(&matrix("dictionary", FEATURES, ATOMS))), dense(d)),
            |o: &Untied<DenseDictionary, DenseDictionary>| o.analysis.matrix.id,
        );
        $check(
            "mask ∘ untied, its analysis",
            |d| {
                let synthesis = dense(&near(&matrix("dictionary", FEATURES, ATOMS)));
                Composition::new(mask(), Untied::new(synthesis, dense(d)))
            },
            |o: &Composition<Mask, Untied<DenseDictionary, DenseDictionary>>| {
                o.inner.analysis.matrix.id
            },
        );
        $check(
            "untied by layer, an analysis",
            |d| {
                let off = || dense(&near(&matrix("dictionary", FEATURES, ATOMS)));
                let mut pairs: Vec<_> =
                    (0..cases::ITERATIONS).map(|_| Untied::new(off(), off())).collect();
                pairs[2] = Untied::new(off(), dense(d));
                Layers::untied(off(), pairs)
            },
            |o: &Layers<DenseDictionary>| o.pairs[2].analysis.matrix.id,
        );
        $check(
            "blur ∘ dense",
            |d| {
                let image = [1, 2, FEATURES / 2];
                let blur = Blur::gaussian(0.6, image, Precision::Float64, &Device::flex());
                Composition::new(blur, dense(d))
            },
            |o: &Composition<Blur, DenseDictionary>| o.inner.matrix.id,
        );
        $check("own", |d| Own { scales: scales(d) }, |o: &Own| o.scales.id);
    };
}

/// A matrix a little off.
fn near(d: &Array2<f64>) -> Array2<f64> {
    initialisation::perturbed_truth(d, 0.1, &mut Stream::new(4, "near", 0))
}

/// An operator of a user's: a fixed matrix whose rows are scaled by parameters. It says nothing of derivatives.
#[derive(Module, Debug)]
struct Own {
    scales: burn::module::Param<Tensor<2>>,
}

fn scales(d: &Array2<f64>) -> burn::module::Param<Tensor<2>> {
    burn::module::Param::from_tensor(float64(&d.slice(ndarray::s![..1, ..FEATURES]).to_owned()))
}

impl Own {
    fn rows(&self, like: &Tensor<2>) -> Tensor<2> {
        let fixed = float64(&matrix("own", FEATURES, ATOMS));
        if like.is_autodiff() { fixed.autodiff() } else { fixed }
    }
}

impl Network for Own {}

impl LinearOperator for Own {
    fn shape(&self) -> [usize; 2] {
        [FEATURES, ATOMS]
    }

    fn forward(&self, z: Tensor<2>) -> Tensor<2> {
        let scales = self.scales.val();
        let z = if scales.is_autodiff() && !z.is_autodiff() { z.autodiff() } else { z };
        z.clone().matmul(self.rows(&z).transpose()).mul(scales.add_scalar(1.0))
    }

    fn adjoint(&self, x: Tensor<2>) -> Tensor<2> {
        let scales = self.scales.val();
        let x = if scales.is_autodiff() && !x.is_autodiff() { x.autodiff() } else { x };
        let rows = self.rows(&x);
        x.mul(scales.add_scalar(1.0)).matmul(rows)
    }
}

fn normal(name: &str, rows: usize, columns: usize) -> Array2<f64> {
    let mut stream = Stream::new(3, name, 0);
    Array2::from_shape_simple_fn((rows, columns), || stream.normal())
}

fn inner_product(a: &Tensor<2>, b: &Tensor<2>) -> f64 {
    to_values(a).iter().zip(to_values(b)).map(|(a, b)| a * b).sum()
}

fn adjoint_pair<O: LinearOperator>(
    name: &str,
    build: impl Fn(&Array2<f64>) -> O,
    _: impl Fn(&O) -> ParamId,
) {
    let operator = build(&matrix("dictionary", FEATURES, ATOMS));
    let [m, q] = operator.shape();
    let (z, x) = (float64(&normal("z", 5, q)), float64(&normal("x", 5, m)));
    let pairs = [
        (operator.forward(z.clone()), x.clone(), z.clone(), operator.pull_back_forward(x.clone())),
        (operator.adjoint(x.clone()), z.clone(), x.clone(), operator.pull_back_adjoint(z.clone())),
    ];
    for (image, against, of, back) in pairs {
        let (left, right) = (inner_product(&image, &against), inner_product(&of, &back));
        assert!((left - right).abs() < 1e-12 * left.abs().max(1.0), "{name}: {left} and {right}");
    }
    let norm = operator.spectral_norm_squared(1e-12, &Device::flex(), Precision::Float64);
    if !name.contains("untied") {
        let images = to_array(&operator.forward(float64(&Array2::eye(q))));
        let expected = unrolled::dictionary::spectral_norm_squared(&images.t().to_owned());
        assert!((norm / expected - 1.0).abs() < 1e-8, "{name}: {norm} and {expected}");
    }
}

#[test]
fn operators_and_their_adjoints_are_pairs() {
    every_operator!(adjoint_pair);
}

fn gradients_agree<O: LinearOperator + Network>(
    name: &str,
    build: impl Fn(&Array2<f64>) -> O,
    id: impl Fn(&O) -> ParamId,
) {
    let at = matrix("dictionary", FEATURES, ATOMS);
    let x = float64(&normal("examples", 4, FEATURES));
    let device = Device::flex();
    for case in cases::cases() {
        let network = |d: &Array2<f64>, engine| {
            let encoder = case.encoder(ATOMS, &device, Precision::Float64, engine);
            Autoencoder::new(build(d), encoder)
        };
        let estimator = case.estimator_over::<Autoencoder<AnyEncoder, O>>();
        let place = |what: &str| format!("{name}, {case}: {what}");
        let of = |engine| {
            let network = network(&at, engine);
            let estimate = estimator.estimate(&network, &x);
            let gradient = estimate.gradients.get::<2>(id(&network.dictionary));
            let mut all = vec![to_values(&estimate.codes)];
            all.extend(gradient.as_ref().map(to_values));
            if let unrolled::prox::AnyProx::LearnedSoft(prox) = network.encoder.prox() {
                all.extend(estimate.gradients.get::<1>(prox.bias.id).as_ref().map(to_values));
            }
            if let unrolled::prox::AnyProx::LayeredSoft(prox) = network.encoder.prox() {
                all.extend(estimate.gradients.get::<2>(prox.base.id).as_ref().map(to_values));
                let slope = prox.slope.as_ref().map(|slope| slope.id);
                all.extend(
                    slope.and_then(|id| estimate.gradients.get::<2>(id)).as_ref().map(to_values),
                );
            }
            let step = network.encoder.learned_step();
            all.extend(
                step.and_then(|s| estimate.gradients.get::<1>(s.id)).as_ref().map(to_values),
            );
            (all, gradient)
        };
        let (by_hand, gradient) = of(Engine::Auto);
        let (by_autodiff, _) = of(Engine::Autodiff);
        assert_eq!(by_hand.len(), by_autodiff.len(), "{}", place("how many arrays"));
        for (ours, reference) in by_hand.iter().zip(&by_autodiff) {
            let error = relative(ours, reference);
            assert!(error < 1e-10, "{} {error:e}", place("by hand against automatic"));
        }
        // The total derivative in a random direction; a hard threshold jumps, so it has none.
        if !case.is_total_derivative() {
            continue;
        }
        let mut direction = normal("direction", FEATURES, ATOMS);
        let gradient = to_array(&gradient.expect("the parameter has a gradient"));
        let (rows, columns) = gradient.dim();
        let part = direction.slice(ndarray::s![..rows, ..columns]).to_owned();
        direction.fill(0.0);
        direction.slice_mut(ndarray::s![..rows, ..columns]).assign(&part);
        let mut loss =
            |d: &Array2<f64>| to_scalar(&estimator.estimate(&network(d, Engine::Auto), &x).loss);
        let expected = directional(&mut loss, &at, &direction, 1e-6);
        let ours = (&gradient * &part).sum();
        let error = (ours - expected).abs() / expected.abs().max(1e-2);
        assert!(error < 1e-6, "{} {ours} and {expected}", place("finite differences"));
    }
}

#[test]
fn every_estimator_is_right_over_every_operator() {
    every_operator!(gradients_agree);
}

#[test]
fn a_case_says_whether_it_is_a_total_derivative() {
    let total = cases::cases().iter().filter(|case| Case::is_total_derivative(case)).count();
    assert_eq!(total, 6 * 9 * 2);
}
