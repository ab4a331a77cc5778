//! `[data]`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use unrolled_data::{Amplitude, DataSet, Keys, Sign, Synthetic, load};

use super::reader::{Problems, Reader};
use super::values::finite;
use crate::Error;

/// Where the examples come from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "source", rename_all = "kebab-case")]
pub enum DataConfig {
    /// Drawn at random.
    Synthetic(SyntheticConfig),
    /// Read from a file.
    File(FileConfig),
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
    /// Labels, for tasks: read by no experiment of this version.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

impl Default for KeysConfig {
    fn default() -> Self {
        Self { X: Keys::default().x, D_star: None, Z_star: None, target: None }
    }
}

impl DataConfig {
    pub(super) fn read(mut reader: Reader, folder: &Path, problems: &Problems) -> Self {
        match reader.choice("source", &["synthetic", "file"]) {
            0 => Self::Synthetic(SyntheticConfig::read(reader, problems)),
            _ => {
                let path = reader.path_of("path");
                let mut file: FileConfig = reader.rest();
                if file.path.as_os_str().is_empty() {
                    problems.add(path, "`data.path` is missing; name a .safetensors or .npz file");
                }
                file.path = folder.join(&file.path);
                Self::File(file)
            }
        }
    }

    /// Draws or reads the data of a repeat. A file is the same in every repeat.
    pub fn load(&self, seed: u64, repeat: u64) -> Result<DataSet, Error> {
        match self {
            Self::Synthetic(synthetic) => Ok(synthetic.checked().draw(seed, repeat)),
            Self::File(file) => {
                let keys = Keys {
                    x: file.keys.X.clone(),
                    true_dictionary: file.keys.D_star.clone(),
                    true_codes: file.keys.Z_star.clone(),
                };
                load(&file.path, &keys).map_err(|error| Error::at("data.path", error.to_string()))
            }
        }
    }
}

impl SyntheticConfig {
    fn read(mut reader: Reader, problems: &Problems) -> Self {
        let sign = match reader.choice("sign", &["per-example", "per-entry"]) {
            0 => SignConfig::PerExample,
            _ => SignConfig::PerEntry,
        };
        let mut amplitude = reader.table("amplitude", "distribution");
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
        let bytes = [self.features, self.atoms]
            .iter()
            .try_fold(0usize, |sum, width| sum.checked_add(width.checked_mul(self.examples)?))
            .and_then(|numbers| numbers.checked_mul(16))
            .unwrap_or(usize::MAX);
        let free = crate::memory::available().unwrap_or(u64::MAX);
        problems.require(bytes as u64 <= free, "data.examples", || {
            format!(
                "`data.examples` is {}: the data would take about {}, and {} are free; write fewer",
                self.examples,
                crate::check::bytes(bytes as u64),
                crate::check::bytes(free)
            )
        });
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
