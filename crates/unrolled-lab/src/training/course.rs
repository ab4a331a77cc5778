//! How long training goes on, and how the learning rate goes with it: checked against the examples there are.

use std::path::Path;

use crate::Error;
use crate::config::{MOST_STEPS, OptimizerConfig, Run, TrainConfig};

/// Batches and steps of a training.
#[derive(Clone, Copy, Debug)]
pub struct Course<'a> {
    /// `[train]`.
    pub train: &'a TrainConfig,
    /// `[optimizer]`.
    pub optimizer: &'a OptimizerConfig,
    /// Examples to train on.
    pub examples: usize,
    /// Examples in a step.
    pub batch: usize,
    /// Steps in all.
    pub steps: usize,
}

impl<'a> Course<'a> {
    /// Over so many examples to train on.
    pub fn new(
        train: &'a TrainConfig,
        optimizer: &'a OptimizerConfig,
        examples: usize,
    ) -> Result<Self, Error> {
        let batch = train.batch(examples);
        if batch > examples {
            return Err(Error::at(
                "train.batch_size",
                format!(
                    "`train.batch_size` is {batch}, more than the {examples} examples to train on; \
                     write {examples} or less, or \"full\""
                ),
            ));
        }
        let steps = train.total_steps(examples);
        if steps > MOST_STEPS {
            let message =
                format!("`train.epochs` asks for more than {MOST_STEPS} steps; write fewer");
            return Err(Error::at("train.epochs", message));
        }
        if let Some(late) = train.save_dictionary_at.iter().find(|step| **step > steps) {
            return Err(Error::at(
                "train.save_dictionary_at",
                format!(
                    "`train.save_dictionary_at` holds {late}, but there are {steps} steps; write {steps} or less"
                ),
            ));
        }
        Ok(Self { train, optimizer, examples, batch, steps })
    }

    /// A schedule that is spread over all steps is another one when there are more of them: says so where the rate
    /// after `done` steps is not what it would have been.
    pub fn note_on_schedule(&self, run: &Run, folder: &Path, done: usize) -> Option<String> {
        let before = std::fs::read_to_string(folder.join("config.toml")).ok()?;
        let before: toml::Table = toml::from_str(&before).ok()?;
        let number = |key: &str| before.get("train")?.get(key)?.as_integer()?.try_into().ok();
        let then =
            TrainConfig { steps: number("steps"), epochs: number("epochs"), ..self.train.clone() };
        let then = then.total_steps(self.examples);
        if done == 0 || then == self.steps {
            return None;
        }
        let rates = [then, self.steps].map(|steps| self.optimizer.rate(done + 1, steps));
        let rates = [rates[0]?, rates[1]?];
        (rates[0] != rates[1]).then(|| {
            format!(
                "run `{}`: the schedule is spread over {} steps now instead of {then}, so the learning rate goes on at \
                 {:.2e} instead of {:.2e} after step {done}; a schedule that does not depend on the steps, as \
                 \"constant\" or \"step\", goes on as it was",
                run.name, self.steps, rates[1], rates[0]
            )
        })
    }
}
