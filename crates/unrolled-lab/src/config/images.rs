//! Which images a section names.

use std::path::PathBuf;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// Which images.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Where {
    /// A folder or a file.
    Path(PathBuf),
    /// Several.
    Paths(Vec<PathBuf>),
    /// So many that are drawn.
    Count(usize),
}

impl Default for Where {
    fn default() -> Self {
        Self::Paths(Vec::new())
    }
}

impl<'de> Deserialize<'de> for Where {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = |value: toml::Value| value.as_str().map(PathBuf::from);
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(path) => Ok(Self::Path(path.into())),
            toml::Value::Integer(count) if count >= 0 => Ok(Self::Count(count as usize)),
            toml::Value::Array(paths) => match paths.into_iter().map(path).collect() {
                Some(paths) => Ok(Self::Paths(paths)),
                None => Err(D::Error::custom(
                    "a list with something else than paths in it; write a folder, or a list of files",
                )),
            },
            other => Err(D::Error::custom(format!("{other}; write a folder, or a list of files"))),
        }
    }
}

impl Where {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Path(path) => path.as_os_str().is_empty(),
            Self::Paths(paths) => paths.is_empty(),
            Self::Count(count) => *count == 0,
        }
    }
}
