//! What is read of the figures of a run; the names are those of the contract.

use serde::Deserialize;

use crate::report::table::{number, unbroken};

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Stored {
    pub failed: Option<String>,
    pub feature_shape: Option<[usize; 2]>,
    pub weight: Option<f64>,
    pub classes: Option<Vec<i64>>,
    /// Codes of all steps.
    pub unsolved: Option<Unsolved>,
    /// On the rows held out, where there are any.
    #[serde(flatten)]
    pub held_out: Found,
    pub training: Option<Found>,
    pub on_rows: Option<Found>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Unsolved {
    pub codes: u64,
    pub of: u64,
}

/// Figures on some rows.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Found {
    pub examples: Option<usize>,
    pub task_loss: Option<f64>,
    pub reconstruction: Option<f64>,
    pub nonzeros: Option<f64>,
    pub accuracy: Option<f64>,
    pub r_squared: Option<f64>,
    pub confusion: Option<Vec<Vec<usize>>>,
    pub unsolved_codes: Option<usize>,
}

impl Found {
    /// How well labels are told; the larger the better.
    pub fn score(&self) -> Option<f64> {
        self.accuracy.or(self.r_squared)
    }

    /// The same as HTML: "98.02 %", or a number.
    pub fn score_text(&self) -> String {
        match (self.accuracy, self.r_squared) {
            (Some(accuracy), _) => share(accuracy),
            (None, Some(share)) => number(share),
            (None, None) => String::new(),
        }
    }
}

/// A share in per cent.
pub(super) fn share(share: f64) -> String {
    unbroken(&format!("{:.2} %", 100.0 * share))
}

impl Stored {
    /// The figures that runs are judged by, and which rows they are of: those held out, else those to train on.
    pub fn judged(&self) -> Option<(&Found, &'static str)> {
        match (&self.held_out, &self.training) {
            (found, _) if found.score().is_some() => Some((found, "held out")),
            (_, Some(found)) if found.score().is_some() => Some((found, "trained on")),
            _ => None,
        }
    }
}
