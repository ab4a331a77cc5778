//! `[train]`.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unrolled::network::SparseCoder;

use super::encoder::EncoderConfig;
use super::estimator::EstimatorConfig;
use super::reader::{Problems, Reader};

/// How a dictionary is learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// The gradient that is descended.
    pub estimator: EstimatorConfig,
    /// Optimiser steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
    /// Passes over the data, in place of `steps`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<usize>,
    /// Examples in a step.
    pub batch_size: BatchSize,
    /// false: the stored order, cycling.
    pub shuffle: bool,
    /// The fraction held out.
    pub validation: f64,
    /// Steps between the costly metrics.
    pub measure_every: usize,
    /// Steps between checkpoints.
    pub checkpoint_every: usize,
    /// Steps, counted from 1, whose dictionary is saved.
    pub save_dictionary_at: Vec<usize>,
    /// Stop when the validation loss has not fallen in so many measurements.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stop: Option<usize>,
    /// The most that the norm of a gradient may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f64>,
    /// What to do with atoms that no code uses.
    pub dead_atoms: DeadAtoms,
    /// The relative duality gap to which codes are solved for the objective, where that is measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objective_gap: Option<f64>,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            estimator: EstimatorConfig::Named("g_ae_ls".to_owned()),
            steps: None,
            epochs: None,
            batch_size: BatchSize::Count(50),
            shuffle: true,
            validation: 0.0,
            measure_every: 50,
            checkpoint_every: 500,
            save_dictionary_at: Vec::new(),
            early_stop: None,
            clip_norm: None,
            dead_atoms: DeadAtoms::Keep,
            objective_gap: None,
        }
    }
}

/// Steps where neither `steps` nor `epochs` is given.
const DEFAULT_STEPS: usize = 1000;

/// More steps than this are taken for a mistake: some thirty years of the fastest.
pub(crate) const MOST_STEPS: usize = 1_000_000_000_000;

/// `dead_atoms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeadAtoms {
    /// Leave them.
    Keep,
    /// Replace them by the worst reconstructed examples of the batch.
    Resample,
}

/// `batch_size`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchSize {
    /// So many examples.
    Count(usize),
    /// All of them.
    Full,
}

impl Serialize for BatchSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u64(*count as u64),
            Self::Full => serializer.serialize_str("full"),
        }
    }
}

impl<'de> Deserialize<'de> for BatchSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(deserializer)? {
            toml::Value::Integer(count) if count > 0 => Ok(Self::Count(count as usize)),
            toml::Value::String(text) if text == "full" => Ok(Self::Full),
            other => Err(D::Error::custom(format!("{other}; write 1 or more, or \"full\""))),
        }
    }
}

impl TrainConfig {
    /// Reads the section and checks all but the estimator.
    pub fn read(reader: Reader) -> Self {
        Self::read_with_steps(reader, 1)
    }

    /// As [`Self::read`], where so many steps are the least that make sense.
    pub fn read_with_steps(mut reader: Reader, least: usize) -> Self {
        reader.refuse(&["objective_gap"], |key| {
            format!("`train.{key}` is of learning a dictionary by a lasso; remove it")
        });
        Self::read_with_objective(reader, least)
    }

    /// As [`Self::read_with_steps`], where the lasso's objective can be measured.
    pub fn read_with_objective(reader: Reader, least: usize) -> Self {
        let problems = reader.problems();
        let section: Self = reader.rest();
        section.check(problems, least);
        section
    }

    /// Checks that the estimator has a gradient for what the encoder learns.
    pub fn check_estimator<N: SparseCoder>(&self, encoder: &EncoderConfig, problems: &Problems) {
        let Some(estimator) = self.estimator.build_for::<N>("train.estimator", encoder, problems)
        else {
            return;
        };
        let name = self.estimator.name();
        let learns = encoder.prox.is_learned() || encoder.learned_step;
        problems.require(estimator.differentiates_encoder() || !learns, "train.estimator", || {
            format!(
                "`train.estimator` is \"{name}\", which has no gradient for a learned bias or step; choose \
                 \"g_ae_lasso\" or \"g_ae_ls\", or learn neither"
            )
        });
    }

    fn check(&self, problems: &Problems, least_steps: usize) {
        problems.require(self.steps.is_none() || self.epochs.is_none(), "train.steps", || {
            "`train` has both `steps` and `epochs`; keep one of them".to_owned()
        });
        for (key, value) in [
            ("steps", if least_steps == 0 { 1 } else { self.steps.unwrap_or(1) }),
            ("epochs", self.epochs.unwrap_or(1)),
            ("measure_every", self.measure_every),
            ("checkpoint_every", self.checkpoint_every),
            ("early_stop", self.early_stop.unwrap_or(1)),
        ] {
            problems.require(value > 0, &format!("train.{key}"), || {
                format!("`train.{key}` is 0; write 1 or more")
            });
        }
        for (key, value) in [("steps", self.steps), ("epochs", self.epochs)] {
            let value = value.unwrap_or(1);
            problems.require(value <= MOST_STEPS, &format!("train.{key}"), || {
                format!("`train.{key}` is {value}; write {MOST_STEPS} or less")
            });
        }
        problems.require((0.0..=0.9).contains(&self.validation), "train.validation", || {
            format!("`train.validation` is {}; write a fraction from 0 to 0.9", self.validation)
        });
        problems.require(
            self.early_stop.is_none() || self.validation > 0.0,
            "train.early_stop",
            || "`train.early_stop` needs `train.validation` above 0; set both".to_owned(),
        );
        let clip = self.clip_norm.unwrap_or(1.0);
        problems.require(clip.is_finite() && clip > 0.0, "train.clip_norm", || {
            format!("`train.clip_norm` is {clip}; write a number above 0")
        });
        let gap = self.objective_gap.unwrap_or(0.5);
        problems.require(gap > 0.0 && gap < 1.0, "train.objective_gap", || {
            format!(
                "`train.objective_gap` is {gap}; write a relative duality gap between 0 and 1, such as 1e-4"
            )
        });
        for step in self.save_dictionary_at.iter().filter(|step| **step == 0) {
            problems.add(
                "train.save_dictionary_at",
                format!("`train.save_dictionary_at` holds {step}; steps are counted from 1"),
            );
        }
    }

    /// Whether atoms that no code uses are left as they are.
    pub fn keeps_dead_atoms(&self) -> bool {
        self.dead_atoms == DeadAtoms::Keep
    }

    /// Examples in a step, where that is a number.
    pub fn batch_count(&self) -> Option<usize> {
        match self.batch_size {
            BatchSize::Full => None,
            BatchSize::Count(count) => Some(count),
        }
    }

    /// Examples in a step, of `examples` to train on.
    pub fn batch(&self, examples: usize) -> usize {
        match self.batch_size {
            BatchSize::Full => examples,
            BatchSize::Count(count) => count,
        }
    }

    /// Steps in all.
    pub fn total_steps(&self, examples: usize) -> usize {
        match (self.steps, self.epochs) {
            (Some(steps), _) => steps,
            (None, Some(epochs)) => {
                epochs.saturating_mul(steps_of_an_epoch(examples, self.batch(examples)))
            }
            (None, None) => DEFAULT_STEPS,
        }
    }
}

/// A last batch that is not full is left out, so that every step is a mean over as many examples.
pub fn steps_of_an_epoch(examples: usize, batch: usize) -> usize {
    (examples / batch).max(1)
}
