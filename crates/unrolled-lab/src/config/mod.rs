//! The configuration of an experiment: a TOML file, options of the command line, and defaults.
//!
//! Nothing runs unvalidated: [`Configuration::load`] reports every problem it finds, each with its
//! file, its line and the remedy, before any data are drawn.

mod data;
mod dictionary;
mod document;
mod effective;
mod encoder;
mod estimator;
mod filters;
mod fit;
mod images;
mod kind;
mod optimizer;
mod paths;
mod prox;
mod reader;
mod train;
mod values;
mod variants;

pub use data::{
    DataConfig, FileConfig, Loaded, Preprocessing, ShardsConfig, Standardise, SyntheticConfig,
};
pub use dictionary::{DenseConfig, DictionaryConfig, Init};
pub(crate) use effective::fixed_lines;
pub use encoder::{EncoderConfig, Unrolling};
pub use estimator::EstimatorConfig;
pub use filters::FiltersConfig;
pub use fit::FitConfig;
pub use images::Where;
pub use kind::{Kind, Sections};
pub use optimizer::OptimizerConfig;
pub use prox::ProxConfig;
pub use reader::{Problems, Reader};
pub(crate) use train::MOST_STEPS;
pub use train::{BatchSize, DeadAtoms, TrainConfig, steps_of_an_epoch};
pub use values::{Iterations, Step};

use std::any::Any;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use toml::{Table, Value};
use unrolled::prelude::Precision;
use unrolled_data::DataSet;

use crate::{Error, devices};
use document::{Node, Origin};
use reader::Problem;

/// More iterations than this are taken for a mistake.
pub(crate) const MOST_ITERATIONS: usize = 1_000_000;

/// The name of an experiment is that of a folder, which no file system gives more than 255 bytes.
const MOST_BYTES_OF_A_NAME: usize = 200;

/// Where the relative paths of a configuration begin.
fn folder_of(source: &Path) -> PathBuf {
    let folder = source.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}

/// What one run does, every value filled in and checked.
#[derive(Clone, Debug)]
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
    pub precision: Precision,
    sections: Arc<dyn Sections>,
}

/// "float32" or "float64".
pub fn name_of(precision: Precision) -> &'static str {
    match precision {
        Precision::Float32 => "float32",
        Precision::Float64 => "float64",
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Common {
    name: String,
    seed: u64,
    device: String,
}

impl Default for Common {
    fn default() -> Self {
        Self { name: String::new(), seed: 39, device: "flex".to_owned() }
    }
}

impl Config {
    fn read(document: &Node, source: &Path, kinds: &[&dyn Kind], problems: &Problems) -> Self {
        let Value::Table(table) = document.to_value() else {
            unreachable!("a document is a table")
        };
        let mut reader = Reader::new(table, problems);
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        let kind = kinds[reader.choice("experiment", &names)];
        let precision = match reader.choice("precision", &["float64", "float32"]) {
            0 => Precision::Float64,
            _ => Precision::Float32,
        };
        let sections = kind.sections(&mut reader);
        let Common { name, seed, device } = reader.rest();
        problems.require(seed <= i64::MAX as u64, "seed", || {
            format!("`seed` is {seed}; write less than 2⁶³")
        });
        match devices::parse(&device) {
            Ok(_) => {}
            Err(message) => problems.add("device", message),
        }
        let stem = || source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = if name.is_empty() { stem() } else { name };
        let plain = !name.contains(['/', '\\']) && !name.contains(char::is_control);
        problems.require(plain && name.chars().any(|c| c != '.'), "name", || {
            format!("`name` is {name:?}; write a name without slashes that is not made of dots")
        });
        problems.require(name.len() <= MOST_BYTES_OF_A_NAME, "name", || {
            format!(
                "`name` has {} bytes, more than a folder's name may have; write {MOST_BYTES_OF_A_NAME} or fewer",
                name.len()
            )
        });
        Self { experiment: kind.name(), name, seed, device, precision, sections }
    }

    /// The sections that the kind of experiment has read.
    ///
    /// # Panics
    /// Where they are of another type than the kind reads.
    pub fn sections<S: Sections>(&self) -> &S {
        let sections: &dyn Any = &*self.sections;
        sections.downcast_ref().expect("a kind of experiment asks for its own sections")
    }

    /// Every value, as TOML.
    pub(crate) fn table(&self) -> Table {
        let common = [
            ("experiment", Value::from(self.experiment)),
            ("name", self.name.as_str().into()),
            ("seed", (self.seed as i64).into()),
            ("device", self.device.as_str().into()),
            ("precision", name_of(self.precision).into()),
        ];
        let common = common.into_iter().map(|(key, value)| (key.to_owned(), value));
        common.chain(self.sections.table()).collect()
    }

    /// The kind of the device, without its index.
    pub fn device_kind(&self) -> &str {
        devices::kind_of(&self.device)
    }

    /// Whether Burn's CPU backends compute, one block of examples on each thread.
    pub fn is_on_cpu(&self) -> bool {
        devices::is_cpu(&self.device)
    }

    /// The device, ready, with this precision.
    pub fn open_device(&self) -> Result<devices::Opened, Error> {
        let opened = devices::open(&self.device);
        let opened = opened.map_err(|error| Error::at("device", error.to_string()))?;
        self.check_precision(&opened.limits)?;
        Ok(opened)
    }

    /// Refuses examples whose squares are beyond the precision: every loss of theirs would be infinite.
    pub fn check_range(&self, data: &DataSet) -> Result<(), Error> {
        match data.x.rows().into_iter().all(|row| row.dot(&row) < self.most()) {
            true => Ok(()),
            false => Err(self.beyond(data.x.iter().fold(0.0, |most: f64, v| most.max(v.abs())))),
        }
    }

    /// The same, for examples of norms up to this.
    pub fn check_norm(&self, largest: f64) -> Result<(), Error> {
        if largest * largest < self.most() { Ok(()) } else { Err(self.beyond(largest)) }
    }

    /// The largest number of the precision.
    fn most(&self) -> f64 {
        match self.precision {
            Precision::Float32 => f64::from(f32::MAX),
            Precision::Float64 => f64::MAX,
        }
    }

    fn beyond(&self, largest: f64) -> Error {
        let wider = match self.precision {
            Precision::Float32 => ", or set `precision = \"float64\"`",
            Precision::Float64 => "",
        };
        let message = format!(
            "the data have entries up to {largest:.1e}, whose squares are beyond {}; scale the data{wider}",
            name_of(self.precision)
        );
        Error::at("data", message)
    }

    fn check_precision(&self, limits: &devices::Limits) -> Result<(), Error> {
        let computes = self.precision == Precision::Float32 || limits.float64;
        computes.then_some(()).ok_or_else(|| Error::at("precision", no_float64(&self.device)))
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
    /// What a run is known by in its checkpoints: its name, all of its configuration that may not change while it is
    /// gone on with, and a fingerprint of its data.
    pub fn identity(&self, data: u32) -> String {
        let text = toml::to_string(&self.config.table()).expect("a table is valid TOML");
        let lines = fixed_lines(&text).join("\n");
        format!("{:08x}-{data:08x}", crc32fast::hash(format!("{}\n{lines}", self.name).as_bytes()))
    }

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
    /// The keys that somebody wrote, dotted, tables and what is in them.
    written: BTreeSet<String>,
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
    pub fn load(source: &Path, overrides: &Overrides, kinds: &[&dyn Kind]) -> Result<Self, Error> {
        let text = std::fs::read_to_string(source).map_err(|error| {
            Error::Config(vec![format!(
                "{}: cannot be read ({error}); check the path, or print a configuration with \
                 `unrolled init {}`",
                source.display(),
                kinds[0].name()
            )])
        })?;
        Self::parse(&text, source, overrides, kinds)
    }

    /// As [`Self::load`], from text; `source` is the file that it stands for.
    pub fn parse(
        text: &str,
        source: &Path,
        overrides: &Overrides,
        kinds: &[&dyn Kind],
    ) -> Result<Self, Error> {
        let folder = folder_of(source);
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
        document.anchor(&folder);
        let problems = Problems::default();
        let mut variants = variants::Variants::take(&mut document, text, &folder, &problems);
        // The command line has the last word: it pins a swept key, and lies over every run.
        for (path, node) in &mut options {
            // A path that was laid over the document is anchored there; here the option stands alone.
            node.anchor_as(path, &folder);
            variants.pin(path, node);
        }
        let base = Config::read(&document, source, kinds, &problems);
        let mut found = sentences(source, &document, problems);
        let mut runs = Vec::new();
        if found.is_empty() {
            for (name, document) in variants.expand(&document) {
                let problems = Problems::default();
                let config = Config::read(&document, source, kinds, &problems);
                for (key, same) in [
                    ("experiment", config.experiment == base.experiment),
                    ("name", config.name == base.name),
                ] {
                    problems.require(same, key, || {
                        format!("`{key}` cannot differ between runs; set it at the top of the file")
                    });
                }
                // What several runs have wrong in the same place is said once.
                let new = sentences(source, &document, problems).into_iter();
                let new: Vec<_> = new.filter(|sentence| !found.contains(sentence)).collect();
                found.extend(new);
                let source = source.to_owned();
                runs.push(Run { name, config, source, document });
            }
        }
        match found.is_empty() {
            true => Ok(Self { base, runs, variants, written: document.keys() }),
            false => Err(Error::Config(found)),
        }
    }

    /// The effective configuration as TOML, every default written out. Running it again gives the
    /// same run.
    pub fn effective(&self) -> String {
        effective::write(&self.base, &self.runs, &self.written, &self.variants)
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

    /// Nothing but the common keys.
    struct Bare;

    impl Kind for Bare {
        fn name(&self) -> &'static str {
            "bare"
        }

        fn sections(&self, _: &mut Reader) -> Arc<dyn Sections> {
            Arc::new(Table::new())
        }
    }

    #[test]
    fn float64_where_an_adapter_has_none_is_refused_with_the_remedy() {
        let overrides = Overrides { set: Vec::new(), device: Some("wgpu:1".to_owned()) };
        let source = Path::new("a.toml");
        let parse = |text| {
            let parsed = Configuration::parse(text, source, &overrides, &[&Bare]);
            parsed.expect("it is valid").base
        };
        let limits = devices::Limits { buffer: None, memory: None, float64: false };
        let wide = parse("experiment = \"bare\"\nprecision = \"float64\"\n");
        let message = wide.check_precision(&limits).expect_err("there is no float64").to_string();
        assert!(message.contains("\"wgpu:1\" cannot compute in"), "{message}");
        assert!(message.contains("--set 'precision=\"float32\"'"), "{message}");
        let narrow = parse("experiment = \"bare\"\nprecision = \"float32\"\n");
        assert!(narrow.check_precision(&limits).is_ok());
    }
}
