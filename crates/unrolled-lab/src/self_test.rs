//! `unrolled devices --self-test`: the user's own proof of every gradient on a device.

use burn::tensor::{Device, Tensor};
use ndarray::Array2;
use unrolled::dictionary::initialisation;
use unrolled::fused::Engine;
use unrolled::gradient::{NAMES, finite_differences, named};
use unrolled::loss::Losses;
use unrolled::metrics::relative_error;
use unrolled::prelude::*;
use unrolled::prox::{AnyProx, PenaltySchedule};
use unrolled::random::Stream;
use unrolled::tensors::{to_scalar, to_tensor, to_values};

use crate::{Error, devices};

/// One line of the proof.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was checked.
    pub what: String,
    /// Relative error.
    pub error: f64,
    /// The most that the precision explains.
    pub tolerance: f64,
}

impl Outcome {
    /// Whether the check passed. Not-a-number does not.
    pub fn passed(&self) -> bool {
        self.error <= self.tolerance
    }
}

const STEP: f64 = 0.2;
const PENALTY: f64 = 0.2;
const ITERATIONS: usize = 6;

/// Checks every gradient on a device: in float64 against central finite differences computed there,
/// and in float32 against float64 on flex. The gradients are those that an experiment would use there, by the fused
/// kernels on flex; what they are held against goes without them.
pub fn run(device: &str) -> Result<Vec<Outcome>, Error> {
    let name = device;
    let device = devices::open(device)?.device;
    let mut outcomes = Vec::new();
    for (prox, sided) in PROXES {
        for form in [Form::Residual, Form::Gram] {
            // g_noodl is the derivative of no loss.
            for estimator in NAMES.into_iter().filter(|name| *name != "g_noodl") {
                let case = Case { prox, sided, form, estimator };
                let label =
                    format!("{estimator:<10}  {prox:<12} {:<9} {}", side(sided), label(form));
                if device.supports_dtype(Precision::Float64.dtype()) {
                    let error = case.against_finite_differences(&device);
                    let what = format!("{label:<44} finite differences, float64");
                    outcomes.push(Outcome { what, error, tolerance: 1e-7 });
                }
                let error = case.against_flex(&device);
                let what = format!("{label:<44} {name} in float32 against flex in float64");
                outcomes.push(Outcome { what, error, tolerance: 1e-4 });
            }
        }
    }
    Ok(outcomes)
}

const PROXES: [(&str, Sided); 6] = [
    ("soft", Sided::Two),
    ("soft", Sided::One),
    ("soft, decay", Sided::Two),
    ("learned bias", Sided::Two),
    ("hard", Sided::Two),
    ("hard", Sided::One),
];

fn side(sided: Sided) -> &'static str {
    match sided {
        Sided::Two => "two-sided",
        Sided::One => "one-sided",
    }
}

fn label(form: Form) -> &'static str {
    match form {
        Form::Residual => "residual",
        Form::Gram => "gram",
    }
}

struct Case {
    prox: &'static str,
    sided: Sided,
    form: Form,
    estimator: &'static str,
}

type Network = Autoencoder<Ista<AnyProx>>;

impl Case {
    /// A small problem: D `[m, p]` and X `[n, m]`.
    fn problem(&self) -> (Array2<f64>, Array2<f64>) {
        let dictionary =
            initialisation::random(8, 12, &mut Stream::new(1, "self-test/dictionary", 0));
        let mut stream = Stream::new(1, "self-test/examples", 0);
        (dictionary, Array2::from_shape_simple_fn((5, 8), || stream.normal()))
    }

    fn network(
        &self,
        d: &Array2<f64>,
        bias: f64,
        precision: Precision,
        device: &Device,
        engine: Engine,
    ) -> Network {
        let prox = match self.prox {
            "soft" => AnyProx::Soft(SoftThreshold::new(PENALTY, self.sided)),
            "soft, decay" => {
                let schedule = PenaltySchedule::decaying(PENALTY, 0.9);
                AnyProx::Soft(SoftThreshold::scheduled(schedule, self.sided))
            }
            "hard" => AnyProx::Hard(HardThreshold::new(0.1, PENALTY, self.sided)),
            _ => {
                let bias = Tensor::full([1], bias, (device, precision.dtype()));
                AnyProx::LearnedSoft(LearnedSoftThreshold::new(bias, PENALTY, self.sided))
            }
        };
        let encoder = Ista::new(prox, STEP, ITERATIONS).with_form(self.form).with_engine(engine);
        Autoencoder::new(DenseDictionary::new(to_tensor(d, precision, device)), encoder)
    }

    /// The gradient of D and, behind it, of the bias.
    fn gradient(
        &self,
        precision: Precision,
        device: &Device,
        engine: Engine,
    ) -> (Array2<f64>, Tensor<2>) {
        let (dictionary, x) = self.problem();
        let network = self.network(&dictionary, STEP * PENALTY, precision, device, engine);
        let estimator = named(self.estimator).expect("the estimator is listed");
        let estimate = estimator.estimate(&network, &to_tensor(&x, precision, device));
        let mut values = to_values(&estimate.dictionary_gradient(&network));
        if let AnyProx::LearnedSoft(prox) = &network.encoder.prox {
            let bias = estimate.gradients.get::<1>(prox.bias.id);
            values.extend(bias.iter().flat_map(to_values));
        }
        let gradient = Array2::from_shape_vec((1, values.len()), values).expect("one row");
        (gradient, estimate.codes)
    }

    fn against_flex(&self, device: &Device) -> f64 {
        let (ours, _) = self.gradient(Precision::Float32, device, Engine::Auto);
        let flex = Device::flex();
        let (reference, _) = self.gradient(Precision::Float64, &flex, Engine::Autodiff);
        relative_error(&ours, &reference)
    }

    fn against_finite_differences(&self, device: &Device) -> f64 {
        let (dictionary, x) = self.problem();
        let x = to_tensor(&x, Precision::Float64, device);
        let (gradient, frozen) = self.gradient(Precision::Float64, device, Engine::Auto);
        let estimator = named::<Ista<AnyProx>>(self.estimator).expect("the estimator is listed");
        let size = dictionary.len();
        // D and the bias as one row of parameters.
        let mut parameters: Vec<f64> = dictionary.iter().copied().collect();
        if gradient.len() > size {
            parameters.push(STEP * PENALTY);
        }
        let at = Array2::from_shape_vec((1, parameters.len()), parameters).expect("one row");
        let mut loss = |parameters: &Array2<f64>| {
            let values: Vec<f64> = parameters.iter().copied().take(size).collect();
            let d = Array2::from_shape_vec(dictionary.dim(), values).expect("the size of D");
            let bias = parameters.iter().nth(size).copied().unwrap_or(STEP * PENALTY);
            let network = self.network(&d, bias, Precision::Float64, device, Engine::Autodiff);
            let codes = match estimator.differentiates_encoder() {
                true => network.encode(&x),
                false => frozen.clone(),
            };
            let losses = Losses::evaluate(&network.dictionary.matrix.val(), &x, &codes, PENALTY);
            to_scalar(losses.get(estimator.descends()))
        };
        let differences = finite_differences::full(&mut loss, &at, 1e-6);
        relative_error(&gradient, &differences)
    }
}

/// The proof as text, and whether all of it passed.
pub fn render(outcomes: &[Outcome]) -> (String, bool) {
    let mut text = String::new();
    for outcome in outcomes {
        let verdict = if outcome.passed() { "ok" } else { "FAILED" };
        text.push_str(&format!("{:<90} {:8.1e}  {verdict}\n", outcome.what, outcome.error));
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.passed()).count();
    text.push_str(&format!("{} checks, {failed} failed\n", outcomes.len()));
    (text, failed == 0)
}
