//! The sections of a run that explains.

use std::path::PathBuf;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::config::{BatchSize, Reader};
use crate::experiments::learn;

/// All that `explain` reads beside the common keys: what learning a dictionary does, and `[explain]`.
#[derive(Debug, Serialize)]
pub struct Sections {
    #[serde(flatten)]
    pub learning: learn::Sections,
    pub explain: ExplainConfig,
}

/// `[explain]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExplainConfig {
    /// ω.
    pub ridge: f64,
    /// Where the codes of the training examples come from.
    pub codes: CodesFrom,
    /// Rounds of exact steps towards a stationary point, at most.
    pub polish: usize,
    /// Examples to explain; without it MNIST's test images, or the training examples themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<Array>,
    /// Which of them to show.
    pub examples: Vec<usize>,
    /// Which atoms to show; the most used where there are none.
    pub atoms: Vec<usize>,
    /// Whether to take ∂z/∂x of the atoms that shown examples use most.
    pub saliency: bool,
}

impl Default for ExplainConfig {
    fn default() -> Self {
        Self {
            ridge: 0.05,
            codes: CodesFrom::Named(Method::Lasso),
            polish: 0,
            test: None,
            examples: vec![0, 1, 2],
            atoms: Vec::new(),
            saliency: true,
        }
    }
}

/// `{ path, key }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Array {
    /// A .safetensors or .npz file.
    pub path: PathBuf,
    /// The array.
    pub key: String,
}

/// `codes`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum CodesFrom {
    /// "lasso" or "encoder".
    Named(Method),
    /// `[n, p]` of a file.
    File(Array),
}

/// How codes are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Those of the lasso.
    Lasso,
    /// Those of `[encoder]`.
    Encoder,
}

impl<'de> Deserialize<'de> for CodesFrom {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = |found: &dyn std::fmt::Display| {
            D::Error::custom(format!(
                "{found}; write \"lasso\", \"encoder\", or {{ path = \"…\", key = \"…\" }}"
            ))
        };
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) if text == "lasso" => Ok(Self::Named(Method::Lasso)),
            toml::Value::String(text) if text == "encoder" => Ok(Self::Named(Method::Encoder)),
            table @ toml::Value::Table(_) => {
                let array: Result<Array, toml::de::Error> = table.try_into();
                array.map(Self::File).map_err(|_| wrong(&"another table"))
            }
            other => Err(wrong(&other)),
        }
    }
}

impl Sections {
    pub fn read(reader: &mut Reader) -> Self {
        let problems = reader.problems();
        let mut table = reader.table("explain");
        // The dictionary is explained as it starts, unless it is to be trained first.
        let mut learning = learn::Sections::read_with_steps(reader, 0);
        if learning.train.steps.is_none() && learning.train.epochs.is_none() {
            learning.train.steps = Some(0);
        }
        if learning.train.steps == Some(0) {
            // Nothing is trained, whatever a batch would be.
            learning.train.batch_size = BatchSize::Full;
        }
        let filters = learning.dictionary.is_convolutional();
        if filters {
            table.default_to("codes", "encoder");
        }
        let explain: ExplainConfig = table.rest();
        problems.require(!filters || explain.codes == CodesFrom::Named(Method::Encoder), "explain.codes", || {
            "`explain.codes` is not \"encoder\", and codes of a convolution come from its encoder; write `codes = \"encoder\"`, and `kind = \"solved\"` in `[encoder]` for those \
             of the lasso"
                .to_owned()
        });
        problems.require(!filters || explain.ridge > 0.0, "explain.ridge", || {
            "`explain.ridge` is 0, and the system of a convolution asks for more; write a number above 0".to_owned()
        });
        problems.require(
            explain.ridge.is_finite() && explain.ridge >= 0.0,
            "explain.ridge",
            || format!("`explain.ridge` is {}; write a finite number, 0 or more", explain.ridge),
        );
        problems.require(explain.polish <= 1_000_000, "explain.polish", || {
            format!("`explain.polish` is {}; write 1000000 or less", explain.polish)
        });
        let lasso = CodesFrom::Named(Method::Lasso);
        problems.require(filters || explain.polish == 0 || explain.codes == lasso, "explain.polish", || {
            "`explain.polish` alternates with codes of the lasso; write `codes = \"lasso\"`, or 0".to_owned()
        });
        let penalty = learning.encoder.prox.penalty();
        problems.require(penalty > 0.0, "encoder.prox.penalty", || {
            format!("`encoder.prox.penalty` is {penalty}, and the codes of the lasso ask for λ above 0; write a number above 0")
        });
        Self { learning, explain }
    }
}
