//! The sections of a run of the softmax attributor.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};
use unrolled::attributor::{Attribution, MeanSquares};

use crate::config::{
    DataConfig, DictionaryConfig, EncoderConfig, EstimatorConfig, OptimizerConfig, Reader,
    TrainConfig,
};

/// All that `softmax-attributor` reads beside the common keys.
#[derive(Debug, Serialize)]
pub struct Sections {
    pub data: DataConfig,
    pub attributor: AttributorConfig,
    pub dictionary: DictionaryConfig,
    pub encoder: EncoderConfig,
    pub train: TrainConfig,
    pub optimizer: OptimizerConfig,
}

/// `[attributor]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttributorConfig {
    /// "softmax", "sparsemax", "top-k" or "encoder".
    pub attribution: &'static str,
    /// Atoms.
    pub terms: usize,
    /// Shares that "top-k" keeps.
    kept: usize,
    /// The weight of the entropy of the shares.
    pub entropy: f64,
    /// The weight of the squared cosines of different atoms.
    pub orthogonality: f64,
    /// Where W and b start.
    pub init: LinearInit,
}

const ATTRIBUTIONS: [&str; 4] = ["softmax", "sparsemax", "top-k", "encoder"];

/// `init`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "method", rename_all = "kebab-case")]
pub enum LinearInit {
    /// Uniform between −1/√m and 1/√m, as PyTorch's `Linear`.
    Default,
    /// From a file.
    File(FromFile),
}

/// `{ method = "file", path, weight, bias }`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FromFile {
    /// A .safetensors or .npz file.
    pub path: PathBuf,
    /// W, `[terms, m]`.
    pub weight: String,
    /// b, `[terms]`.
    pub bias: String,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Numbers {
    terms: usize,
    kept: usize,
    entropy: f64,
    orthogonality: f64,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { terms: 2, kept: 1, entropy: 0.0, orthogonality: 0.0 }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Nothing {}

impl LinearInit {
    fn read(mut reader: Reader) -> Self {
        let problems = reader.problems();
        if reader.choice("method", &["default", "file"]) == 0 {
            let Nothing {} = reader.rest();
            return Self::Default;
        }
        let from: FromFile = reader.rest();
        for (key, missing) in [
            ("path", from.path.as_os_str().is_empty()),
            ("weight", from.weight.is_empty()),
            ("bias", from.bias.is_empty()),
        ] {
            let at = format!("attributor.init.{key}");
            problems.require(!missing, &at, || {
                format!(
                    "`{at}` is missing; write {{ method = \"file\", path = \"…\", weight = \"…\", bias = \"…\" }}"
                )
            });
        }
        Self::File(from)
    }
}

impl AttributorConfig {
    fn read(mut reader: Reader) -> Self {
        let problems = reader.problems();
        let attribution = ATTRIBUTIONS[reader.choice("attribution", &ATTRIBUTIONS)];
        let init = LinearInit::read(reader.table("init"));
        let Numbers { terms, kept, entropy, orthogonality } = reader.rest();
        problems.require(terms > 0, "attributor.terms", || {
            "`attributor.terms` is 0; write 1 or more".to_owned()
        });
        problems.require(terms <= 1_000_000, "attributor.terms", || {
            format!("`attributor.terms` is {terms}; write 1000000 or less")
        });
        problems.require((1..=terms.max(1)).contains(&kept), "attributor.kept", || {
            format!(
                "`attributor.kept` is {kept}; write a number from 1 to `attributor.terms`, {terms}"
            )
        });
        for (key, weight) in [("entropy", entropy), ("orthogonality", orthogonality)] {
            let path = format!("attributor.{key}");
            problems.require(weight.is_finite(), &path, || {
                format!("`{path}` is {weight}; write a finite number")
            });
            problems.require(attribution != "encoder" || weight == 0.0, &path, || {
                format!(
                    "`{path}` is a penalty on shares, and the codes of an encoder are none; write 0, or choose another \
                     `attributor.attribution`"
                )
            });
        }
        Self { attribution, terms, kept, entropy, orthogonality, init }
    }

    /// How scores become shares; none where an encoder codes.
    pub fn attribution(&self) -> Option<Attribution> {
        match self.attribution {
            "softmax" => Some(Attribution::Softmax),
            "sparsemax" => Some(Attribution::Sparsemax),
            "top-k" => Some(Attribution::TopK(self.kept)),
            _ => None,
        }
    }

    /// What is descended.
    pub fn squares(&self) -> MeanSquares {
        MeanSquares { entropy: self.entropy, orthogonality: self.orthogonality }
    }
}

impl Sections {
    pub fn read(reader: &mut Reader) -> Self {
        let problems = reader.problems();
        let mut data = reader.table("data");
        data.default_to("source", "gaussians");
        let data = DataConfig::read(data);
        let attributor = AttributorConfig::read(reader.table("attributor"));
        let encodes = attributor.attribution().is_none();
        let mut dictionary = reader.table("dictionary");
        let random = [("method".to_owned(), Value::from("random"))];
        dictionary.default_to("init", Table::from_iter(random));
        dictionary.default_to("constraint", if encodes { "unit-sphere" } else { "none" });
        dictionary.default_to("atoms", attributor.terms.max(1) as i64);
        let dictionary = DictionaryConfig::read(dictionary);
        let mut encoder = reader.table("encoder");
        encoder.default_to("step", "auto");
        let encoder = EncoderConfig::read(encoder);
        encoder.prox.check_without_noise(problems);
        let learns = encoder.prox.is_learned() || encoder.learned_step;
        problems.require(!learns, "encoder.prox", || {
            "`encoder` learns a bias or a step, which only D does here; learn neither".to_owned()
        });
        let mut train = reader.table("train");
        train.default_to("batch_size", "full");
        train.default_to("measure_every", 100);
        let train = TrainConfig::read(train);
        let optimizer = OptimizerConfig::read(reader.table("optimizer"));
        match &dictionary {
            DictionaryConfig::Dense(dense) => {
                let terms = attributor.terms;
                let atoms = dense.atoms.unwrap_or(terms);
                problems.require(terms == 0 || atoms == terms, "dictionary.atoms", || {
                    format!(
                        "`dictionary.atoms` is {atoms} and `attributor.terms` {terms}; leave the former out"
                    )
                });
            }
            DictionaryConfig::Convolutional(_) => problems.add(
                "dictionary.kind",
                "`dictionary.kind` is \"convolutional\", but shares are of atoms as large as an example; write \"dense\"",
            ),
        }
        let whole = EstimatorConfig::Named("g_ae_ls".to_owned());
        problems.require(train.estimator == whole, "train.estimator", || {
            "`train.estimator` must be \"g_ae_ls\" here: the mean of squares is differentiated through all of the network"
                .to_owned()
        });
        problems.require(train.validation == 0.0, "train.validation", || {
            "`train.validation` holds examples out, and here all are trained on; remove it"
                .to_owned()
        });
        problems.require(train.keeps_dead_atoms(), "train.dead_atoms", || {
            "`train.dead_atoms` replaces atoms by examples; here every atom has its term; remove it".to_owned()
        });
        Self { data, attributor, dictionary, encoder, train, optimizer }
    }
}
