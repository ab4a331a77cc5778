//! Every gradient on a device: against central finite differences there, and against the CPU.

use std::time::Instant;

use burn::tensor::{Device, Tensor};
use ndarray::Array2;
use unrolled::dictionary::initialisation;
use unrolled::fused::Engine;
use unrolled::gradient::{Estimator, GImplicit, NAMES, finite_differences, named};
use unrolled::loss::{Loss, Losses};
use unrolled::metrics::relative_error;
use unrolled::prelude::*;
use unrolled::prox::{AnyProx, PenaltySchedule};
use unrolled::random::Stream;
use unrolled::tensors::{to_array, to_scalar, to_tensor, to_values};

use super::Outcome;

const STEP: f64 = 0.2;
const PENALTY: f64 = 0.2;
const ITERATIONS: usize = 6;

/// Checks every gradient on a device: where `differences`, in float64 against central finite differences computed
/// there; and codes and gradients in float32 against float64 on flex. The gradients are those that an experiment
/// would use there; what they are held against goes by automatic differentiation.
pub(super) fn check(name: &str, device: &Device, round: &str, differences: bool) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let differences = differences && device.supports_dtype(Precision::Float64.dtype());
    for (prox, sided) in PROXES {
        for form in [Form::Residual, Form::Gram] {
            let case = |estimator| Case { prox, sided, form, estimator };
            let label =
                |what: &str| format!("{what:<10}  {prox:<12} {:<9} {}", side(sided), label(form));
            let against = format!("{name} in float32 against flex in float64{round}");
            let mut add = |what: String, tolerance, check: &dyn Fn() -> f64| {
                let started = Instant::now();
                let error = check();
                let seconds = started.elapsed().as_secs_f64();
                outcomes.push(Outcome { what, error, tolerance, seconds });
            };
            let codes = || case("g_dec").codes_against_flex(device);
            add(format!("{:<44} {against}", label("codes")), 1e-4, &codes);
            for estimator in NAMES {
                let case = case(estimator);
                let label = format!("{:<44}", label(estimator));
                // The others are the derivative of no loss.
                if differences && !["g_noodl", "g_one_step", "g_implicit"].contains(&estimator) {
                    let check = || case.against_finite_differences(device);
                    add(format!("{label} finite differences, float64"), 1e-7, &check);
                }
                add(format!("{label} {against}"), 1e-4, &|| case.against_flex(device));
            }
        }
    }
    outcomes
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

type Network = Autoencoder<Unrolled<AnyProx>>;

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
        let encoder =
            Unrolled::ista(prox, STEP, ITERATIONS).with_form(self.form).with_engine(engine);
        Autoencoder::new(DenseDictionary::new(to_tensor(d, precision, device)), encoder)
    }

    /// Codes of few iterations use more atoms than there are features: a ridge gives every system a solution.
    fn estimator(&self) -> Box<dyn Estimator<Network>> {
        match self.estimator {
            "g_implicit" => {
                Box::new(GImplicit { ridge: 0.1, ..GImplicit::new(Loss::LeastSquares) })
            }
            name => named(name).expect("the estimator is listed"),
        }
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
        let estimator = self.estimator();
        let estimate = estimator.estimate(&network, &to_tensor(&x, precision, device));
        let mut values = to_values(&estimate.dictionary_gradient(&network));
        if let AnyProx::LearnedSoft(prox) = &network.encoder.prox {
            let bias = estimate.gradients.get::<1>(prox.bias.id);
            values.extend(bias.iter().flat_map(to_values));
        }
        let gradient = Array2::from_shape_vec((1, values.len()), values).expect("one row");
        (gradient, estimate.codes)
    }

    fn codes_against_flex(&self, device: &Device) -> f64 {
        let (_, ours) = self.gradient(Precision::Float32, device, Engine::Auto);
        let (_, reference) = self.gradient(Precision::Float64, &Device::flex(), Engine::Autodiff);
        relative_error(&to_array(&ours), &to_array(&reference))
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
        let estimator = self.estimator();
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
            to_scalar(
                losses.get(estimator.descends().expect("a listed estimator has a known loss")),
            )
        };
        let differences = finite_differences::full(&mut loss, &at, 1e-6);
        relative_error(&gradient, &differences)
    }
}
