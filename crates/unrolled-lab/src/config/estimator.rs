//! Which gradient is taken.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use unrolled::gradient::{Estimator, GImplicit, GTruncated, NAMES, Reach, named};
use unrolled::loss::Loss;
use unrolled::network::SparseCoder;

use super::encoder::EncoderConfig;
use super::reader::Problems;
use crate::words::{list, nearest};

/// `estimator`: a name, or a table for `g_truncated`, `g_one_step` and `g_implicit`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum EstimatorConfig {
    /// By name.
    Named(String),
    /// `{ name = "g_truncated", loss, window }`, `{ name = "g_one_step", loss }`, `{ name = "g_implicit", loss, ridge }`.
    Table {
        /// "g_truncated", "g_one_step" or "g_implicit".
        name: String,
        /// "least-squares" or "lasso".
        loss: String,
        /// Iterations that are differentiated, of g_truncated.
        #[serde(skip_serializing_if = "Option::is_none")]
        window: Option<usize>,
        /// What is added to the system of g_implicit.
        #[serde(skip_serializing_if = "Option::is_none")]
        ridge: Option<f64>,
    },
}

/// The loss where none is said.
const LEAST_SQUARES: &str = "least-squares";

impl<'de> Deserialize<'de> for EstimatorConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Found {
            name: Option<String>,
            loss: Option<String>,
            window: Option<usize>,
            ridge: Option<f64>,
        }
        let table = match toml::Value::deserialize(deserializer)? {
            toml::Value::String(name) => return Ok(Self::Named(name)),
            toml::Value::Table(table) => toml::Value::Table(table),
            other => {
                let text = format!("{other}; write a name, or {{ name = … }}");
                return Err(D::Error::custom(text));
            }
        };
        let table: Result<Found, toml::de::Error> = table.try_into();
        let Found { name, loss, window, ridge } =
            table.map_err(|error| D::Error::custom(error.message().to_owned()))?;
        let wrong = |message: &str| Err(D::Error::custom(message));
        let Some(name) = name else {
            return wrong("an estimator without `name`; add one");
        };
        if ridge.is_some_and(|ridge| !(ridge.is_finite() && ridge >= 0.0)) {
            return wrong("`ridge` is no number of 0 or more");
        }
        match (name.as_str(), &loss, window, ridge) {
            ("g_truncated", _, None, _) => return wrong("g_truncated without `window`; add one"),
            ("g_truncated", .., None)
            | ("g_one_step", _, None, None)
            | ("g_implicit", _, None, _) => {}
            (_, _, Some(_), _) => return wrong("`window` belongs to g_truncated"),
            (_, _, _, Some(_)) => return wrong("`ridge` belongs to g_implicit"),
            (_, Some(_), ..) => {
                return wrong("`loss` belongs to g_truncated, g_one_step and g_implicit");
            }
            (_, None, None, None) => return Ok(Self::Named(name)),
        }
        let loss = loss.unwrap_or_else(|| LEAST_SQUARES.to_owned());
        Ok(Self::Table { name, loss, window, ridge })
    }
}

impl EstimatorConfig {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Named(name) | Self::Table { name, .. } => name,
        }
    }

    /// Its name with all that sets it apart from others of that name: `g_truncated_10`, `g_one_step_lasso`,
    /// `g_implicit_ridge_1e-8`. Least squares and no ridge are not said.
    pub fn label(&self) -> String {
        let Self::Table { name, loss, window, ridge } = self else {
            return self.name().to_owned();
        };
        let window = window.map(|window| format!("_{window}"));
        let loss = (loss != LEAST_SQUARES).then(|| format!("_{loss}"));
        let ridge = ridge.filter(|ridge| *ridge > 0.0).map(|ridge| format!("_ridge_{ridge:e}"));
        [Some(name.clone()), window, loss, ridge].into_iter().flatten().collect()
    }

    /// A loss that is none.
    pub fn unknown_loss(&self) -> Option<&str> {
        match self {
            Self::Table { loss, .. } if self.loss().is_none() => Some(loss),
            _ => None,
        }
    }

    /// What a loss is called.
    fn loss(&self) -> Option<Loss> {
        match self {
            Self::Named(_) => None,
            Self::Table { loss, .. } => match loss.as_str() {
                LEAST_SQUARES => Some(Loss::LeastSquares),
                "lasso" => Some(Loss::Lasso),
                _ => None,
            },
        }
    }

    /// The estimator; `None` where there is none of that name or loss.
    pub fn build<N: SparseCoder>(&self) -> Option<Box<dyn Estimator<N>>> {
        let (Self::Table { name, window, ridge, .. }, loss) = (self, self.loss()) else {
            return named(self.name());
        };
        let loss = loss?;
        Some(match name.as_str() {
            "g_implicit" => {
                Box::new(GImplicit { ridge: ridge.unwrap_or(0.0), ..GImplicit::new(loss) })
            }
            _ => Box::new(GTruncated { loss, window: window.unwrap_or(1) }),
        })
    }

    /// As [`Self::build`], where the encoder is one that it can be taken of; what is wrong is noted at `path`.
    pub fn build_for<N: SparseCoder>(
        &self,
        path: &str,
        encoder: &EncoderConfig,
        problems: &Problems,
    ) -> Option<Box<dyn Estimator<N>>> {
        let name = self.name();
        let Some(estimator) = self.build::<N>() else {
            problems.add(path, match nearest(name, &NAMES) {
                Some(near) if near != name => {
                    format!("`{path}` is \"{name}\"; did you mean \"{near}\"?")
                }
                _ => format!(
                    "`{path}` is \"{name}\"; choose {}, or {{ name = \"g_truncated\", loss = \"least-squares\" or \
                     \"lasso\", window = … }}",
                    list(&NAMES)
                ),
            });
            return None;
        };
        if let Some(reason) = self.unsuited(estimator.reach(), encoder) {
            problems.add(path, format!("`{path}` is \"{name}\", {reason}"));
        }
        if let Reach::Window(window) = estimator.reach() {
            problems.require(!encoder.is_solved() || window < encoder.iterations, path, || {
                format!(
                    "`{path}` is \"{name}\", which goes back through {window} of the at most {} iterations of a \
                     solver; write {} or more for `encoder.iterations`",
                    encoder.iterations,
                    window.saturating_add(1)
                )
            });
        }
        Some(estimator)
    }

    /// Why it cannot be taken of an encoder, and what can: after "is \"g_ae_ls\", ".
    pub fn unsuited(&self, reach: Reach, encoder: &EncoderConfig) -> Option<&'static str> {
        match reach {
            Reach::All if encoder.is_solved() => Some(
                "which goes through all iterations, and a solver's are not differentiated; choose \"g_implicit\", \
                 \"g_dec\" or \"g_one_step\", or an encoder that is unrolled",
            ),
            Reach::Solution if !encoder.prox.is_constant() => Some(
                "which goes through the solution, and a penalty that decays or is learned has none; choose \
                 \"g_ae_lasso\" or \"g_ae_ls\", or one penalty",
            ),
            _ => None,
        }
    }
}
