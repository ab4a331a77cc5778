//! `[encoder]`.

use burn::module::Param;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use unrolled::encoder::{AnyEncoder, Form, Unrolled, automatic_step};
use unrolled::fused::Engine;
use unrolled::prelude::{HardThreshold, LearnedSoftThreshold, Precision, Sided, SoftThreshold};
use unrolled::prox::{AnyProx, LayeredSoftThreshold, PenaltySchedule};

use super::MOST_ITERATIONS;
use super::reader::{Problems, Reader};
use super::values::{Step, finite};

/// The unrolled encoder.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EncoderConfig {
    kind: &'static str,
    /// T.
    pub iterations: usize,
    /// α.
    pub step: Step,
    /// Whether the step of the gradient step is a parameter.
    pub learned_step: bool,
    form: &'static str,
    engine: &'static str,
    /// `prox`.
    pub prox: ProxConfig,
}

/// What a run settles beside the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Unrolling {
    /// T.
    pub iterations: usize,
    /// α.
    pub step: f64,
    /// The step of training, counted from 1; 0 without training.
    pub train_step: usize,
    /// How an iteration is computed.
    pub form: Form,
    /// σ of the examples, where biases may depend on it.
    pub noise: Option<f64>,
}

/// The proximal operator.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ProxConfig {
    /// Soft threshold.
    Soft {
        /// λ.
        penalty: f64,
        /// "two" or "one".
        sided: &'static str,
        /// β, for a penalty λ βᵗ.
        #[serde(skip_serializing_if = "Option::is_none")]
        decay: Option<Decay>,
        /// Whether the bias is a parameter: one, or one for each atom.
        #[serde(skip_serializing_if = "Learned::is_no")]
        learned: Learned,
        /// Whether every iteration has a bias of its own.
        #[serde(skip_serializing_if = "is_false")]
        by_iteration: bool,
        /// Whether the bias is affine in the noise level.
        #[serde(skip_serializing_if = "is_false")]
        by_noise: bool,
    },
    /// Hard threshold.
    Hard {
        /// λ of the lasso loss.
        penalty: f64,
        /// "two" or "one".
        sided: &'static str,
        /// θ.
        threshold: f64,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// `decay`: a number, or one that falls as training goes on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Decay {
    /// β.
    Fixed(f64),
    /// β = start − fall · ⌊step / every⌋ at training step 1, 2, …
    Falling {
        /// β at the start.
        start: f64,
        /// By how much it falls.
        fall: f64,
        /// After how many steps it falls.
        every: usize,
    },
}

impl Decay {
    /// β at a training step, counted from 1; 0 stands for no training.
    pub fn at(self, step: usize) -> f64 {
        match self {
            Self::Fixed(decay) => decay,
            Self::Falling { start, fall, every } => (start - fall * (step / every) as f64).max(0.0),
        }
    }

    fn is_valid(self) -> bool {
        let in_range = |decay: f64| decay > 0.0 && decay <= 1.0;
        match self {
            Self::Fixed(decay) => in_range(decay),
            Self::Falling { start, fall, every } => {
                in_range(start) && (0.0..=1.0).contains(&fall) && every > 0
            }
        }
    }
}

/// `learned`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Learned {
    /// false.
    #[default]
    No,
    /// true: one bias for all atoms.
    One,
    /// "per-atom".
    PerAtom,
}

impl Learned {
    fn is_no(&self) -> bool {
        *self == Self::No
    }
}

impl Serialize for Learned {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::No => serializer.serialize_bool(false),
            Self::One => serializer.serialize_bool(true),
            Self::PerAtom => serializer.serialize_str("per-atom"),
        }
    }
}

impl<'de> Deserialize<'de> for Learned {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Found;
        impl serde::de::Visitor<'_> for Found {
            type Value = Learned;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("true, false or \"per-atom\"")
            }

            fn visit_bool<E>(self, learned: bool) -> Result<Learned, E> {
                Ok(if learned { Learned::One } else { Learned::No })
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Learned, E> {
                match text {
                    "per-atom" => Ok(Learned::PerAtom),
                    other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
                }
            }
        }
        deserializer.deserialize_any(Found)
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Iterating {
    iterations: usize,
    step: Step,
    learned_step: bool,
}

impl Default for Iterating {
    fn default() -> Self {
        Self { iterations: 100, step: Step::Fixed(0.2), learned_step: false }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Soft {
    penalty: f64,
    decay: Option<Decay>,
    learned: Learned,
    by_iteration: bool,
    by_noise: bool,
}

impl Default for Soft {
    fn default() -> Self {
        Self {
            penalty: 0.2,
            decay: None,
            learned: Learned::No,
            by_iteration: false,
            by_noise: false,
        }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Hard {
    penalty: f64,
    threshold: f64,
}

impl Default for Hard {
    fn default() -> Self {
        Self { penalty: 0.2, threshold: 0.1 }
    }
}

const KINDS: [&str; 2] = ["ista", "fista"];
const SIDES: [&str; 2] = ["two", "one"];
const ENGINES: [&str; 3] = ["auto", "fused", "autodiff"];
const FORMS: [&str; 3] = ["auto", "residual", "gram"];

impl EncoderConfig {
    /// Reads the section and checks it.
    pub fn read(mut reader: Reader) -> Self {
        let problems = reader.problems();
        let kind = KINDS[reader.choice("kind", &KINDS)];
        let form = FORMS[reader.choice("form", &FORMS)];
        let engine = ENGINES[reader.choice("engine", &ENGINES)];
        let prox = ProxConfig::read(reader.table("prox"));
        let Iterating { iterations, step, learned_step } = reader.rest();
        problems.require(iterations <= MOST_ITERATIONS, "encoder.iterations", || {
            format!("`encoder.iterations` is {iterations}; write {MOST_ITERATIONS} or less")
        });
        if let Step::Fixed(step) = step {
            problems.require(step.is_finite() && step > 0.0, "encoder.step", || {
                format!("`encoder.step` is {step}; write a number above 0, or \"auto\"")
            });
        }
        let section = Self { kind, iterations, step, learned_step, form, engine, prox };
        section.check_engine(problems);
        section
    }

    /// α for a dictionary with this ‖D⁰‖².
    pub fn step_for(&self, spectral_norm_squared: f64) -> f64 {
        match self.step {
            Step::Fixed(step) => step,
            Step::Auto => automatic_step(spectral_norm_squared),
        }
    }

    /// Whether gradients through its iterations are taken by hand: by the fused kernels on the CPU, as
    /// operations on tensors elsewhere.
    pub fn is_by_hand(&self) -> bool {
        self.engine != "autodiff"
    }

    /// Whether the fused kernels compute it on a device of this kind.
    pub fn uses_kernels(&self, device: &str) -> bool {
        self.is_by_hand() && self.kind == "ista" && device == "flex"
    }

    /// Who computes it on a device of this kind, as results name it.
    pub fn engine(&self, device: &str) -> &'static str {
        match (self.is_by_hand(), self.uses_kernels(device)) {
            (false, _) => "autodiff",
            (true, true) => "fused",
            (true, false) => "adjoint",
        }
    }

    /// What is wrong with `engine`.
    fn check_engine(&self, problems: &Problems) {
        problems.require(self.engine != "fused" || self.kind == "ista", "encoder.engine", || {
            format!(
                "`encoder.engine` is \"fused\", but no kernels are written for `encoder.kind = \"{}\"`; write \
                 \"auto\" or \"autodiff\"",
                self.kind
            )
        });
    }

    /// The form for `examples` examples of these sizes at a time.
    pub fn form_for(
        &self,
        device: &str,
        features: usize,
        atoms: usize,
        iterations: usize,
        examples: usize,
    ) -> Form {
        match self.form {
            "residual" => Form::Residual,
            "gram" => Form::Gram,
            _ if self.uses_kernels(device) => {
                Form::cheapest_fused(features, atoms, iterations, examples)
            }
            _ => Form::cheapest(features, atoms, iterations, examples),
        }
    }

    /// The encoder for a dictionary of `atoms` atoms on a device.
    pub fn build(
        &self,
        unrolling: Unrolling,
        atoms: usize,
        precision: Precision,
        device: &Device,
    ) -> AnyEncoder {
        let Unrolling { iterations, step, form, .. } = unrolling;
        let prox = self.prox.build(unrolling, atoms, precision, device);
        let engine = match self.engine {
            "fused" => Engine::Fused,
            "autodiff" => Engine::Autodiff,
            _ => Engine::Auto,
        };
        let encoder = match self.kind {
            "fista" => Unrolled::fista(prox, step, iterations),
            _ => Unrolled::ista(prox, step, iterations),
        };
        let mut encoder = encoder.with_form(form).with_engine(engine);
        if self.learned_step {
            let step = Tensor::full([1], step, (device, precision.dtype()));
            encoder.learned_step = Some(Param::from_tensor(step));
        }
        encoder
    }
}

impl EncoderConfig {
    /// As [`Self::build`], with the parameters that `before` has learned.
    pub fn rebuild(
        &self,
        unrolling: Unrolling,
        atoms: usize,
        precision: Precision,
        device: &Device,
        before: AnyEncoder,
    ) -> AnyEncoder {
        let mut encoder = self.build(unrolling, atoms, precision, device);
        encoder.learned_step = before.learned_step;
        if let AnyProx::LearnedSoft(_) | AnyProx::LayeredSoft(_) = before.prox {
            encoder.prox = before.prox;
        }
        encoder
    }
}

impl ProxConfig {
    fn read(mut reader: Reader) -> Self {
        let problems = reader.problems();
        let kind = reader.choice("kind", &["soft", "hard"]);
        let sided = SIDES[reader.choice("sided", &SIDES)];
        let prox = match kind {
            0 => {
                let Soft { penalty, decay, learned, by_iteration, by_noise } = reader.rest();
                let apart = by_iteration || by_noise;
                problems.require(decay.is_none_or(Decay::is_valid), "encoder.prox.decay", || {
                    "`encoder.prox.decay` is out of range; write a number above 0, at most 1, or \
                     { start = 1.0, fall = 0.005, every = 100 }"
                        .to_owned()
                });
                problems.require(
                    decay.is_none() || learned == Learned::No,
                    "encoder.prox.learned",
                    || "`encoder.prox` has both `decay` and `learned`; keep one of them".to_owned(),
                );
                problems.require(!apart || learned != Learned::No, "encoder.prox.learned", || {
                    "`encoder.prox.by_iteration` and `by_noise` are of biases that are learned; set \
                     `learned = true` or \"per-atom\""
                        .to_owned()
                });
                Self::Soft { penalty, sided, decay, learned, by_iteration, by_noise }
            }
            _ => {
                let Hard { penalty, threshold } = reader.rest();
                finite(problems, "encoder.prox.threshold", threshold, 0.0);
                Self::Hard { penalty, sided, threshold }
            }
        };
        finite(problems, "encoder.prox.penalty", prox.penalty(), 0.0);
        prox
    }

    /// λ.
    pub fn penalty(&self) -> f64 {
        match self {
            Self::Soft { penalty, .. } | Self::Hard { penalty, .. } => *penalty,
        }
    }

    /// Whether the bias is a parameter.
    pub fn is_learned(&self) -> bool {
        matches!(self, Self::Soft { learned: Learned::One | Learned::PerAtom, .. })
    }

    /// Whether every iteration has a bias of its own.
    pub fn is_by_iteration(&self) -> bool {
        matches!(self, Self::Soft { by_iteration: true, .. })
    }

    /// Refuses biases by noise level where examples have none.
    pub fn check_without_noise(&self, problems: &Problems) {
        let by_noise = matches!(self, Self::Soft { by_noise: true, .. });
        problems.require(!by_noise, "encoder.prox.by_noise", || {
            "`encoder.prox.by_noise` needs examples whose noise level is known; remove it, or use \
             `experiment = \"denoise\"`"
                .to_owned()
        });
    }

    /// Which signs the codes may have.
    pub fn sided(&self) -> Sided {
        match self {
            Self::Soft { sided, .. } | Self::Hard { sided, .. } if *sided == "one" => Sided::One,
            _ => Sided::Two,
        }
    }

    fn build(
        &self,
        Unrolling { iterations, step, train_step, noise, .. }: Unrolling,
        atoms: usize,
        precision: Precision,
        device: &Device,
    ) -> AnyProx {
        let sided = self.sided();
        match *self {
            Self::Hard { penalty, threshold, .. } => {
                AnyProx::Hard(HardThreshold::new(threshold, penalty, sided))
            }
            Self::Soft { penalty, decay, learned: Learned::No, .. } => {
                let schedule =
                    PenaltySchedule::decaying(penalty, decay.map_or(1.0, |d| d.at(train_step)));
                AnyProx::Soft(SoftThreshold::scheduled(schedule, sided))
            }
            Self::Soft { penalty, learned, by_iteration, by_noise, .. }
                if by_iteration || by_noise =>
            {
                let count = if learned == Learned::One { 1 } else { atoms };
                let layers = if by_iteration { iterations.max(1) } else { 1 };
                let full =
                    |value: f64| Tensor::full([layers, count], value, (device, precision.dtype()));
                let bias = step * penalty;
                // All of it grows with the noise at first: at the noise of the examples it is α λ.
                AnyProx::LayeredSoft(match noise.filter(|noise| by_noise && *noise > 0.0) {
                    None => LayeredSoftThreshold::new(full(bias), penalty, sided),
                    Some(noise) => LayeredSoftThreshold::new(full(0.0), penalty, sided)
                        .with_slope(full(bias / noise), noise),
                })
            }
            Self::Soft { penalty, learned, .. } => {
                let count = if learned == Learned::One { 1 } else { atoms };
                let bias = Tensor::full([count], step * penalty, (device, precision.dtype()));
                AnyProx::LearnedSoft(LearnedSoftThreshold::new(bias, penalty, sided))
            }
        }
    }
}
