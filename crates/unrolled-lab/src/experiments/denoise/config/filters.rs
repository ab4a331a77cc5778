//! `[dictionary]` with `kind = "convolutional"`.

use std::path::PathBuf;

use burn::tensor::{Device, Tensor};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use unrolled::dictionary::{Constraint, FilterConstraint, initialisation};
use unrolled::prelude::Precision;
use unrolled::random::Stream;
use unrolled::tensors::to_tensor;
use unrolled_data::read_array;

use crate::Error;
use crate::config::Reader;

/// The filters that a run starts from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FiltersConfig {
    kind: &'static str,
    /// p.
    pub atoms: usize,
    /// Height and width.
    pub size: [usize; 2],
    /// Pixels between two places of a filter.
    pub stride: usize,
    #[serde(serialize_with = "constraint_name")]
    pub constraint: FilterConstraint,
    /// `init`.
    pub init: FilterInit,
}

/// How they start.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "method", rename_all = "kebab-case")]
pub enum FilterInit {
    /// Normal numbers, each filter of norm 1.
    Random,
    /// An array `[p, c, h, w]` in a file.
    File {
        /// The file.
        path: PathBuf,
        /// The array.
        key: String,
    },
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

const CONSTRAINTS: [(&str, FilterConstraint); 4] = [
    ("unit-sphere", FilterConstraint::Whole(Constraint::UnitSphere)),
    ("unit-ball", FilterConstraint::Whole(Constraint::UnitBall)),
    ("unit-sphere-per-channel", FilterConstraint::UnitSpherePerChannel),
    ("none", FilterConstraint::Whole(Constraint::None)),
];

fn constraint_name<S: serde::Serializer>(
    of: &FilterConstraint,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let name = CONSTRAINTS.iter().find(|(_, constraint)| constraint == of);
    serializer.serialize_str(name.expect("every constraint has a name").0)
}

impl FiltersConfig {
    /// Reads the section and checks it.
    pub fn read(mut reader: Reader) -> Self {
        let problems = reader.problems();
        reader.choice("kind", &["convolutional"]);
        let constraint = CONSTRAINTS[reader.choice("constraint", &CONSTRAINTS.map(|c| c.0))].1;
        let mut init = reader.table("init");
        let init = match init.choice("method", &["random", "file"]) {
            0 => {
                let Nothing {} = init.rest();
                FilterInit::Random
            }
            _ => {
                let FromFile { path, key } = init.rest();
                let given = !path.as_os_str().is_empty() && !key.is_empty();
                problems.require(given, "dictionary.init", || {
                    "`dictionary.init` lacks a file or an array; write { method = \"file\", path = \"…\", key = \
                     \"…\" }"
                        .to_owned()
                });
                FilterInit::File { path, key }
            }
        };
        let section = Self {
            kind: "convolutional",
            atoms: reader.value("atoms", 64),
            size: reader.value("size", [9, 9]),
            stride: reader.value("stride", 4),
            constraint,
            init,
        };
        let Nothing {} = reader.rest();
        for (key, value) in [
            ("atoms", section.atoms),
            ("stride", section.stride),
            ("size", section.size[0].min(section.size[1])),
        ] {
            let path = format!("dictionary.{key}");
            problems.require(value > 0, &path, || format!("`{path}` has a 0; write 1 or more"));
            problems.require(value <= 4096, &path, || {
                format!("`{path}` is {value}; write 4096 or less")
            });
        }
        let [height, width] = section.size;
        problems.require(section.stride <= height.min(width), "dictionary.stride", || {
            format!(
                "`dictionary.stride` is {}, larger than a filter of {height} × {width}, so that pixels between filters \
                 would be lost; write {} or less",
                section.stride,
                height.min(width)
            )
        });
        section
    }

    /// The filters `[p, c·h·w]` that a run starts from, within the constraint.
    pub fn initialise(&self, channels: usize, seed: u64) -> Result<Array2<f64>, Error> {
        let entries = channels * self.size[0] * self.size[1];
        match &self.init {
            FilterInit::Random => {
                let mut stream = Stream::new(seed, "filters", 0);
                let atoms = initialisation::random(entries, self.atoms, &mut stream);
                Ok(atoms.t().to_owned())
            }
            FilterInit::File { path, key } => {
                let problem = |message: String| Error::at("dictionary.init", message);
                let (shape, values) =
                    read_array(path, key).map_err(|error| problem(error.to_string()))?;
                let expected = vec![self.atoms, channels, self.size[0], self.size[1]];
                if shape != expected {
                    return Err(problem(format!(
                        "`dictionary.init` reads `{key}` of shape {:?}, but the configuration asks for {expected:?} \
                         (atoms, channels, height, width); set `atoms`, `size` and `data.channels` to that",
                        shape
                    )));
                }
                Array2::from_shape_vec((self.atoms, entries), values)
                    .map_err(|error| problem(error.to_string()))
            }
        }
    }

    /// As filters `[p, c, h, w]`, within the constraint.
    pub fn tensor(&self, start: &Array2<f64>, precision: Precision, device: &Device) -> Tensor<4> {
        let [height, width] = self.size;
        let channels = start.ncols() / (height * width);
        let filters = to_tensor(start, precision, device);
        let filters = filters.reshape([self.atoms, channels, height, width]);
        self.constraint.project(filters)
    }
}
