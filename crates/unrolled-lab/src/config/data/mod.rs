//! `[data]`.

mod gaussians;
mod patches;
mod preprocessing;
mod shape;
mod shards;
mod shifts;
mod synthetic;

pub use gaussians::GaussiansConfig;
pub use patches::PatchesConfig;
pub use preprocessing::{Preprocessing, Standardise};
pub use shards::ShardsConfig;
pub use shifts::ShiftsConfig;
pub use synthetic::SyntheticConfig;

use std::path::PathBuf;

use ndarray::s;
use serde::{Deserialize, Serialize};
use unrolled_data::{DataSet, Keys, Split, load, load_images};

use super::reader::Reader;
use crate::Error;
use shape::{FeatureShape, shaped};

/// Where the examples come from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "source", rename_all = "kebab-case")]
pub enum DataConfig {
    /// Drawn at random.
    Synthetic(SyntheticConfig),
    /// Read from a file.
    File(FileConfig),
    /// MNIST or Fashion-MNIST.
    Mnist(MnistConfig),
    /// Drawn around some means.
    Gaussians(GaussiansConfig),
    /// Pieces of images.
    Patches(PatchesConfig),
    /// Shifted copies of filters.
    Shifts(ShiftsConfig),
    /// Rows of files that need not fit into memory.
    Shards(ShardsConfig),
}

/// What `source` may be.
const SOURCES: [&str; 7] =
    ["synthetic", "file", "mnist", "gaussians", "patches", "shifts", "shards"];

/// `source = "file"`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileConfig {
    /// A .safetensors or .npz file.
    pub path: PathBuf,
    /// Other names of the arrays.
    pub keys: KeysConfig,
    /// Height and width of an example, where it is a picture; before them channels, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    feature_shape: Option<FeatureShape>,
    #[serde(skip_deserializing)]
    standardise: Standardise,
}

/// `source = "mnist"`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MnistConfig {
    /// A folder with the four IDX files, plain or gzip.
    pub path: PathBuf,
    /// "train" or "test".
    #[serde(skip_deserializing)]
    split: &'static str,
    /// The classes to take; all where it is empty.
    classes: Vec<u8>,
    /// At most so many images, the first; all where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub examples: Option<usize>,
    #[serde(skip_deserializing)]
    standardise: Standardise,
}

/// Examples and what was done to them.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The examples.
    pub data: DataSet,
    /// What was done to them, if anything.
    pub preprocessing: Option<Preprocessing>,
    /// Height and width of an example, where it is a picture.
    pub feature_shape: Option<[usize; 2]>,
}

/// `keys`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(non_snake_case)]
pub struct KeysConfig {
    X: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    D_star: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    Z_star: Option<String>,
    /// What reconstructions are held against, of the shape of X.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// What a task asks of every example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl Default for KeysConfig {
    fn default() -> Self {
        Self { X: Keys::default().x, D_star: None, Z_star: None, target: None, label: None }
    }
}

impl DataConfig {
    /// Reads the section and checks it.
    pub fn read(mut reader: Reader) -> Self {
        let problems = reader.problems();
        let source = reader.choice("source", &SOURCES);
        let path = reader.path_of("path");
        // Where other keys are wrong, this one may still be there.
        let has_path = reader.has_text("path");
        // Of what is drawn, sources share some keys.
        let shared: &[&str] = match source {
            1 | 6 => &[],
            3 => &["examples", "features"],
            5 => &["examples", "noise"],
            _ => &["examples"],
        };
        let foreign: Vec<&str> =
            synthetic::KEYS.into_iter().filter(|key| !shared.contains(key)).collect();
        if source != 0 {
            reader.refuse(&foreign, |key| {
                format!("`data.{key}` belongs to `source = \"synthetic\"`; remove it")
            });
        }
        match source {
            0 => Self::Synthetic(SyntheticConfig::read(reader, problems)),
            1 => {
                let standardise = Standardise::read(&mut reader);
                let file = FileConfig { standardise, ..reader.rest() };
                if !has_path {
                    problems.add(
                        path,
                        "`data.path` is missing; name a .safetensors, .npy or .npz file",
                    );
                }
                Self::File(file)
            }
            3 => Self::Gaussians(GaussiansConfig::read(reader)),
            4 => Self::Patches(PatchesConfig::read(reader)),
            5 => Self::Shifts(ShiftsConfig::read(reader)),
            6 => Self::Shards(ShardsConfig::read(reader)),
            _ => {
                let standardise = Standardise::read(&mut reader);
                let split = ["train", "test"][reader.choice("split", &["train", "test"])];
                let mnist = MnistConfig { standardise, split, ..reader.rest() };
                if !has_path {
                    problems.add(path, "`data.path` is missing; name the folder of the IDX files");
                }
                problems.require(mnist.examples != Some(0), "data.examples", || {
                    "`data.examples` is 0; write 1 or more".to_owned()
                });
                Self::Mnist(mnist)
            }
        }
    }

    /// n, m and p, where they are known before the data are there.
    pub fn sizes(&self) -> Option<[usize; 3]> {
        match self {
            Self::Synthetic(SyntheticConfig { examples, features, atoms, .. }) => {
                Some([*examples, *features, *atoms])
            }
            _ => None,
        }
    }

    /// Draws or reads the data of a repeat. A file is the same in every repeat.
    pub fn load(&self, seed: u64, repeat: u64) -> Result<DataSet, Error> {
        Ok(self.load_with_shape(seed, repeat)?.data)
    }

    /// As [`Self::load`], with what was done to the examples and the shape of a picture.
    pub fn load_with_shape(&self, seed: u64, repeat: u64) -> Result<Loaded, Error> {
        let mut loaded = self.load_as_is(seed, repeat)?;
        let preprocessing = Preprocessing::fit(&loaded.data.x, self.standardise())?;
        if let Some(preprocessing) = &preprocessing {
            preprocessing.apply_to(&mut loaded.data);
        }
        Ok(Loaded { preprocessing, ..loaded })
    }

    /// What is asked to be done to the examples.
    pub fn standardise(&self) -> Standardise {
        match self {
            Self::Synthetic(_) | Self::Gaussians(_) | Self::Shifts(_) => Standardise::None,
            Self::Patches(patches) => patches.standardise,
            Self::Shards(shards) => shards.standardise,
            Self::File(file) => file.standardise,
            Self::Mnist(mnist) => mnist.standardise,
        }
    }

    /// Whether they are images to train on that have others to test on.
    pub fn has_test(&self) -> bool {
        matches!(self, Self::Mnist(mnist) if mnist.split == "train")
    }

    /// Those to test on, of the same classes.
    pub fn load_test(&self) -> Option<Result<DataSet, Error>> {
        let Self::Mnist(mnist) = self else { return None };
        self.has_test().then(|| {
            let images = load_images(&mnist.path, Split::Test, &mnist.classes);
            Ok(images.map_err(|error| Error::at("data.path", error.to_string()))?.data)
        })
    }

    /// As [`Self::load_with_shape`], with nothing done to the examples.
    pub fn load_as_is(&self, seed: u64, repeat: u64) -> Result<Loaded, Error> {
        let (data, feature_shape) = match self {
            Self::Shards(shards) => return shards.load(),
            Self::Synthetic(synthetic) => (synthetic.checked().draw(seed, repeat), None),
            Self::Gaussians(gaussians) => (gaussians.checked().draw(seed, repeat), None),
            Self::Patches(patches) => (patches.load(seed, repeat)?, None),
            Self::Shifts(shifts) => (shifts.checked().draw(seed, repeat), None),
            Self::Mnist(mnist) => {
                let split = if mnist.split == "test" { Split::Test } else { Split::Train };
                let images = load_images(&mnist.path, split, &mnist.classes)
                    .map_err(|error| Error::at("data.path", error.to_string()))?;
                let mut data = images.data;
                if let Some(most) = mnist.examples.filter(|most| *most < data.examples()) {
                    data.x = data.x.slice(s![..most, ..]).to_owned();
                    data.labels = data.labels.map(|rows| rows.slice(s![..most, ..]).to_owned());
                }
                (data, Some(FeatureShape::Plane(images.shape)))
            }
            Self::File(file) => {
                let keys = Keys {
                    x: file.keys.X.clone(),
                    true_dictionary: file.keys.D_star.clone(),
                    true_codes: file.keys.Z_star.clone(),
                    target: file.keys.target.clone(),
                    label: file.keys.label.clone(),
                };
                let data = load(&file.path, &keys)
                    .map_err(|error| Error::at("data.path", error.to_string()))?;
                (data, file.feature_shape)
            }
        };
        shaped(data, feature_shape)
    }
}
