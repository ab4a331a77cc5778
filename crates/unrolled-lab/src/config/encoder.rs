//! `[encoder]`.

use burn::module::Param;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use unrolled::encoder::{AnyEncoder, AnyUnrolled, COARSE, Form, Solved, Unrolled, automatic_step};
use unrolled::fused::Engine;
use unrolled::prelude::Precision;
use unrolled::prox::AnyProx;

use super::fit::FitConfig;
use super::prox::ProxConfig;
use super::reader::{Problems, Reader};
use super::values::Step;
use super::{Config, MOST_ITERATIONS};
use crate::Error;

/// The encoder, unrolled or solved.
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
    /// What codes are solved to, of kind "solved".
    #[serde(skip_serializing_if = "Option::is_none")]
    tolerance: Option<f64>,
    /// `fit`.
    #[serde(skip_serializing_if = "FitConfig::is_squared")]
    pub fit: FitConfig,
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

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Iterating {
    iterations: Option<usize>,
    step: Option<Step>,
    learned_step: bool,
    tolerance: Option<f64>,
}

const KINDS: [&str; 3] = ["ista", "fista", "solved"];
const ENGINES: [&str; 3] = ["auto", "fused", "autodiff"];
const FORMS: [&str; 3] = ["auto", "residual", "gram"];

/// T where none is given: unrolled, and the most of a solver.
const ITERATIONS: usize = 100;
const MOST_OF_A_SOLVER: usize = 10_000;

/// Multiplications of a Gram matrix that all blocks of a step share.
const LARGE: usize = 1 << 24;

/// What codes are solved to where nothing is said.
const TOLERANCE: f64 = 1e-10;

impl EncoderConfig {
    /// Reads the section and checks it.
    pub fn read(mut reader: Reader) -> Self {
        let problems = reader.problems();
        let kind = KINDS[reader.choice("kind", &KINDS)];
        let form = FORMS[reader.choice("form", &FORMS)];
        let engine = ENGINES[reader.choice("engine", &ENGINES)];
        let fit = FitConfig::read(reader.table("fit"));
        let prox = ProxConfig::read(reader.table("prox"));
        let Iterating { iterations, step, learned_step, tolerance } = reader.rest();
        let solved = kind == "solved";
        let iterations = iterations.unwrap_or(if solved { MOST_OF_A_SOLVER } else { ITERATIONS });
        let step = step.unwrap_or(if solved { Step::Auto } else { Step::Fixed(0.2) });
        problems.require(solved || tolerance.is_none(), "encoder.tolerance", || {
            format!("`encoder.tolerance` belongs to `kind = \"solved\"`, not \"{kind}\"; remove it")
        });
        let tolerance = solved.then(|| tolerance.unwrap_or(TOLERANCE));
        let in_range = tolerance.is_none_or(|t| t.is_finite() && t > 0.0);
        problems.require(in_range, "encoder.tolerance", || {
            format!("`encoder.tolerance` is {}; write a number above 0", tolerance.unwrap_or(0.0))
        });
        problems.require(iterations <= MOST_ITERATIONS, "encoder.iterations", || {
            format!("`encoder.iterations` is {iterations}; write {MOST_ITERATIONS} or less")
        });
        if let Step::Fixed(step) = step {
            problems.require(step.is_finite() && step > 0.0, "encoder.step", || {
                format!("`encoder.step` is {step}; write a number above 0, or \"auto\"")
            });
        }
        let section =
            Self { kind, iterations, step, learned_step, form, engine, tolerance, fit, prox };
        section.check_engine(problems);
        section.check_solved(problems);
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
        self.engine != "autodiff" && !self.is_solved() && self.prox.is_known_by_hand()
    }

    /// Whether it has Nesterov's momentum.
    pub fn is_fista(&self) -> bool {
        self.kind == "fista"
    }

    /// Whether codes are solved for, to a tolerance.
    pub fn is_solved(&self) -> bool {
        self.kind == "solved"
    }

    /// Whether codes of a matrix are solved for by coordinates, on the CPU.
    pub fn is_by_coordinates(&self) -> bool {
        self.is_solved() && self.fit.is_squared() && self.prox.is_separable()
    }

    /// Whether a block of examples is spread over the threads by what codes it, for a dictionary `[m, p]` where it is a
    /// matrix and codes are held fixed.
    pub fn spreads_blocks(&self, config: &Config, matrix: Option<[usize; 2]>) -> bool {
        let coarse = config.precision == Precision::Float32
            && self.tolerance.is_some_and(|tolerance| tolerance >= COARSE);
        // Else every block has a Gram matrix of its own, which costs less than waking threads.
        let large = matrix.is_some_and(|[m, p]| m * p * p >= LARGE);
        let by_coordinates = config.is_on_cpu() && large && coarse && self.is_by_coordinates();
        by_coordinates || self.uses_kernels(config.device_kind())
    }

    /// Iterations that work is estimated by: a solver seldom makes as many as it may.
    pub fn usual_iterations(&self) -> usize {
        if self.is_solved() { self.iterations.min(ITERATIONS) } else { self.iterations }
    }

    /// Whether the fused kernels compute it on a device of this kind.
    pub fn uses_kernels(&self, device: &str) -> bool {
        self.is_by_hand() && self.kind == "ista" && self.fit.is_squared() && device == "flex"
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
        let what = match (self.kind, self.prox.is_known_by_hand(), self.fit.is_squared()) {
            ("ista", true, true) => return,
            ("ista", false, _) => "this proximal operator".to_owned(),
            ("ista", _, false) => "this `encoder.fit`".to_owned(),
            (kind, ..) => format!("`encoder.kind = \"{kind}\"`"),
        };
        problems.require(self.engine != "fused", "encoder.engine", || {
            format!(
                "`encoder.engine` is \"fused\", but no kernels are written for {what}; write \"auto\" or \
                 \"autodiff\""
            )
        });
    }

    /// What a solver cannot do.
    fn check_solved(&self, problems: &Problems) {
        if !self.is_solved() {
            return;
        }
        problems.require(self.step == Step::Auto, "encoder.step", || {
            "`encoder.step` is of an unrolled encoder, and `kind = \"solved\"` finds its own; remove it".to_owned()
        });
        problems.require(!self.learned_step, "encoder.learned_step", || {
            "`encoder.learned_step` is of an unrolled encoder, and `kind = \"solved\"` has no iterations to learn \
             from; remove it"
                .to_owned()
        });
        problems.require(self.prox.is_constant(), "encoder.prox", || {
            "`encoder.prox` decays or is learned, but what is solved has one penalty; write it without `decay` and \
             `learned`, or choose kind = \"ista\""
                .to_owned()
        });
    }

    /// Refuses what a device computes wrongly.
    pub fn check_device(&self, config: &Config) -> Result<(), Error> {
        let power = matches!(self.fit, FitConfig::Power { .. });
        if !power || config.is_on_cpu() || config.precision == Precision::Float32 {
            return Ok(());
        }
        Err(Error::at(
            "encoder.fit",
            "`encoder.fit` is of kind \"power\", and graphics adapters raise to powers in float32 alone; write \
             `precision = \"float32\"`, or `device = \"flex\"`",
        ))
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
        if let Some(tolerance) = self.tolerance {
            let solved = Solved::new(prox, step, iterations, tolerance);
            return solved.with_fit(self.fit.build()).into();
        }
        let encoder = match self.kind {
            "fista" => Unrolled::fista(prox, step, iterations),
            _ => Unrolled::ista(prox, step, iterations),
        };
        let encoder = encoder.with_fit(self.fit.build());
        let mut encoder: AnyUnrolled = encoder.with_form(form).with_engine(engine);
        if self.learned_step {
            let step = Tensor::full([1], step, (device, precision.dtype()));
            encoder.learned_step = Some(Param::from_tensor(step));
        }
        encoder.into()
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
        if let (AnyEncoder::Unrolled(encoder), AnyEncoder::Unrolled(before)) =
            (&mut encoder, before)
        {
            encoder.learned_step = before.learned_step;
            if let AnyProx::LearnedSoft(_) | AnyProx::LayeredSoft(_) = before.prox {
                encoder.prox = before.prox;
            }
        }
        encoder
    }
}
