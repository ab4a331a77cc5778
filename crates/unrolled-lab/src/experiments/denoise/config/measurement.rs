//! `[measurement]`: x ≈ A D z.

use serde::{Deserialize, Serialize};

use crate::config::Reader;

/// What is measured of an image.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum MeasurementConfig {
    /// All of it.
    None,
    /// Some of its pixels.
    Mask {
        /// The share of the pixels that is kept.
        keep: f64,
    },
    /// A blurred image.
    Blur {
        /// "gaussian".
        kernel: &'static str,
        /// Standard deviation, in pixels.
        width: f64,
    },
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Nothing {}

impl MeasurementConfig {
    /// Reads the section and checks it.
    pub fn read(mut reader: Reader) -> Self {
        let problems = reader.problems();
        match reader.choice("kind", &["none", "mask", "blur"]) {
            0 => {
                let Nothing {} = reader.rest();
                Self::None
            }
            1 => {
                let keep = reader.value("keep", 0.5);
                let Nothing {} = reader.rest();
                problems.require(keep > 0.0 && keep <= 1.0, "measurement.keep", || {
                    format!("`measurement.keep` is {keep}; write a share above 0, at most 1")
                });
                Self::Mask { keep }
            }
            _ => {
                let kernel = ["gaussian"][reader.choice("kernel", &["gaussian"])];
                let width = reader.value("width", 1.6);
                let Nothing {} = reader.rest();
                problems.require(width > 0.0 && width <= 50.0, "measurement.width", || {
                    format!("`measurement.width` is {width}; write pixels above 0, at most 50")
                });
                Self::Blur { kernel, width }
            }
        }
    }

    /// Whether images are measured all.
    pub fn is_all(&self) -> bool {
        *self == Self::None
    }
}
