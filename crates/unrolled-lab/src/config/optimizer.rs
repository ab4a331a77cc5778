//! `[optimizer]`.

use serde::{Deserialize, Serialize};
use unrolled::optimizer::{Adam, AnyOptimizer, Schedule, Sgd};

use super::reader::Reader;
use super::values::finite;

/// The optimiser and its learning rate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OptimizerConfig {
    kind: &'static str,
    /// η.
    pub learning_rate: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    epsilon: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    beta_1: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    beta_2: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    momentum: Option<f64>,
    weight_decay: f64,
    /// Steps of a linear rise at the start.
    pub warm_up: usize,
    schedule: ScheduleConfig,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum ScheduleConfig {
    Constant,
    Step { every: usize, factor: f64 },
    Cosine { least: f64 },
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct AdamRest {
    learning_rate: f64,
    epsilon: f64,
    beta_1: f64,
    beta_2: f64,
    weight_decay: f64,
    warm_up: usize,
}

impl Default for AdamRest {
    fn default() -> Self {
        let Adam { beta_1, beta_2, epsilon, .. } = Adam::default();
        Self { learning_rate: 1e-3, epsilon, beta_1, beta_2, weight_decay: 0.0, warm_up: 0 }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SgdRest {
    learning_rate: f64,
    momentum: f64,
    weight_decay: f64,
    warm_up: usize,
}

impl Default for SgdRest {
    fn default() -> Self {
        Self { learning_rate: 1e-3, momentum: 0.0, weight_decay: 0.0, warm_up: 0 }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct StepRest {
    every: usize,
    factor: f64,
}

impl Default for StepRest {
    fn default() -> Self {
        Self { every: 100, factor: 0.5 }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CosineRest {
    least: f64,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Nothing {}

const KINDS: [&str; 3] = ["adam", "adamw", "sgd"];

impl OptimizerConfig {
    /// Reads the section and checks it.
    pub fn read(mut reader: Reader) -> Self {
        let problems = reader.problems();
        let kind = KINDS[reader.choice("kind", &KINDS)];
        let mut schedule = reader.table("schedule", "kind");
        let schedule = match schedule.choice("kind", &["constant", "step", "cosine"]) {
            0 => {
                let Nothing {} = schedule.rest();
                ScheduleConfig::Constant
            }
            1 => {
                let StepRest { every, factor } = schedule.rest();
                problems.require(every > 0, "optimizer.schedule.every", || {
                    "`optimizer.schedule.every` is 0; write 1 or more".to_owned()
                });
                finite(problems, "optimizer.schedule.factor", factor, 0.0);
                ScheduleConfig::Step { every, factor }
            }
            _ => {
                let CosineRest { least } = schedule.rest();
                problems.require((0.0..=1.0).contains(&least), "optimizer.schedule.least", || {
                    format!("`optimizer.schedule.least` is {least}; write a fraction from 0 to 1")
                });
                ScheduleConfig::Cosine { least }
            }
        };
        let section = match kind {
            "sgd" => {
                let rest: SgdRest = reader.rest();
                finite(problems, "optimizer.momentum", rest.momentum, 0.0);
                Self {
                    kind,
                    learning_rate: rest.learning_rate,
                    epsilon: None,
                    beta_1: None,
                    beta_2: None,
                    momentum: Some(rest.momentum),
                    weight_decay: rest.weight_decay,
                    warm_up: rest.warm_up,
                    schedule,
                }
            }
            _ => {
                let rest: AdamRest = reader.rest();
                finite(problems, "optimizer.epsilon", rest.epsilon, 0.0);
                for (key, beta) in [("beta_1", rest.beta_1), ("beta_2", rest.beta_2)] {
                    let path = format!("optimizer.{key}");
                    problems.require((0.0..1.0).contains(&beta), &path, || {
                        format!("`{path}` is {beta}; write a number from 0 to below 1")
                    });
                }
                Self {
                    kind,
                    learning_rate: rest.learning_rate,
                    epsilon: Some(rest.epsilon),
                    beta_1: Some(rest.beta_1),
                    beta_2: Some(rest.beta_2),
                    momentum: None,
                    weight_decay: rest.weight_decay,
                    warm_up: rest.warm_up,
                    schedule,
                }
            }
        };
        let rate = section.learning_rate;
        problems.require(rate.is_finite() && rate > 0.0, "optimizer.learning_rate", || {
            format!("`optimizer.learning_rate` is {rate}; write a number above 0")
        });
        finite(problems, "optimizer.weight_decay", section.weight_decay, 0.0);
        section
    }

    /// The optimiser.
    pub fn build(&self) -> AnyOptimizer {
        let weight_decay = self.weight_decay;
        match (self.momentum, self.epsilon, self.beta_1, self.beta_2) {
            (None, Some(epsilon), Some(beta_1), Some(beta_2)) => {
                let decoupled = self.kind == "adamw";
                AnyOptimizer::Adam(Adam { beta_1, beta_2, epsilon, weight_decay, decoupled })
            }
            (momentum, ..) => {
                AnyOptimizer::Sgd(Sgd { momentum: momentum.unwrap_or(0.0), weight_decay })
            }
        }
    }

    /// The rate of step `step`, counted from 1, of `steps`.
    pub fn rate(&self, step: usize, steps: usize) -> f64 {
        let schedule = match self.schedule {
            ScheduleConfig::Constant => Schedule::Constant,
            ScheduleConfig::Step { every, factor } => Schedule::Step { every, factor },
            ScheduleConfig::Cosine { least } => Schedule::Cosine { steps, least },
        };
        self.learning_rate * schedule.factor(step, self.warm_up)
    }
}
