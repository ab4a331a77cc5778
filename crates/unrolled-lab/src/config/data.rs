//! `[data]`.

use std::path::PathBuf;

use ndarray::{Array1, Array2, Axis, s};
use serde::{Deserialize, Serialize};
use unrolled_data::{Amplitude, DataSet, Keys, Sign, Split, Synthetic, load, load_images};

use super::reader::{Problems, Reader};
use super::values::finite;
use crate::Error;
use crate::words::bytes;

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
}

/// `source = "synthetic"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SyntheticConfig {
    /// n.
    pub examples: usize,
    /// m.
    pub features: usize,
    /// p.
    pub atoms: usize,
    /// s.
    pub nonzeros: usize,
    /// "per-example" or "per-entry".
    #[serde(skip_deserializing)]
    pub sign: SignConfig,
    /// Standard deviation.
    pub noise: f64,
    /// The distribution of the non-zero entries.
    #[serde(skip_deserializing)]
    pub amplitude: AmplitudeConfig,
}

impl Default for SyntheticConfig {
    fn default() -> Self {
        Self {
            examples: 10_000,
            features: 50,
            atoms: 100,
            nonzeros: 5,
            sign: SignConfig::default(),
            noise: 0.0,
            amplitude: AmplitudeConfig::default(),
        }
    }
}

/// The keys that describe what is drawn; MNIST has a limit of `examples` too.
const SYNTHETIC: [&str; 7] =
    ["examples", "features", "atoms", "nonzeros", "amplitude", "sign", "noise"];

/// `sign`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignConfig {
    /// One sign for all entries of an example.
    #[default]
    PerExample,
    /// One for each entry.
    PerEntry,
}

/// `amplitude`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "distribution", rename_all = "kebab-case")]
pub enum AmplitudeConfig {
    /// `{ distribution = "uniform", low, high }`.
    Uniform(Uniform),
    /// `{ distribution = "normal", mean, std }`.
    Normal(Normal),
}

impl Default for AmplitudeConfig {
    fn default() -> Self {
        Self::Uniform(Uniform::default())
    }
}

/// Uniform in [low, high).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Uniform {
    low: f64,
    high: f64,
}

impl Default for Uniform {
    fn default() -> Self {
        Self { low: 1.0, high: 2.0 }
    }
}

/// Normal with mean and standard deviation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Normal {
    mean: f64,
    std: f64,
}

impl Default for Normal {
    fn default() -> Self {
        Self { mean: 5.0, std: 1.0 }
    }
}

/// `source = "file"`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileConfig {
    /// A .safetensors or .npz file.
    pub path: PathBuf,
    /// Other names of the arrays.
    pub keys: KeysConfig,
    /// Height and width of an example, where it is a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    feature_shape: Option<[usize; 2]>,
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

/// `standardise`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standardise {
    /// As they are.
    #[default]
    None,
    /// The mean of every feature is taken off.
    Center,
    /// And all are divided by their common standard deviation.
    CenterAndScale,
}

const STANDARDISE: [&str; 3] = ["none", "center", "center-and-scale"];

impl Standardise {
    fn read(reader: &mut Reader) -> Self {
        match reader.choice("standardise", &STANDARDISE) {
            0 => Self::None,
            1 => Self::Center,
            _ => Self::CenterAndScale,
        }
    }
}

/// What was done to the examples, so that it can be done to others.
#[derive(Clone, Debug, PartialEq)]
pub struct Preprocessing {
    /// What is taken off every example, `[m]`.
    pub mean: Array1<f64>,
    /// What it is then divided by.
    pub scale: f64,
}

impl Preprocessing {
    /// From examples `[n, m]`.
    pub fn fit(x: &Array2<f64>, standardise: Standardise) -> Option<Self> {
        let mean = x.mean_axis(Axis(0))?;
        match standardise {
            Standardise::None => None,
            Standardise::Center => Some(Self { mean, scale: 1.0 }),
            Standardise::CenterAndScale => {
                let centered = x - &mean;
                let variance = centered.iter().map(|v| v * v).sum::<f64>() / x.len() as f64;
                let scale = if variance > 0.0 { variance.sqrt() } else { 1.0 };
                Some(Self { mean, scale })
            }
        }
    }

    /// `(x − mean) / scale`.
    pub fn apply(&self, x: &Array2<f64>) -> Array2<f64> {
        (x - &self.mean) / self.scale
    }

    /// The same to examples and their targets.
    pub fn apply_to(&self, data: &mut DataSet) {
        data.x = self.apply(&data.x);
        data.target = data.target.as_ref().map(|target| self.apply(target));
    }
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
        let source = reader.choice("source", &["synthetic", "file", "mnist"]);
        let path = reader.path_of("path");
        // Where other keys are wrong, this one may still be there.
        let has_path = reader.has_text("path");
        if source != 0 {
            reader.refuse(&SYNTHETIC[usize::from(source == 2)..], |key| {
                format!("`data.{key}` belongs to `source = \"synthetic\"`; remove it")
            });
        }
        match source {
            0 => Self::Synthetic(SyntheticConfig::read(reader, problems)),
            1 => {
                let standardise = Standardise::read(&mut reader);
                let file = FileConfig { standardise, ..reader.rest() };
                if !has_path {
                    problems.add(path, "`data.path` is missing; name a .safetensors or .npz file");
                }
                Self::File(file)
            }
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
            Self::File(_) | Self::Mnist(_) => None,
        }
    }

    /// Draws or reads the data of a repeat. A file is the same in every repeat.
    pub fn load(&self, seed: u64, repeat: u64) -> Result<DataSet, Error> {
        Ok(self.load_with_shape(seed, repeat)?.data)
    }

    /// As [`Self::load`], with what was done to the examples and the shape of a picture.
    pub fn load_with_shape(&self, seed: u64, repeat: u64) -> Result<Loaded, Error> {
        let mut loaded = self.load_as_is(seed, repeat)?;
        let preprocessing = Preprocessing::fit(&loaded.data.x, self.standardise());
        if let Some(preprocessing) = &preprocessing {
            preprocessing.apply_to(&mut loaded.data);
        }
        Ok(Loaded { preprocessing, ..loaded })
    }

    /// What is asked to be done to the examples.
    pub fn standardise(&self) -> Standardise {
        match self {
            Self::Synthetic(_) => Standardise::None,
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
        let (mut data, feature_shape) = match self {
            Self::Synthetic(synthetic) => (synthetic.checked().draw(seed, repeat), None),
            Self::Mnist(mnist) => {
                let split = if mnist.split == "test" { Split::Test } else { Split::Train };
                let images = load_images(&mnist.path, split, &mnist.classes)
                    .map_err(|error| Error::at("data.path", error.to_string()))?;
                let mut data = images.data;
                if let Some(most) = mnist.examples.filter(|most| *most < data.examples()) {
                    data.x = data.x.slice(s![..most, ..]).to_owned();
                    data.labels = data.labels.map(|rows| rows.slice(s![..most, ..]).to_owned());
                }
                (data, Some(images.shape))
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
        let features = data.features();
        if let Some([height, width]) = feature_shape
            && height.checked_mul(width) != Some(features)
        {
            return Err(Error::at(
                "data.feature_shape",
                format!(
                    "`data.feature_shape` is [{height}, {width}], but an example has {features} \
                     features; write two numbers whose product is {features}"
                ),
            ));
        }
        data.image = data.image.or(feature_shape.map(|[height, width]| [1, height, width]));
        let of_image = data.image.filter(|image| image[0] == 1);
        let feature_shape = feature_shape.or(of_image.map(|[_, height, width]| [height, width]));
        Ok(Loaded { data, preprocessing: None, feature_shape })
    }
}

impl SyntheticConfig {
    fn read(mut reader: Reader, problems: &Problems) -> Self {
        let sign = match reader.choice("sign", &["per-example", "per-entry"]) {
            0 => SignConfig::PerExample,
            _ => SignConfig::PerEntry,
        };
        let mut amplitude = reader.table("amplitude");
        let amplitude = match amplitude.choice("distribution", &["uniform", "normal"]) {
            0 => AmplitudeConfig::Uniform(amplitude.rest()),
            _ => AmplitudeConfig::Normal(amplitude.rest()),
        };
        let section = Self { sign, amplitude, ..reader.rest() };
        section.check(problems);
        section
    }

    fn check(&self, problems: &Problems) {
        for (key, value) in [
            ("examples", self.examples),
            ("features", self.features),
            ("atoms", self.atoms),
            ("nonzeros", self.nonzeros),
        ] {
            problems.require(value > 0, &format!("data.{key}"), || {
                format!("`data.{key}` is 0; write 1 or more")
            });
        }
        let [n, m, p] = [self.examples, self.features, self.atoms].map(|size| size as f64);
        let free = crate::memory::available().unwrap_or(u64::MAX);
        for (key, value, what, numbers) in [
            ("data.examples", self.examples, "the data", n * (m + p)),
            ("data.atoms", self.atoms, "the dictionary", m * p),
        ] {
            let needed = (16.0 * numbers) as u64;
            problems.require(needed <= free, key, || {
                format!(
                    "`{key}` is {value}: {what} would take about {}, and {} are free; write fewer",
                    bytes(needed),
                    bytes(free)
                )
            });
        }
        problems.require(self.nonzeros <= self.atoms, "data.nonzeros", || {
            format!(
                "`data.nonzeros` is {}, more than the {} atoms there are; write {} or less",
                self.nonzeros, self.atoms, self.atoms
            )
        });
        finite(problems, "data.noise", self.noise, 0.0);
        match &self.amplitude {
            AmplitudeConfig::Uniform(Uniform { low, high }) => {
                let fine = low.is_finite() && high.is_finite() && low <= high;
                problems.require(fine, "data.amplitude", || {
                    format!(
                        "`data.amplitude` runs from {low} to {high}; write low ≤ high, both finite"
                    )
                });
            }
            AmplitudeConfig::Normal(Normal { mean, std }) => {
                problems.require(mean.is_finite(), "data.amplitude", || {
                    format!("`data.amplitude.mean` is {mean}; write a finite number")
                });
                finite(problems, "data.amplitude.std", *std, 0.0);
            }
        }
    }

    fn checked(&self) -> Synthetic {
        Synthetic {
            examples: self.examples,
            features: self.features,
            atoms: self.atoms,
            nonzeros: self.nonzeros,
            amplitude: match self.amplitude {
                AmplitudeConfig::Uniform(Uniform { low, high }) => Amplitude::Uniform { low, high },
                AmplitudeConfig::Normal(Normal { mean, std }) => Amplitude::Normal { mean, std },
            },
            sign: match self.sign {
                SignConfig::PerExample => Sign::PerExample,
                SignConfig::PerEntry => Sign::PerEntry,
            },
            noise: self.noise,
        }
    }
}
