//! Convolutional dictionaries against the reference arrays. The reference divides the reconstruction by the number of
//! channels, and the sparsity by that of filters too: its losses are made here from ours.

use burn::module::Param;
use burn::tensor::{Device, Tensor};
use unrolled::dictionary::FilterConstraint;
use unrolled::fused::Engine;
use unrolled::loss::sparsity;
use unrolled::operator::Layers;
use unrolled::prelude::*;
use unrolled::prox::AnyProx;
use unrolled::tensors::{to_array, to_scalar, to_tensor, to_values};

use crate::support::{Fixture, Place, adapter, devices, relative};

const FILTERS: usize = 8;
const SIZE: usize = 5;
const LAMBDA: f64 = 0.12;
const ALPHA: f64 = 0.05;
const T: usize = 5;

/// One reference run.
struct Case {
    tag: &'static str,
    /// Of the batch: examples, channels, height and width.
    images: [usize; 4],
    stride: usize,
    sided: Sided,
}

const CASES: [Case; 11] = [
    Case { tag: "i33/CAE_s1_two", images: [1, 1, 33, 33], stride: 1, sided: Sided::Two },
    Case { tag: "i33/CAE_s1_one", images: [1, 1, 33, 33], stride: 1, sided: Sided::One },
    Case { tag: "i33/CAE_s2_two", images: [1, 1, 33, 33], stride: 2, sided: Sided::Two },
    Case { tag: "i33/CAE_s2_one", images: [1, 1, 33, 33], stride: 2, sided: Sided::One },
    Case { tag: "i17/CAE_s1_two", images: [2, 1, 17, 17], stride: 1, sided: Sided::Two },
    Case { tag: "i17/CAE_s1_one", images: [2, 1, 17, 17], stride: 1, sided: Sided::One },
    Case { tag: "i17/CAE_s2_two", images: [2, 1, 17, 17], stride: 2, sided: Sided::Two },
    Case { tag: "i17/CAE_s2_one", images: [2, 1, 17, 17], stride: 2, sided: Sided::One },
    Case { tag: "i17/CAEhard_s2_two", images: [2, 1, 17, 17], stride: 2, sided: Sided::Two },
    Case { tag: "i17/CAElearnbias_s2_two", images: [2, 1, 17, 17], stride: 2, sided: Sided::Two },
    Case { tag: "c3i17/CAE_s2_two", images: [2, 3, 17, 17], stride: 2, sided: Sided::Two },
];

/// Where and how precisely.
#[derive(Clone)]
struct Setting<'a> {
    fixture: &'a Fixture,
    place: Place,
    precision: Precision,
}

impl Setting<'_> {
    fn tensor<const R: usize>(&self, key: &str, shape: [usize; R]) -> Tensor<R> {
        let device: &Device = &self.place;
        let values: Tensor<1> =
            Tensor::from_data(&self.fixture.values(key)[..], (device, self.precision.dtype()));
        values.reshape(shape)
    }

    fn filters(&self, key: &str, case: &Case) -> ConvolutionalDictionary {
        let [_, channels, height, width] = case.images;
        let filters = self.tensor(key, [FILTERS, channels, SIZE, SIZE]);
        ConvolutionalDictionary::new(filters, [height, width], case.stride)
    }

    fn encoder(&self, case: &Case) -> AnyEncoder {
        let device: &Device = &self.place;
        let number = |value: f64, count: usize| {
            Tensor::<1>::full([count], value, (device, self.precision.dtype()))
        };
        let prox = match case.tag {
            tag if tag.contains("hard") => {
                AnyProx::Hard(HardThreshold::new(0.02, LAMBDA, case.sided))
            }
            tag if tag.contains("learnbias") => {
                let bias = number(ALPHA * LAMBDA, FILTERS);
                AnyProx::LearnedSoft(LearnedSoftThreshold::new(bias, LAMBDA, case.sided))
            }
            _ => AnyProx::Soft(SoftThreshold::new(LAMBDA, case.sided)),
        };
        let mut encoder = Unrolled::ista(prox, ALPHA, T).with_engine(self.place.engine);
        if case.tag.contains("step") {
            encoder.learned_step = Some(Param::from_tensor(number(ALPHA, 1)));
        }
        encoder.into()
    }

    fn denoiser(
        &self,
        case: &Case,
        filters: Layers<ConvolutionalDictionary>,
        split: usize,
    ) -> Denoiser {
        let [_, channels, height, width] = case.images;
        let views = Views {
            image: [channels, height, width],
            filter: [SIZE; 2],
            stride: case.stride,
            border: 0,
            split,
        };
        Denoiser::new(filters, self.encoder(case), views, &Measured::All)
    }

    fn batch(&self, case: &Case) -> Batch {
        let [n, rest @ ..] = case.images;
        let folder = case.tag.split('/').next().unwrap();
        let image = |name: &str| {
            self.tensor(&format!("{folder}/{name}"), [n, rest.iter().product::<usize>()])
        };
        Batch::new(image("x_noisy")).with_target(Some(image("x")))
    }

    fn expect(&self, actual: &[f64], case: &Case, name: &str) {
        let tolerance = if self.precision == Precision::Float64 { 1e-9 } else { 1e-4 };
        let key = format!("{}/{name}", case.tag);
        let error = relative(actual, &self.fixture.values(&key));
        assert!(error <= tolerance, "{key} ({:?}, {:?}): {error:e}", self.precision, self.place);
    }
}

fn settings(fixture: &Fixture) -> Vec<Setting<'_>> {
    let setting = |precision| move |place| Setting { fixture, place, precision };
    let double = devices().into_iter().map(setting(Precision::Float64));
    let single = devices().into_iter().chain(adapter()).map(setting(Precision::Float32));
    double.chain(single).collect()
}

/// The losses of the reference.
#[derive(Clone, Copy)]
enum Reference {
    Reconstruction,
    Lasso,
    MeanSquare,
}

const LOSSES: [(&str, Reference); 3] = [
    ("rec", Reference::Reconstruction),
    ("lasso", Reference::Lasso),
    ("mse", Reference::MeanSquare),
];

impl Reference {
    fn of<N: SparseCoder>(self, [_, c, h, w]: [usize; 4]) -> impl Objective<N> {
        move |network: &N, batch: &Batch, codes: &Tensor<2>| {
            let difference = network.decode(codes.clone()).sub(batch.target().clone());
            let examples = batch.x.dims()[0] as f64;
            let squares = difference.clone().mul(difference).sum().mul_scalar(0.5 / examples);
            match self {
                Self::Reconstruction => squares.mul_scalar(1.0 / c as f64),
                Self::MeanSquare => squares.mul_scalar(2.0 / (c * h * w) as f64),
                Self::Lasso => squares
                    .mul_scalar(1.0 / c as f64)
                    .add(sparsity(codes).mul_scalar(LAMBDA / FILTERS as f64)),
            }
        }
    }
}

/// Codes, reconstruction, losses and the gradients of the network's parameters, by the name that the reference has for
/// each.
fn check<N: SparseCoder<Encoder = AnyEncoder>>(
    setting: &Setting,
    case: &Case,
    network: &N,
    parameters: &[(&str, burn::module::ParamId)],
) {
    let batch = setting.batch(case);
    let mut losses = Vec::new();
    for (name, reference) in LOSSES {
        let estimator = GTruncated { loss: reference.of::<N>(case.images), window: usize::MAX };
        let estimate = estimator.estimate_batch(network, &batch);
        losses.push(to_scalar(&estimate.loss));
        setting.expect(&to_values(&estimate.codes), case, "z");
        setting.expect(&to_values(&network.decode(estimate.codes.clone()).inner()), case, "xhat");
        for (parameter, id) in parameters {
            let gradient = estimate.gradients.get::<4>(*id).expect("filters have a gradient");
            setting.expect(&to_values(&gradient), case, &format!("grad_{name}_{parameter}"));
        }
        if let AnyProx::LearnedSoft(prox) = network.encoder().prox() {
            let gradient = estimate.gradients.get::<1>(prox.bias.id).expect("so has the bias");
            setting.expect(&to_values(&gradient), case, &format!("grad_{name}_b"));
        }
        if let Some(step) = network.encoder().learned_step() {
            let gradient = estimate.gradients.get::<1>(step.id).expect("so has the step");
            setting.expect(&to_values(&gradient), case, &format!("grad_{name}_step"));
        }
    }
    setting.expect(&losses, case, "losses");
}

#[test]
fn codes_losses_and_gradients_are_the_references() {
    let fixture = Fixture::open("conv");
    let step = Case {
        tag: "i17/CAElearnbiasstep_s2_two",
        images: [2, 1, 17, 17],
        stride: 2,
        sided: Sided::Two,
    };
    for setting in settings(&fixture) {
        for case in CASES.iter().chain([&step]) {
            let key = if case.images[1] == 3 { "W3" } else { "W" };
            let network = Autoencoder::new(setting.filters(key, case), setting.encoder(case));
            let id = network.dictionary.filters.id;
            check(&setting, case, &network, &[("W", id)]);
            if setting.fixture.has(&format!("{}/grad_dec_W", case.tag)) {
                // Our own loss: the reference's, times channels.
                let estimate = GDec.estimate_batch(&network, &setting.batch(case));
                let gradient = estimate.gradients.get::<4>(id).unwrap();
                let gradient = gradient.div_scalar(case.images[1] as f64);
                setting.expect(&to_values(&gradient), case, "grad_dec_W");
            }
        }
    }
}

#[test]
fn untied_filters_have_gradients_of_their_own() {
    let fixture = Fixture::open("conv");
    let case = Case {
        tag: "i17/CAElearnbiasuntied_s2_two",
        images: [2, 1, 17, 17],
        stride: 2,
        sided: Sided::Two,
    };
    for setting in settings(&fixture) {
        let [analysis, synthesis, decoder] =
            ["untied_E", "untied_D", "W"].map(|key| setting.filters(key, &case));
        let ids =
            [("E", analysis.filters.id), ("D", synthesis.filters.id), ("W", decoder.filters.id)];
        let filters = Layers::untied(decoder, vec![Untied::new(synthesis, analysis)]);
        check(&setting, &case, &setting.denoiser(&case, filters, 1), &ids);
    }
}

#[test]
fn shifted_copies_are_averaged_as_the_reference_does() {
    let fixture = Fixture::open("conv");
    let case =
        Case { tag: "i17/CAE_s2_split2_two", images: [2, 1, 17, 17], stride: 2, sided: Sided::Two };
    for setting in settings(&fixture) {
        let filters = setting.filters("W", &case);
        let id = filters.filters.id;
        check(&setting, &case, &setting.denoiser(&case, Layers::tied(filters), 2), &[("W", id)]);
    }
}

#[test]
fn filters_are_kept_in_their_set() {
    let fixture = Fixture::open("conv");
    let device = Device::flex();
    let place = Place { device: device.clone(), engine: Engine::Auto };
    let setting = Setting { fixture: &fixture, place, precision: Precision::Float64 };
    let filters = setting.tensor("normalize/in", [4, 3, SIZE, SIZE]);
    let projected = FilterConstraint::UnitSpherePerChannel.project(filters.clone());
    assert!(relative(&to_values(&projected), &fixture.values("normalize/out")) < 1e-14);
    let whole = FilterConstraint::Whole(Constraint::UnitSphere).project(filters);
    let norms = whole.clone().mul(whole).reshape([4, 75]).sum_dim(1);
    assert!(to_values(&norms).iter().all(|norm| (norm - 1.0).abs() < 1e-14));
}

#[test]
fn synthesis_is_the_transpose_of_analysis_for_every_stride_and_size() {
    let device = Device::flex();
    let normal = |name: &str, rows: usize, columns: usize| {
        let mut stream = unrolled::random::Stream::new(5, name, (rows * columns) as u64);
        let array = ndarray::Array2::from_shape_simple_fn((rows, columns), || stream.normal());
        to_tensor(&array, Precision::Float64, &device)
    };
    for (filter, image) in
        [([1, 1], [3, 4]), ([3, 2], [3, 2]), ([2, 3], [7, 9]), ([4, 4], [11, 10])]
    {
        for (stride, channels, atoms) in [(1, 1, 3), (2, 2, 2), (3, 1, 1), (4, 3, 2)] {
            let [height, width] = filter;
            let filters = normal("filters", atoms, channels * height * width);
            let filters = filters.reshape([atoms, channels, height, width]);
            let operator = ConvolutionalDictionary::new(filters, image, stride);
            let [m, q] = operator.shape();
            let (z, x) = (normal("z", 2, q), normal("x", 2, m));
            let inner = |a: &Tensor<2>, b: &Tensor<2>| -> f64 {
                to_values(a).iter().zip(to_values(b)).map(|(a, b)| a * b).sum()
            };
            let (left, right) =
                (inner(&operator.forward(z.clone()), &x), inner(&z, &operator.adjoint(x.clone())));
            let place = format!("filter {filter:?}, image {image:?}, stride {stride}");
            assert!((left - right).abs() < 1e-12 * left.abs().max(1.0), "{place}: {left} {right}");
            // The derivative of ⟨x, D z⟩ in the direction of the filters is the number itself.
            let gradient = operator.weight_gradient(&x, &z).get::<4>(operator.filters.id).unwrap();
            let along = inner(
                &gradient.reshape([1, atoms * channels * height * width]),
                &operator.atom_rows().reshape([1, atoms * channels * height * width]),
            );
            assert!((along - left).abs() < 1e-12 * left.abs().max(1.0), "{place}: {along} {left}");
            let images = to_array(&operator.forward(to_tensor(
                &ndarray::Array2::eye(q),
                Precision::Float64,
                &device,
            )));
            let expected = unrolled::dictionary::spectral_norm_squared(&images.t().to_owned());
            let norm = operator.spectral_norm_squared(1e-12, &device, Precision::Float64);
            assert!((norm / expected - 1.0).abs() < 1e-6, "{place}: {norm} {expected}");
        }
    }
}

#[test]
fn the_published_filters_denoise_as_the_reference_does() {
    let fixture = Fixture::open("trained_denoiser");
    for setting in settings(&fixture) {
        let tolerance = if setting.precision == Precision::Float64 { 1e-9 } else { 1e-4 };
        for (tag, hard) in
            [("g_aels_lamp16", false), ("g_dec_lamp16", false), ("g_aels_htp05", true)]
        {
            let filters = setting.tensor(&format!("{tag}/W"), [64, 1, 9, 9]);
            let views =
                Views { image: [1, 65, 65], filter: [9; 2], stride: 4, border: 0, split: 1 };
            let prox = match hard {
                true => AnyProx::Hard(HardThreshold::new(0.05, 0.16, Sided::Two)),
                false => AnyProx::Soft(SoftThreshold::new(0.16, Sided::Two)),
            };
            let encoder = Unrolled::ista(prox, 0.1, 15).with_engine(setting.place.engine);
            let filters = Layers::tied(ConvolutionalDictionary::new(filters, [65; 2], 4));
            let network = Denoiser::new(filters, encoder, views, &Measured::All);
            let x = setting.tensor("x_noisy", [1, 65 * 65]);
            let codes = network.encode(&x);
            let image = to_values(&network.decode(codes.clone()));
            let errors = [
                relative(&to_values(&codes), &fixture.values(&format!("{tag}/z"))),
                relative(&image, &fixture.values(&format!("{tag}/xhat"))),
            ];
            assert!(
                errors.iter().all(|e| *e <= tolerance),
                "{tag} {:?}: {errors:?}",
                setting.place
            );
            let clean = fixture.values("x");
            let peak = clean.iter().copied().fold(0.0, f64::max);
            let ours = unrolled::metrics::psnr(&image, &clean, peak);
            let expected = fixture.values(&format!("{tag}/psnr"))[0];
            assert!(
                (ours - expected).abs() < 1e-3 * tolerance.sqrt(),
                "{tag}: {ours} and {expected}"
            );
        }
    }
}
