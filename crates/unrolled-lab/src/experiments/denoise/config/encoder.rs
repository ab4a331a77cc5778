//! `[encoder]` over images.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::{EncoderConfig, Reader};

/// The encoder, and how images are laid before it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImageEncoderConfig {
    /// `split`² shifted copies are encoded, shifted back and averaged.
    pub split: usize,
    /// Pixels of reflection on every side.
    pub border: usize,
    /// Whether the iterations have filters of their own.
    pub untied: Untied,
    #[serde(flatten)]
    pub encoder: EncoderConfig,
}

/// `untied`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untied {
    /// false: the decoder's filters.
    No,
    /// true: of an analysis and a synthesis, the same in all iterations.
    Yes,
    /// "per-iteration".
    PerIteration,
}

impl Serialize for Untied {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::No => serializer.serialize_bool(false),
            Self::Yes => serializer.serialize_bool(true),
            Self::PerIteration => serializer.serialize_str("per-iteration"),
        }
    }
}

impl<'de> Deserialize<'de> for Untied {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(deserializer)? {
            toml::Value::Boolean(false) => Ok(Self::No),
            toml::Value::Boolean(true) => Ok(Self::Yes),
            toml::Value::String(text) if text == "per-iteration" => Ok(Self::PerIteration),
            other => {
                let message = format!("{other}; write true, false or \"per-iteration\"");
                Err(serde::de::Error::custom(message))
            }
        }
    }
}

impl ImageEncoderConfig {
    /// Reads the section and checks it.
    pub fn read(mut reader: Reader) -> Self {
        let problems = reader.problems();
        let split = reader.value("split", 1);
        let border = reader.value("border", 0);
        let untied = reader.value("untied", Untied::No);
        problems.require((1..=32).contains(&split), "encoder.split", || {
            format!("`encoder.split` is {split}; write a number from 1, no copies, to 32")
        });
        problems.require(border <= 4096, "encoder.border", || {
            format!("`encoder.border` is {border}; write 4096 pixels or less")
        });
        Self { split, border, untied, encoder: EncoderConfig::read(reader) }
    }

    /// Pairs of analysis and synthesis filters.
    pub fn pairs(&self) -> usize {
        match self.untied {
            Untied::No => 0,
            Untied::Yes => 1,
            Untied::PerIteration => self.encoder.iterations,
        }
    }
}
