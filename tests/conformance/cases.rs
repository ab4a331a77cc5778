//! What is combined.

use std::fmt;

use burn::module::Param;
use burn::tensor::{Device, Tensor};
use unrolled::encoder::AnyEncoder;
use unrolled::fused::Engine;
use unrolled::gradient::{Estimator, named};
use unrolled::prelude::*;
use unrolled::prox::{AnyProx, LayeredSoftThreshold, PenaltySchedule};

/// Encoders, with the form of their iterations, and whether the step is learned.
pub const ENCODERS: [(&str, Form, bool); 6] = [
    ("ista", Form::Residual, false),
    ("ista", Form::Gram, false),
    ("ista", Form::Residual, true),
    ("ista", Form::Gram, true),
    ("fista", Form::Residual, false),
    ("fista", Form::Gram, false),
];

/// Proximal operators and their sides.
pub const OPERATORS: [(&str, Sided); 11] = [
    ("soft", Sided::Two),
    ("soft", Sided::One),
    ("decaying", Sided::Two),
    ("decaying", Sided::One),
    ("learned", Sided::Two),
    ("learned", Sided::One),
    ("learned by atom", Sided::Two),
    ("layered", Sided::Two),
    ("layered by atom and noise", Sided::One),
    ("hard", Sided::Two),
    ("hard", Sided::One),
];

/// Estimators; a number is the window of a truncated one.
pub const ESTIMATORS: [(&str, Option<usize>); 7] = [
    ("g_dec", None),
    ("g_ae_lasso", None),
    ("g_ae_ls", None),
    ("g_noodl", None),
    ("g_truncated", Some(0)),
    ("g_one_step", Some(1)),
    ("g_truncated", Some(3)),
];

const STEP: f64 = 0.2;
const PENALTY: f64 = 0.2;
pub const ITERATIONS: usize = 7;

/// One combination.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    encoder: (&'static str, Form, bool),
    operator: (&'static str, Sided),
    estimator: (&'static str, Option<usize>),
}

/// All combinations.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for encoder in ENCODERS {
        for operator in OPERATORS {
            cases.extend(ESTIMATORS.map(|estimator| Case { encoder, operator, estimator }));
        }
    }
    cases
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { encoder, operator, estimator } = self;
        write!(f, "{encoder:?}, {operator:?}, {estimator:?}")
    }
}

impl Case {
    /// The encoder for so many atoms.
    pub fn encoder(
        &self,
        atoms: usize,
        device: &Device,
        precision: Precision,
        engine: Engine,
    ) -> AnyEncoder {
        let (name, sided) = self.operator;
        let target = (device, precision.dtype());
        let learned = |bias| AnyProx::LearnedSoft(LearnedSoftThreshold::new(bias, PENALTY, sided));
        let prox = match name {
            "soft" => AnyProx::Soft(SoftThreshold::new(PENALTY, sided)),
            "decaying" => {
                let schedule = PenaltySchedule::decaying(PENALTY, 0.8);
                AnyProx::Soft(SoftThreshold::scheduled(schedule, sided))
            }
            "learned" => learned(Tensor::full([1], STEP * PENALTY, target)),
            "learned by atom" => {
                let values: Vec<f64> = (0..atoms).map(|j| 0.02 + 0.004 * j as f64).collect();
                learned(unrolled::tensors::vector_to_tensor(&values.into(), precision, device))
            }
            "layered" | "layered by atom and noise" => {
                let count = if name == "layered" { 1 } else { atoms };
                let values = |scale: f64| {
                    let bias = |t: usize, j: usize| scale * (0.02 + 0.002 * (t + j) as f64);
                    let array =
                        ndarray::Array2::from_shape_fn((ITERATIONS, count), |(t, j)| bias(t, j));
                    unrolled::tensors::to_tensor(&array, precision, device)
                };
                let prox = LayeredSoftThreshold::new(values(1.0), PENALTY, sided);
                AnyProx::LayeredSoft(match count {
                    1 => prox,
                    _ => prox.with_slope(values(2.0), 0.3),
                })
            }
            _ => AnyProx::Hard(HardThreshold::new(0.1, PENALTY, sided)),
        };
        let (kind, form, learned_step) = self.encoder;
        let encoder = match kind {
            "fista" => Unrolled::fista(prox, STEP, ITERATIONS),
            _ => Unrolled::ista(prox, STEP, ITERATIONS),
        };
        let mut encoder = encoder.with_form(form).with_engine(engine);
        if learned_step {
            let step = Tensor::full([1], 0.9 * STEP, target);
            encoder.learned_step = Some(Param::from_tensor(step));
        }
        encoder.into()
    }

    /// Whether an iteration is computed in Gram form.
    pub fn is_gram(&self) -> bool {
        self.encoder.1 == Form::Gram
    }

    /// Whether the estimator is the total derivative of its loss, and the loss has one.
    pub fn is_total_derivative(&self) -> bool {
        matches!(self.estimator.0, "g_ae_lasso" | "g_ae_ls") && self.operator.0 != "hard"
    }

    /// The estimator.
    pub fn estimator(&self) -> Box<dyn Estimator<Autoencoder<AnyEncoder>>> {
        self.estimator_over()
    }

    /// The estimator, for networks of some kind.
    pub fn estimator_over<N: SparseCoder>(&self) -> Box<dyn Estimator<N>> {
        match self.estimator {
            (_, Some(window)) => Box::new(GTruncated { loss: Loss::Lasso, window }),
            (name, None) => named(name).expect("the estimator is known"),
        }
    }
}
