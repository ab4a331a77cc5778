//! What must hold whatever the sizes.

use burn::tensor::Device;
use ndarray::{Array2, Axis, s};
use proptest::prelude::*;
use unrolled::gradient::named;
use unrolled::metrics::relative_error;
use unrolled::prelude::*;
use unrolled::prox::AnyProx;
use unrolled::tensors::to_array;

use crate::support::{NETWORKS, OF_ANY_CODES, float64, problem, prox};

#[derive(Clone, Copy, Debug)]
struct Setting<'a> {
    network: &'a str,
    sided: Sided,
    form: Form,
    iterations: usize,
}

impl Setting<'_> {
    /// Codes and gradient of D for the mean over all examples.
    fn run(&self, estimator: &str, d: &Array2<f64>, x: &Array2<f64>) -> [Array2<f64>; 2] {
        let device = Device::flex();
        let prox: AnyProx = prox(self.network, self.sided, Precision::Float64, &device);
        let encoder = Unrolled::ista(prox, 0.2, self.iterations).with_form(self.form);
        let network = Autoencoder::new(DenseDictionary::new(float64(d, &device)), encoder);
        let estimate = named(estimator).unwrap().estimate(&network, &float64(x, &device));
        let gradient = estimate.dictionary_gradient(&network);
        [to_array(&estimate.codes), to_array(&gradient)]
    }
}

/// Equal up to rounding: a relative error below 10⁻¹⁰, or both zero.
fn same(a: &Array2<f64>, b: &Array2<f64>) -> bool {
    let scale = b.iter().fold(0.0f64, |max, v| max.max(v.abs()));
    a.dim() == b.dim() && (scale == 0.0 && a == b || relative_error(a, b) < 1e-10)
}

fn settings() -> impl Strategy<Value = (Setting<'static>, &'static str)> {
    (0..NETWORKS.len(), any::<bool>(), any::<bool>(), 1usize..12, 0..OF_ANY_CODES.len()).prop_map(
        |(network, one_sided, gram, iterations, estimator)| {
            let setting = Setting {
                network: NETWORKS[network],
                sided: if one_sided { Sided::One } else { Sided::Two },
                form: if gram { Form::Gram } else { Form::Residual },
                iterations,
            };
            (setting, OF_ANY_CODES[estimator])
        },
    )
}

fn sizes() -> impl Strategy<Value = (usize, usize, usize, u64)> {
    (1usize..12, 1usize..16, 1usize..9, any::<u64>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_gram_form_is_the_residual_form(
        (setting, estimator) in settings(), (m, p, n, seed) in sizes(),
    ) {
        let (d, x) = problem(m, p, n, seed);
        let [residual, gram] = [Form::Residual, Form::Gram]
            .map(|form| Setting { form, ..setting }.run(estimator, &d, &x));
        prop_assert!(same(&residual[0], &gram[0]) && same(&residual[1], &gram[1]));
    }

    #[test]
    fn blocks_of_examples_change_nothing(
        (setting, estimator) in settings(), (m, p, n, seed) in sizes(), at in 0.0..1.0,
    ) {
        let (d, x) = problem(m, p, n + 1, seed);
        let cut = 1 + (at * n as f64) as usize;
        let [codes, gradient] = setting.run(estimator, &d, &x);
        let mut mean = Array2::zeros(d.dim());
        for range in [0..cut, cut..n + 1].into_iter().filter(|range| !range.is_empty()) {
            let part = x.slice(s![range.clone(), ..]).to_owned();
            let [z, g] = setting.run(estimator, &d, &part);
            prop_assert!(same(&z, &codes.slice(s![range, ..]).to_owned()));
            mean += &(g * (part.nrows() as f64 / (n + 1) as f64));
        }
        prop_assert!(same(&mean, &gradient));
    }

    #[test]
    fn permuting_atoms_permutes_codes_and_gradients(
        (setting, estimator) in settings(), (m, p, n, seed) in sizes(),
    ) {
        let (d, x) = problem(m, p, n, seed);
        let order = unrolled::random::Stream::new(seed, "order", 0).sample_without_replacement(p, p);
        let [codes, gradient] = setting.run(estimator, &d, &x);
        let [permuted_codes, permuted] = setting.run(estimator, &d.select(Axis(1), &order), &x);
        prop_assert!(same(&permuted_codes, &codes.select(Axis(1), &order)));
        prop_assert!(same(&permuted, &gradient.select(Axis(1), &order)));
    }

    #[test]
    fn flipping_atoms_flips_codes_and_gradients_where_two_sided(
        (setting, estimator) in settings(), (m, p, n, seed) in sizes(), flips in any::<u16>(),
    ) {
        let setting = Setting { sided: Sided::Two, ..setting };
        let (d, x) = problem(m, p, n, seed);
        let signs = Array2::from_shape_fn((1, p), |(_, j)| if flips >> j & 1 == 1 { -1.0 } else { 1.0 });
        let [codes, gradient] = setting.run(estimator, &d, &x);
        let [flipped_codes, flipped] = setting.run(estimator, &(&d * &signs), &x);
        prop_assert!(same(&flipped_codes, &(codes * &signs)));
        prop_assert!(same(&flipped, &(gradient * &signs)));
    }

    #[test]
    fn one_sided_codes_are_never_negative(
        (setting, estimator) in settings(), (m, p, n, seed) in sizes(),
    ) {
        let (d, x) = problem(m, p, n, seed);
        let [codes, _] = Setting { sided: Sided::One, ..setting }.run(estimator, &d, &x);
        prop_assert!(codes.iter().all(|v| *v >= 0.0));
    }
}
