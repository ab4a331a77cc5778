//! The sections of a task-driven run.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml::{Table, Value};
use unrolled::task::{TaskKind, TaskLoss};

use super::estimator;
use crate::config::{
    DataConfig, DictionaryConfig, EncoderConfig, OptimizerConfig, Reader, TrainConfig,
};

/// All that `task-driven` reads beside the common keys.
#[derive(Debug, Serialize)]
pub struct Sections {
    pub data: DataConfig,
    pub dictionary: DictionaryConfig,
    pub encoder: EncoderConfig,
    pub task: TaskConfig,
    pub train: TrainConfig,
    pub optimizer: OptimizerConfig,
}

/// `[task]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskConfig {
    /// "logistic", "softmax" or "squared".
    #[serde(serialize_with = "kind_name")]
    pub kind: TaskKind,
    /// The weight of ½(‖W‖² + ‖b‖²).
    pub ridge: f64,
    /// β of (1 − β) reconstruction + β task.
    pub weight: f64,
    /// Which rows are held out.
    pub validation: HeldOut,
}

/// `validation`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HeldOut {
    /// A share of the rows, drawn by the seed.
    Share(f64),
    /// The images that MNIST tests on.
    Test,
}

impl Serialize for HeldOut {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Share(share) => serializer.serialize_f64(*share),
            Self::Test => serializer.serialize_str("test"),
        }
    }
}

impl<'de> Deserialize<'de> for HeldOut {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = |found: &Value| {
            D::Error::custom(format!("{found}; write a fraction from 0 to 0.9, or \"test\""))
        };
        match Value::deserialize(deserializer)? {
            Value::Float(share) if (0.0..=0.9).contains(&share) => Ok(Self::Share(share)),
            Value::Integer(0) => Ok(Self::Share(0.0)),
            Value::String(text) if text == "test" => Ok(Self::Test),
            other => Err(wrong(&other)),
        }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Numbers {
    ridge: f64,
    weight: f64,
    validation: HeldOut,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { ridge: 0.001, weight: 1.0, validation: HeldOut::Share(0.2) }
    }
}

const KINDS: [(&str, TaskKind); 3] = [
    ("logistic", TaskKind::Logistic),
    ("softmax", TaskKind::Softmax),
    ("squared", TaskKind::Squared),
];

/// What a kind is called.
pub(super) fn name_of(kind: TaskKind) -> &'static str {
    let known = KINDS.iter().find(|(_, other)| *other == kind);
    known.expect("every kind of task has a name").0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn kind_name<S: Serializer>(kind: &TaskKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(name_of(*kind))
}

impl TaskConfig {
    fn read(mut reader: Reader) -> Self {
        let problems = reader.problems();
        let kind = KINDS[reader.choice("kind", &KINDS.map(|(name, _)| name))].1;
        let Numbers { ridge, weight, validation } = reader.rest();
        problems.require(ridge.is_finite() && ridge >= 0.0, "task.ridge", || {
            format!("`task.ridge` is {ridge}; write a finite number, 0 or more")
        });
        problems.require((0.0..=1.0).contains(&weight), "task.weight", || {
            format!(
                "`task.weight` is {weight}; write a number from 0, without the task, to 1, without the \
                 reconstruction"
            )
        });
        Self { kind, ridge, weight, validation }
    }

    /// What is minimised.
    pub fn loss(&self) -> TaskLoss {
        TaskLoss { weight: self.weight }
    }
}

impl Sections {
    pub fn read(reader: &mut Reader) -> Self {
        let problems = reader.problems();
        let mut data = reader.table("data");
        data.default_to("source", "file");
        let mut data = DataConfig::read(data);
        let mut dictionary = reader.table("dictionary");
        if !dictionary.is("kind", "convolutional") {
            let svd = [("method".to_owned(), Value::from("svd"))];
            dictionary.default_to("init", Table::from_iter(svd));
            dictionary.default_to("constraint", "unit-frobenius");
        }
        let dictionary = DictionaryConfig::read(dictionary);
        let mut encoder = reader.table("encoder");
        encoder.default_to("kind", "solved");
        let encoder = EncoderConfig::read(encoder);
        encoder.prox.check_without_noise(problems);
        let task = TaskConfig::read(reader.table("task"));
        let mut train = reader.table("train");
        train.default_to("estimator", "g_implicit");
        train.refuse(&["early_stop"], |_| {
            "`train.early_stop` would choose the network by the rows held out, which test it here; remove it"
                .to_owned()
        });
        let train = TrainConfig::read(train);
        let optimizer = OptimizerConfig::read(reader.table("optimizer"));
        match &mut data {
            DataConfig::Synthetic(_) => problems.add(
                "data.source",
                "`data.source` is \"synthetic\", whose examples have no labels; choose \"file\" or \"mnist\"",
            ),
            DataConfig::File(file) => {
                file.keys.label.get_or_insert_with(|| "label".to_owned());
            }
            DataConfig::Patches(_) | DataConfig::Shifts(_) | DataConfig::Shards(_) => problems.add(
                "data.source",
                "`data.source` says where examples without labels come from; choose \"file\" or \"mnist\"",
            ),
            DataConfig::Mnist(_) | DataConfig::Gaussians(_) => {}
        }
        problems.require(
            task.validation != HeldOut::Test || data.has_test(),
            "task.validation",
            || {
                "`task.validation` is \"test\", but only MNIST's images to train on have others to test on; write a \
                 fraction"
                    .to_owned()
            },
        );
        problems.require(train.validation == 0.0, "train.validation", || {
            "`train.validation` is `task.validation` here; write that instead".to_owned()
        });
        problems.require(train.keeps_dead_atoms(), "train.dead_atoms", || {
            "`train.dead_atoms` replaces atoms by examples, whatever the task; remove it".to_owned()
        });
        estimator::check(&train.estimator, &task, &encoder, problems);
        Self { data, dictionary, encoder, task, train, optimizer }
    }
}
