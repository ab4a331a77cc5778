//! `encoder.fit`.

use serde::{Deserialize, Serialize};
use unrolled::fit::{AnyFit, Huber, LeastSquares, Power};

use super::reader::Reader;

/// The fit of the data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FitConfig {
    /// ½ r².
    Squared,
    /// |r|^q.
    Power {
        /// q.
        exponent: f64,
    },
    /// ½ r² inside δ, δ(|r| − δ/2) outside.
    Huber {
        /// δ.
        delta: f64,
    },
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PowerTable {
    exponent: f64,
}

impl Default for PowerTable {
    fn default() -> Self {
        Self { exponent: 2.1 }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct HuberTable {
    delta: f64,
}

impl Default for HuberTable {
    fn default() -> Self {
        Self { delta: 0.01 }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl FitConfig {
    pub(super) fn read(mut reader: Reader) -> Self {
        let problems = reader.problems();
        match reader.choice("kind", &["squared", "power", "huber"]) {
            1 => {
                let PowerTable { exponent } = reader.rest();
                problems.require(
                    exponent.is_finite() && (2.0..=10.0).contains(&exponent),
                    "encoder.fit.exponent",
                    || {
                        format!(
                            "`encoder.fit.exponent` is {exponent}; write a number from 2 to 10: below 2 the slope has \
                             no bound at 0, and kind = \"huber\" is the fit that large residuals hardly move"
                        )
                    },
                );
                Self::Power { exponent }
            }
            2 => {
                let HuberTable { delta } = reader.rest();
                problems.require(delta.is_finite() && delta > 0.0, "encoder.fit.delta", || {
                    format!("`encoder.fit.delta` is {delta}; write a number above 0")
                });
                Self::Huber { delta }
            }
            _ => {
                let Nothing {} = reader.rest();
                Self::Squared
            }
        }
    }

    /// Whether it is least squares.
    pub fn is_squared(&self) -> bool {
        *self == Self::Squared
    }

    /// The fit.
    pub fn build(self) -> AnyFit {
        match self {
            Self::Squared => AnyFit::LeastSquares(LeastSquares),
            Self::Power { exponent } => AnyFit::Power(Power { exponent }),
            Self::Huber { delta } => AnyFit::Huber(Huber { delta }),
        }
    }
}
