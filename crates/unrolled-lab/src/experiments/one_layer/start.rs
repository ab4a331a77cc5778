//! `layer.init`: where W starts.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::Reader;

const METHODS: [&str; 4] = ["distance", "random", "samples", "file"];

/// `init`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "method", rename_all = "kebab-case")]
pub enum Start {
    /// Every row on the unit sphere, at this distance from its own atom.
    Distance {
        /// From 0 to 2.
        distance: f64,
    },
    /// Normalised normal rows.
    Random,
    /// Normalised examples.
    Samples,
    /// From a file.
    File {
        /// A .safetensors or .npz file.
        path: PathBuf,
        /// W, `[p, m]`.
        key: String,
    },
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Distance {
    distance: f64,
}

impl Default for Distance {
    fn default() -> Self {
        Self { distance: 0.3 }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct FromFile {
    path: PathBuf,
    key: String,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Nothing {}

impl Start {
    /// Reads the table and checks it.
    pub fn read(mut reader: Reader) -> Self {
        let problems = reader.problems();
        match reader.choice("method", &METHODS) {
            0 => {
                let Distance { distance } = reader.rest();
                let at = "layer.init.distance";
                problems.require((0.0..=2.0).contains(&distance), at, || {
                    format!(
                        "`{at}` is {distance}; rows and atoms have norm 1, so write a distance from 0 to 2"
                    )
                });
                Self::Distance { distance }
            }
            1 => {
                let Nothing {} = reader.rest();
                Self::Random
            }
            2 => {
                let Nothing {} = reader.rest();
                Self::Samples
            }
            _ => {
                let FromFile { path, key } = reader.rest();
                for (name, missing) in
                    [("path", path.as_os_str().is_empty()), ("key", key.is_empty())]
                {
                    let at = format!("layer.init.{name}");
                    problems.require(!missing, &at, || {
                        format!("`{at}` is missing; write {{ method = \"file\", path = \"…\", key = \"…\" }}")
                    });
                }
                Self::File { path, key }
            }
        }
    }
}
