//! What is read of the figures of a run.

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Stored {
    pub failed: Option<String>,
    pub test_reconstruction: Option<f64>,
    pub unit_roundoff: Option<f64>,
    pub coherence: Option<f64>,
    pub distance: Option<BeforeAndAfter>,
    /// The share of rows that end near their atom: with a cosine of 0.9 or more.
    pub recovered: Option<f64>,
    pub rows_at_start: Option<Rows>,
    pub rows: Option<Rows>,
    pub decode: Option<Decode>,
    pub by_threshold: Option<ByThreshold>,
    pub decode_error: Option<DecodeError>,
    pub classes: Option<Classes>,
    pub feature_shape: Option<[usize; 2]>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct BeforeAndAfter {
    pub initial: Distance,
    #[serde(rename = "final")]
    pub end: Distance,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Distance {
    pub least: f64,
    pub median: f64,
    pub worst: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Rows {
    pub atoms: usize,
    pub duplicates: usize,
    pub mixtures: usize,
    pub dead: usize,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Decode {
    pub support_precision: f64,
    pub support_recall: f64,
    pub sign_accuracy: f64,
    pub exact: f64,
    pub rows: usize,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct ByThreshold {
    pub threshold: Vec<f64>,
    pub support_precision: Vec<f64>,
    pub support_recall: Vec<f64>,
    pub exact: Vec<f64>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct DecodeError {
    pub thresholding: f64,
    pub linear: Option<f64>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Classes {
    pub side: Told,
    pub size: Told,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Told {
    pub codes: f64,
    pub principal: f64,
}
