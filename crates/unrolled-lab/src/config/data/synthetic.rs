//! `source = "synthetic"`: sparse codes through a random dictionary.

use serde::{Deserialize, Serialize};
use unrolled_data::{Amplitude, Sign, Synthetic, Truth};

use crate::config::reader::{Problems, Reader};
use crate::config::values::finite;
use crate::words::bytes;

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
    /// "random" or "incoherent".
    #[serde(skip_deserializing)]
    pub dictionary: TruthConfig,
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
            dictionary: TruthConfig::default(),
        }
    }
}

/// The keys that describe what is drawn.
pub(super) const KEYS: [&str; 8] =
    ["examples", "features", "atoms", "nonzeros", "amplitude", "sign", "noise", "dictionary"];

/// `dictionary`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TruthConfig {
    /// Normal entries, columns normalised.
    #[default]
    Random,
    /// Two orthonormal bases, turned at random.
    Incoherent,
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

impl SyntheticConfig {
    pub(super) fn read(mut reader: Reader, problems: &Problems) -> Self {
        let sign = match reader.choice("sign", &["per-example", "per-entry"]) {
            0 => SignConfig::PerExample,
            _ => SignConfig::PerEntry,
        };
        let mut amplitude = reader.table("amplitude");
        let amplitude = match amplitude.choice("distribution", &["uniform", "normal"]) {
            0 => AmplitudeConfig::Uniform(amplitude.rest()),
            _ => AmplitudeConfig::Normal(amplitude.rest()),
        };
        let dictionary = match reader.choice("dictionary", &["random", "incoherent"]) {
            0 => TruthConfig::Random,
            _ => TruthConfig::Incoherent,
        };
        let section = Self { sign, amplitude, dictionary, ..reader.rest() };
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
        let most = 2 * self.features;
        let fits = self.dictionary == TruthConfig::Random || self.atoms <= most;
        problems.require(fits, "data.atoms", || {
            format!(
                "`data.atoms` is {}, but the two bases of an incoherent dictionary have {most}; write {most} or less, or \
                 `dictionary = \"random\"`",
                self.atoms
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

    /// What it says, checked.
    pub fn checked(&self) -> Synthetic {
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
            truth: match self.dictionary {
                TruthConfig::Random => Truth::Random,
                TruthConfig::Incoherent => Truth::Incoherent,
            },
        }
    }
}
