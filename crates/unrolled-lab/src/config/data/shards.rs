//! `source = "shards"`: rows in files that need not fit into memory.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use unrolled_data::{DataSet, Keys, Rows};

use super::shape::{FeatureShape, shaped};
use super::{Loaded, Standardise};
use crate::Error;
use crate::config::reader::Reader;

/// Rows of .npy, .safetensors or raw IDX files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShardsConfig {
    /// A file, a folder of them, or a pattern of their names with `*`, `?` or `[…]`.
    pub path: PathBuf,
    /// The array in a .safetensors file.
    key: String,
    /// Rows that are in memory together, and shuffled among each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<usize>,
    /// Height and width of an example, where it is a picture; before them channels, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    feature_shape: Option<FeatureShape>,
    #[serde(skip_deserializing)]
    pub standardise: Standardise,
}

impl Default for ShardsConfig {
    fn default() -> Self {
        Self {
            path: PathBuf::new(),
            key: Keys::default().x,
            window: None,
            feature_shape: None,
            standardise: Standardise::None,
        }
    }
}

impl ShardsConfig {
    /// Reads the section but for its source, and checks it.
    pub(super) fn read(mut reader: Reader) -> Self {
        let problems = reader.problems();
        let (path, has_path) = (reader.path_of("path"), reader.has_text("path"));
        let standardise = Standardise::read(&mut reader);
        let section = Self { standardise, ..reader.rest() };
        if !has_path {
            problems.add(
                path,
                "`data.path` is missing; name a file, a folder or a pattern, as in \"rows/*.npy\"",
            );
        }
        problems.require(section.window != Some(0), "data.window", || {
            "`data.window` is 0; write how many rows are in memory together, 1 or more".to_owned()
        });
        problems.require(section.standardise != Standardise::Whiten, "data.standardise", || {
            "`data.standardise` is \"whiten\", which needs the covariance of all rows, and the one pass over shards finds \
             mean and variance alone; write \"center-and-scale\", or read one file with `source = \"file\"`"
                .to_owned()
        });
        section
    }

    /// Opens the files.
    pub fn open(&self) -> Result<Rows, Error> {
        Rows::open(&self.path, &self.key).map_err(|error| Error::at("data.path", error.to_string()))
    }

    /// Reads all of them into memory.
    pub(super) fn load(&self) -> Result<Loaded, Error> {
        let rows = self.open()?;
        let x = rows.read(0, rows.shape()[0]);
        let x = x.map_err(|error| Error::at("data.path", error.to_string()))?;
        self.shaped(DataSet { image: rows.image(), ..DataSet::of_rows(x) })
    }

    /// Examples of the shape that is asked for.
    pub fn shaped(&self, data: DataSet) -> Result<Loaded, Error> {
        shaped(data, self.feature_shape)
    }
}
