//! The configuration of an experiment: a TOML file, options of the command line, and defaults.
//!
//! Nothing runs unvalidated: [`Configuration::load`] reports every problem it finds, each with its
//! file, its line and the remedy, before any data are drawn.

mod compare;
mod data;
mod dictionary;
mod document;
mod effective;
mod encoder;
mod optimizer;
mod reader;
mod train;
mod values;
mod variants;

pub use compare::CompareConfig;
pub use data::{DataConfig, Loaded, Preprocessing, Standardise};
pub use dictionary::{DictionaryConfig, Init};
pub(crate) use effective::HEADER;
pub use encoder::{EncoderConfig, ProxConfig, Unrolling};
pub use optimizer::OptimizerConfig;
pub use reader::nearest;
pub(crate) use train::steps_of_an_epoch;
pub use train::{DeadAtoms, TrainConfig};
pub use values::Step;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use unrolled::prelude::Precision;

use crate::{Error, devices};
use document::{Node, Origin};
use reader::{Problem, Problems, Reader};

/// More iterations than this are taken for a mistake.
pub(crate) const MOST_ITERATIONS: usize = 1_000_000;

/// What one run does, every value filled in and checked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Config {
    /// The kind of experiment.
    pub experiment: &'static str,
    /// The name of the experiment.
    pub name: String,
    /// Where every random number comes from.
    pub seed: u64,
    /// The device, as in "flex" or "wgpu:1".
    pub device: String,
    /// The precision of the computation.
    #[serde(serialize_with = "precision_name")]
    pub precision: Precision,
    /// `[data]`.
    pub data: DataConfig,
    /// `[dictionary]`.
    pub dictionary: DictionaryConfig,
    /// `[encoder]`.
    pub encoder: EncoderConfig,
    /// `[compare]`, of a comparison.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compare: Option<CompareConfig>,
    /// `[train]`, of a learning run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train: Option<TrainConfig>,
    /// `[optimizer]`, of a learning run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optimizer: Option<OptimizerConfig>,
}

/// "float32" or "float64".
pub fn name_of(precision: Precision) -> &'static str {
    match precision {
        Precision::Float32 => "float32",
        Precision::Float64 => "float64",
    }
}

fn precision_name<S: serde::Serializer>(of: &Precision, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(name_of(*of))
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Rest {
    name: String,
    seed: u64,
    device: String,
}

impl Default for Rest {
    fn default() -> Self {
        Self { name: String::new(), seed: 39, device: "flex".to_owned() }
    }
}

impl Config {
    fn read(document: &Node, source: &Path, problems: &Problems) -> Self {
        let folder = source.parent().unwrap_or(Path::new(""));
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let toml::Value::Table(table) = document.to_value() else {
            unreachable!("a document is a table")
        };
        let mut reader = Reader::new(table, problems);
        let experiment =
            crate::experiment::NAMES[reader.choice("experiment", &crate::experiment::NAMES)];
        let precision = match reader.choice("precision", &["float64", "float32"]) {
            0 => Precision::Float64,
            _ => Precision::Float32,
        };
        let data = DataConfig::read(reader.table("data", ""), &folder, problems);
        let dictionary = DictionaryConfig::read(reader.table("dictionary", ""), &folder, problems);
        let encoder = EncoderConfig::read(reader.table("encoder", ""), problems);
        let compares = experiment == "compare-gradients";
        let compare = compares.then(|| CompareConfig::read(reader.table("compare", ""), problems));
        let train = (!compares).then(|| TrainConfig::read(reader.table("train", "")));
        let optimizer =
            (!compares).then(|| OptimizerConfig::read(reader.table("optimizer", ""), problems));
        if let Some(train) = &train {
            train.check(&encoder, problems);
        }
        let Rest { name, seed, device } = reader.rest();
        problems.require(seed <= i64::MAX as u64, "seed", || {
            format!("`seed` is {seed}; write less than 2⁶³")
        });
        match devices::parse(&device) {
            Ok(_) => {}
            Err(message) => problems.add("device", message),
        }
        encoder.check_engine(problems);
        let stem = || source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = if name.is_empty() { stem() } else { name };
        let plain = !name.contains(['/', '\\']) && name.chars().any(|c| c != '.');
        problems.require(plain, "name", || {
            format!("`name` is \"{name}\"; write a name without slashes that is not made of dots")
        });
        Self {
            experiment,
            name,
            seed,
            device,
            precision,
            data,
            dictionary,
            encoder,
            compare,
            train,
            optimizer,
        }
    }

    /// `[compare]`.
    ///
    /// # Panics
    /// For another experiment.
    pub(crate) fn compare(&self) -> &CompareConfig {
        self.compare.as_ref().expect("a comparison has its section")
    }

    /// The kind of the device, without its index.
    pub(crate) fn device_kind(&self) -> &str {
        self.device.split(':').next().unwrap_or_default()
    }

    /// Whether Burn's CPU backends compute, one block of examples on each thread.
    pub(crate) fn is_on_cpu(&self) -> bool {
        devices::Kind::named(self.device_kind()).is_none_or(|kind| kind.is_cpu)
    }

    /// Whether the fused kernels compute the encoder.
    pub(crate) fn uses_kernels(&self) -> bool {
        self.encoder.uses_kernels(self.device_kind())
    }

    /// The device, ready, with this precision.
    pub(crate) fn open_device(&self) -> Result<devices::Opened, Error> {
        let opened = devices::open(&self.device);
        let opened = opened.map_err(|error| Error::at("device", error.to_string()))?;
        self.check_precision(&opened.limits)?;
        Ok(opened)
    }

    fn check_precision(&self, limits: &devices::Limits) -> Result<(), Error> {
        let computes = self.precision == Precision::Float32 || limits.float64;
        computes.then_some(()).ok_or_else(|| Error::at("precision", no_float64(&self.device)))
    }

    /// `[train]`.
    ///
    /// # Panics
    /// For another experiment.
    pub(crate) fn train(&self) -> &TrainConfig {
        self.train.as_ref().expect("a learning run has its section")
    }

    /// `[optimizer]`.
    ///
    /// # Panics
    /// For another experiment.
    pub(crate) fn optimizer(&self) -> &OptimizerConfig {
        self.optimizer.as_ref().expect("a learning run has its section")
    }
}

/// One run of a configuration.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its name in results and arrays.
    pub name: String,
    /// What it does.
    pub config: Config,
    source: PathBuf,
    document: Node,
}

impl Run {
    /// Puts the file and the line of its key before an error that names one.
    pub fn locate(&self, error: Error) -> Error {
        match error {
            Error::At { path, message } => {
                let problem = Problem { path, message, origin: None };
                Error::Config(vec![sentence(&self.source, &self.document, &problem)])
            }
            other => other,
        }
    }
}

/// A configuration file, read and checked.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The values that the runs share.
    pub base: Config,
    /// The runs; one called `main` where the file lists none.
    pub runs: Vec<Run>,
    variants: variants::Variants,
}

/// What the command line lays over a file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--set dotted.key=value`.
    pub set: Vec<String>,
    /// `--device`.
    pub device: Option<String>,
}

impl Configuration {
    /// Reads a file, lays the options over it, expands `[[runs]]` and `[sweep]`, and checks all.
    pub fn load(source: &Path, overrides: &Overrides) -> Result<Self, Error> {
        let text = std::fs::read_to_string(source).map_err(|error| {
            Error::Config(vec![format!(
                "{}: cannot be read ({error}); check the path, or print a configuration with \
                 `unrolled init compare-gradients`",
                source.display()
            )])
        })?;
        Self::parse(&text, source, overrides)
    }

    /// As [`Self::load`], from text; `source` is the file that it stands for.
    pub fn parse(text: &str, source: &Path, overrides: &Overrides) -> Result<Self, Error> {
        let mut options: Vec<(Vec<String>, Node)> = Vec::new();
        let mut document = Node::parse(text).map_err(|error| {
            Error::Config(vec![format!(
                "{}:{}: is not valid TOML ({}); mend that line",
                source.display(),
                error.line,
                error.message
            )])
        })?;
        for option in &overrides.set {
            let (path, node) = Node::parse_option(option)
                .map_err(|message| Error::Config(vec![format!("--set '{option}': {message}")]))?;
            options.push((path, node));
        }
        if let Some(device) = &overrides.device {
            let origin = Origin::Option(format!("--device {device}"));
            let value = toml::Value::from(device.as_str());
            options.push((vec!["device".to_owned()], Node::value(value, origin)));
        }
        for (path, node) in &options {
            document.set(path, node.clone());
        }
        let problems = Problems::default();
        let mut variants = variants::Variants::take(&mut document, text, &problems);
        // The command line has the last word: it pins a swept key, and lies over every run.
        for (path, node) in &options {
            variants.pin(path, node);
        }
        let base = Config::read(&document, source, &problems);
        let mut found = sentences(source, &document, problems);
        let mut runs = Vec::new();
        if found.is_empty() {
            for (name, document) in variants.expand(&document) {
                let problems = Problems::default();
                let config = Config::read(&document, source, &problems);
                for (key, same) in [
                    ("experiment", config.experiment == base.experiment),
                    ("name", config.name == base.name),
                ] {
                    problems.require(same, key, || {
                        format!("`{key}` cannot differ between runs; set it at the top of the file")
                    });
                }
                found.extend(sentences(source, &document, problems));
                let source = source.to_owned();
                runs.push(Run { name, config, source, document });
            }
        }
        match found.is_empty() {
            true => Ok(Self { base, runs, variants }),
            false => Err(Error::Config(found)),
        }
    }

    /// The effective configuration as TOML, every default written out. Running it again gives the
    /// same run.
    pub fn effective(&self) -> String {
        effective::write(&self.base, &self.variants)
    }
}

fn sentences(source: &Path, document: &Node, problems: Problems) -> Vec<String> {
    let mut sentences: Vec<String> =
        problems.into_inner().iter().map(|problem| sentence(source, document, problem)).collect();
    sentences.dedup();
    sentences
}

fn no_float64(device: &str) -> String {
    format!(
        "`precision` is \"float64\", which the adapter of \"{device}\" cannot compute in; add --set \
         'precision=\"float32\"', or use --device flex"
    )
}

/// "file:line: message".
fn sentence(source: &Path, document: &Node, problem: &Problem) -> String {
    let place = match problem.origin.as_ref().or(document.origin_of(&problem.path)) {
        Some(Origin::Option(option)) => option.clone(),
        Some(Origin::Line(line)) => format!("{}:{line}", source.display()),
        None => source.display().to_string(),
    };
    format!("{place}: {}", problem.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn float64_where_an_adapter_has_none_is_refused_with_the_remedy() {
        let overrides = Overrides { set: Vec::new(), device: Some("wgpu:1".to_owned()) };
        let source = Path::new("a.toml");
        let parse =
            |text| Configuration::parse(text, source, &overrides).expect("it is valid").base;
        let limits = devices::Limits { buffer: None, memory: None, float64: false };
        let wide = parse("experiment = \"compare-gradients\"\nprecision = \"float64\"\n");
        let message = wide.check_precision(&limits).expect_err("there is no float64").to_string();
        assert!(message.contains("\"wgpu:1\" cannot compute in"), "{message}");
        assert!(message.contains("--set 'precision=\"float32\"'"), "{message}");
        let narrow = parse("experiment = \"compare-gradients\"\nprecision = \"float32\"\n");
        assert!(narrow.check_precision(&limits).is_ok());
    }
}
