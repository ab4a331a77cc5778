//! What is read of the figures of a run; the names are those of the contract.

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Stored {
    pub failed: Option<String>,
    /// Height and width of a row that is a picture.
    pub feature_shape: Option<[usize; 2]>,
    /// Channels, height and width of an image, and of a filter.
    pub image_shape: Option<[usize; 3]>,
    pub filter_shape: Option<[usize; 3]>,
    pub stationarity: Option<Stationarity>,
    pub polish_rounds: Option<usize>,
    pub difference: Option<f64>,
    pub tests_of: Option<String>,
    pub unused_atoms: Option<usize>,
    #[serde(default)]
    pub atoms: Vec<Atom>,
    #[serde(default)]
    pub tests: Vec<Test>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Stationarity {
    pub gradient: f64,
    pub kkt: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Atom {
    pub atom: usize,
    pub used: usize,
    pub built: Vec<Weighed>,
    pub against: Vec<Weighed>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Test {
    pub example: usize,
    pub label: Option<f64>,
    pub codes: Vec<Code>,
    pub most: Vec<Weighed>,
    pub least: Vec<Weighed>,
    pub similar_by_code: Vec<Weighed>,
    #[serde(default)]
    pub saliency: Vec<Salient>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Code {
    pub atom: usize,
    pub code: f64,
}

/// A row of `test/saliency`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Salient {
    pub atom: usize,
    pub code: f64,
    pub row: usize,
}

/// A training example, or a patch of one, and its weight.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Weighed {
    pub example: usize,
    pub weight: f64,
    pub label: Option<f64>,
    /// Row and column of a patch.
    pub corner: Option<[usize; 2]>,
}
