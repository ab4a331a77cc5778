//! The fused kernels against Burn's automatic differentiation, in float64: the same codes, losses and
//! gradients of every parameter, as an estimate and through `loss.backward()`.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use ndarray::Array2;
use proptest::prelude::*;
use unrolled::dictionary::initialisation;
use unrolled::fused::{Engine, at_iterations};
use unrolled::gradient::named;
use unrolled::loss::{Loss, Losses};
use unrolled::prelude::*;
use unrolled::prox::{AnyProx, PenaltySchedule};
use unrolled::random::Stream;
use unrolled::tensors::to_values;

use crate::support::{OF_ANY_CODES, float64, relative};

/// Sparse codes of a dictionary that is close to the one they are encoded with: what the kernels do
/// best, in dense, full and working-set iterations alike.
fn sparse_problem([n, m, p]: [usize; 3], nonzeros: usize, seed: u64) -> [Array2<f64>; 2] {
    let mut stream = Stream::new(seed, "fused", 0);
    let truth = initialisation::random(m, p, &mut stream);
    let mut codes = Array2::zeros((n, p));
    for mut row in codes.rows_mut() {
        for atom in stream.sample_without_replacement(p, nonzeros.min(p)) {
            row[atom] = 1.5 + 0.5 * stream.normal();
        }
    }
    let x = codes.dot(&truth.t());
    [initialisation::perturbed_truth(&truth, 0.03, &mut stream), x]
}

const PROXES: [&str; 6] = ["soft", "decay", "bias", "biases", "hard", "free"];

fn prox(name: &str, sided: Sided, atoms: usize, step: f64, device: &Device) -> AnyProx {
    let learned = |values: Vec<f64>| {
        let bias = Tensor::from_data(&values[..], (device, Precision::Float64.dtype()));
        AnyProx::LearnedSoft(LearnedSoftThreshold::new(bias, 0.2, sided))
    };
    let scheduled = |schedule| AnyProx::Soft(SoftThreshold::scheduled(schedule, sided));
    match name {
        "soft" => scheduled(PenaltySchedule::constant(0.2)),
        "decay" => scheduled(PenaltySchedule::decaying(0.2, 0.9)),
        "free" => scheduled(PenaltySchedule::constant(0.0)),
        "bias" => learned(vec![0.2 * step]),
        "biases" => {
            learned((0..atoms).map(|a| step * (0.1 + 0.2 * (a % 5) as f64 / 5.0)).collect())
        }
        _ => AnyProx::Hard(HardThreshold::new(0.1, 0.2, sided)),
    }
}

#[derive(Clone, Debug)]
struct Setting {
    prox: &'static str,
    sided: Sided,
    form: Form,
    iterations: usize,
    learned_step: bool,
    step: f64,
}

impl Setting {
    fn network(&self, d: &Array2<f64>, engine: Engine) -> Autoencoder<Unrolled<AnyProx>> {
        let device = Device::flex();
        let matrix = float64(d, &device);
        let prox = prox(self.prox, self.sided, d.ncols(), self.step, &device);
        let mut encoder = Unrolled::ista(prox, self.step, self.iterations)
            .with_form(self.form)
            .with_engine(engine);
        if self.learned_step {
            let step = Tensor::full([1], 0.9 * self.step, (&device, matrix.dtype()));
            encoder.learned_step = Some(Param::from_tensor(step));
        }
        Autoencoder::new(DenseDictionary::new(matrix), encoder)
    }

    /// Codes, losses, and every gradient that there is.
    fn estimate(
        &self,
        estimator: &dyn Estimator<Autoencoder<Unrolled<AnyProx>>>,
        [d, x]: &[Array2<f64>; 2],
        engine: Engine,
    ) -> Vec<Vec<f64>> {
        let network = self.network(d, engine);
        assert_eq!(network.encoder.description().is_some(), engine == Engine::Fused);
        let estimate = estimator.estimate(&network, &float64(x, &Device::flex()));
        let mut all = vec![
            to_values(&estimate.codes),
            to_values(&estimate.losses.reconstruction),
            to_values(&estimate.losses.lasso),
            to_values(&estimate.dictionary_gradient(&network)),
        ];
        if let AnyProx::LearnedSoft(prox) = &network.encoder.prox {
            all.extend(estimate.gradients.get::<1>(prox.bias.id).iter().map(to_values));
        }
        if let Some(step) = &network.encoder.learned_step {
            all.extend(estimate.gradients.get::<1>(step.id).iter().map(to_values));
        }
        all
    }

    /// The same through `loss.backward()`, with the gradient of the examples.
    fn backward(&self, [d, x]: &[Array2<f64>; 2], engine: Engine) -> Vec<Vec<f64>> {
        let network = self.network(d, engine).train();
        let dictionary = network.dictionary.matrix.val();
        let x = float64(x, &Device::flex().autodiff()).require_grad();
        let codes = network.encoder.encode(&dictionary, &x);
        // A loss of the codes alone, so that the examples get a gradient through the encoder only.
        let weights = codes.clone().inner().cos();
        let loss = codes.clone().mul(weights.autodiff()).sum();
        let gradients = loss.backward();
        let mut all = vec![
            to_values(&codes),
            to_values(&dictionary.grad(&gradients).unwrap()),
            to_values(&x.grad(&gradients).unwrap()),
        ];
        if let AnyProx::LearnedSoft(prox) = &network.encoder.prox {
            all.push(to_values(&prox.bias.val().grad(&gradients).unwrap()));
        }
        if let Some(step) = &network.encoder.learned_step {
            all.push(to_values(&step.val().grad(&gradients).unwrap()));
        }
        all
    }

    fn compare(&self, problem: &[Array2<f64>; 2]) -> Result<(), String> {
        let window = self.iterations / 3;
        let truncated = GTruncated { loss: Loss::Lasso, window };
        let mut estimators: Vec<Box<dyn Estimator<_>>> =
            OF_ANY_CODES.iter().map(|name| named(name).unwrap()).collect();
        estimators.push(Box::new(truncated));
        let same = |what: &str, a: Vec<Vec<f64>>, b: Vec<Vec<f64>>| {
            assert_eq!(a.len(), b.len(), "{what}");
            for (index, (a, b)) in a.iter().zip(&b).enumerate() {
                let error = relative(a, b);
                if error.is_nan() || error > 1e-10 {
                    return Err(format!("{what}, array {index}, {self:?}: {error:e}"));
                }
            }
            Ok(())
        };
        for estimator in &estimators {
            let [fused, plain] = [Engine::Fused, Engine::Autodiff]
                .map(|engine| self.estimate(&**estimator, problem, engine));
            same(estimator.name(), fused, plain)?;
        }
        // Without an iteration nothing depends on anything.
        if self.iterations == 0 {
            return Ok(());
        }
        let [fused, plain] =
            [Engine::Fused, Engine::Autodiff].map(|engine| self.backward(problem, engine));
        same("backward", fused, plain)
    }
}

#[test]
fn fused_is_autodiff_for_every_operator_side_form_and_parameter() {
    for (sizes, nonzeros, iterations, step) in
        [([70, 20, 40], 3, 40, 0.15), ([5, 60, 200], 4, 60, 0.1)]
    {
        let problem = sparse_problem(sizes, nonzeros, 7);
        for prox in PROXES {
            for sided in [Sided::Two, Sided::One] {
                for form in [Form::Residual, Form::Gram] {
                    for learned_step in [false, true] {
                        let setting = Setting { prox, sided, form, iterations, learned_step, step };
                        setting.compare(&problem).unwrap();
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]
    #[test]
    fn fused_is_autodiff_for_any_shape(
        (n, m, p) in (1usize..90, 1usize..30, 1usize..70),
        nonzeros in 1usize..6,
        prox in 0..PROXES.len(),
        (one, gram, learned_step) in any::<(bool, bool, bool)>(),
        iterations in 0usize..30,
        seed in any::<u64>(),
    ) {
        let setting = Setting {
            prox: PROXES[prox],
            sided: if one { Sided::One } else { Sided::Two },
            form: if gram { Form::Gram } else { Form::Residual },
            iterations,
            learned_step,
            step: 0.7 / (1.0 + (p as f64 / m as f64).sqrt()).powi(2),
        };
        let outcome = setting.compare(&sparse_problem([n, m, p], nonzeros, seed));
        prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    }
}

/// One forward pass for all T gives what every T gives by itself.
#[test]
fn many_iterations_are_every_estimate() {
    let problem = sparse_problem([70, 20, 40], 3, 7);
    let [d, x] = &problem;
    let at = [0, 1, 4, 20, 60];
    let losses = [Loss::LeastSquares, Loss::Lasso];
    for prox in PROXES {
        let of = |iterations, engine| {
            let (sided, form) = (Sided::Two, Form::Gram);
            let setting =
                Setting { prox, sided, form, iterations, learned_step: false, step: 0.15 };
            setting.network(d, engine)
        };
        let longest = of(60, Engine::Fused);
        let x = float64(x, &Device::flex());
        let swept = at_iterations(&longest, &x, &losses, &at).unwrap();
        assert!(at_iterations(&of(60, Engine::Autodiff), &x, &losses, &at).is_none());
        for (iterations, swept) in at.into_iter().zip(&swept) {
            let network = of(iterations, Engine::Autodiff);
            for (name, swept) in ["g_ae_ls", "g_ae_lasso"].into_iter().zip(swept) {
                let estimate = named(name).unwrap().estimate(&network, &x);
                let ours = swept.get::<2>(longest.dictionary.matrix.id).unwrap();
                let theirs = estimate.dictionary_gradient(&network);
                let error = relative(&to_values(&ours), &to_values(&theirs));
                assert!(error < 1e-10, "{prox} {name} T = {iterations}: {error:e}");
                if let (AnyProx::LearnedSoft(ours), AnyProx::LearnedSoft(theirs), true) =
                    (&longest.encoder.prox, &network.encoder.prox, iterations > 0)
                {
                    let ours = swept.get::<1>(ours.bias.id).unwrap();
                    let theirs = estimate.gradients.get::<1>(theirs.bias.id).unwrap();
                    let error = relative(&to_values(&ours), &to_values(&theirs));
                    assert!(error < 1e-10, "{prox} {name} T = {iterations} bias: {error:e}");
                }
            }
        }
    }
}

#[test]
fn views_that_are_not_contiguous_are_read_as_they_are() {
    let device = Device::flex();
    let [d, x] = sparse_problem([6, 8, 12], 2, 3);
    let encoder = Unrolled::ista(SoftThreshold::new(0.2, Sided::Two), 0.15, 20);
    let whole = encoder.encode(&float64(&d, &device), &float64(&x, &device));
    let turned = float64(&d.t().to_owned(), &device).transpose();
    let strided = float64(&x.t().to_owned(), &device).transpose();
    assert_eq!(to_values(&encoder.encode(&turned, &strided)), to_values(&whole));
    let some = encoder.encode(&turned, &strided.slice([2..4, 0..8]));
    let expected = whole.slice([2..4, 0..12]);
    assert!(relative(&to_values(&some), &to_values(&expected)) < 1e-14);
}

#[test]
fn not_a_number_comes_through() {
    let device = Device::flex();
    for (where_, form) in
        [(0, Form::Gram), (0, Form::Residual), (1, Form::Gram), (1, Form::Residual)]
    {
        let mut problem = sparse_problem([4, 8, 12], 2, 3);
        problem[1 - where_][[1, 2]] = f64::NAN;
        let [d, x] = &problem;
        let encoder = Unrolled::ista(SoftThreshold::new(0.2, Sided::Two), 0.15, 20).with_form(form);
        let network = Autoencoder::new(DenseDictionary::new(float64(d, &device)), encoder);
        let estimate = GAeLs.estimate(&network, &float64(x, &device));
        let codes = to_values(&estimate.codes);
        assert!(codes.iter().any(|z| z.is_nan()), "{where_} {form:?}");
        assert!(to_values(&estimate.losses.reconstruction)[0].is_nan());
        assert!(to_values(&estimate.dictionary_gradient(&network)).iter().any(|g| g.is_nan()));
        if where_ == 0 {
            // Other examples are what they are.
            assert!(codes[..12].iter().chain(&codes[24..]).all(|z| z.is_finite()));
        }
    }
}

#[test]
fn losses_are_those_of_the_library() {
    let device = Device::flex();
    let [d, x] = sparse_problem([30, 20, 40], 3, 5).map(|array| float64(&array, &device));
    let encoder = Unrolled::ista(SoftThreshold::new(0.2, Sided::Two), 0.15, 20);
    let network = Autoencoder::new(DenseDictionary::new(d.clone()), encoder);
    let estimate = GAeLasso.estimate(&network, &x);
    let losses = Losses::evaluate(&d, &x, &estimate.codes, 0.2);
    let [ours, theirs] = [&estimate.losses.lasso, &losses.lasso].map(to_values);
    assert!(relative(&ours, &theirs) < 1e-13);
}
