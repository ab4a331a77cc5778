//! `[dictionary]` with `kind = "convolutional"`.

use std::path::PathBuf;

use burn::tensor::{Device, Tensor};
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};
use unrolled::dictionary::{Constraint, FilterConstraint, initialisation};
use unrolled::prelude::Precision;
use unrolled::random::Stream;
use unrolled::tensors::to_tensor;
use unrolled_data::read_array;

use super::reader::Reader;
use crate::Error;

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
    /// Patches of the images.
    Data,
    /// Leading singular vectors of patches.
    Svd,
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

/// Patches that are looked at for every atom.
const PATCHES_OF_AN_ATOM: usize = 20;

const CONSTRAINTS: [(&str, FilterConstraint); 5] = [
    ("unit-sphere", FilterConstraint::Whole(Constraint::UnitSphere)),
    ("unit-ball", FilterConstraint::Whole(Constraint::UnitBall)),
    ("unit-frobenius", FilterConstraint::Whole(Constraint::UnitFrobenius)),
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

impl FilterInit {
    /// Whether patches of the data are looked at.
    pub fn takes_patches(&self) -> bool {
        matches!(self, Self::Data | Self::Svd)
    }
}

impl FiltersConfig {
    /// Whether the constraint is of all filters together.
    pub fn ties_filters(&self) -> bool {
        self.constraint == FilterConstraint::Whole(Constraint::UnitFrobenius)
    }

    /// Reads a section whose only kind this is, and checks it.
    pub fn read(mut reader: Reader) -> Self {
        reader.choice("kind", &["convolutional"]);
        Self::read_keys(reader)
    }

    /// Reads the section but for its kind, and checks it.
    pub(super) fn read_keys(mut reader: Reader) -> Self {
        let problems = reader.problems();
        let constraint = CONSTRAINTS[reader.choice("constraint", &CONSTRAINTS.map(|c| c.0))].1;
        let mut init = reader.table("init");
        let init = match init.choice("method", &["random", "file", "data", "svd"]) {
            0 => {
                let Nothing {} = init.rest();
                FilterInit::Random
            }
            2 => {
                let Nothing {} = init.rest();
                FilterInit::Data
            }
            3 => {
                let Nothing {} = init.rest();
                FilterInit::Svd
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
        let least = height.min(width);
        problems.require(least == 0 || section.stride <= least, "dictionary.stride", || {
            format!(
                "`dictionary.stride` is {}, larger than a filter of {height} × {width}, so that pixels between filters \
                 would be lost; write {} or less",
                section.stride,
                height.min(width)
            )
        });
        section
    }

    /// The channels, the height and the width of examples, where they are pictures that hold a filter.
    pub fn check_image(&self, image: Option<[usize; 3]>) -> Result<[usize; 3], Error> {
        let image = image.ok_or_else(|| {
            let message = "`dictionary.kind` is \"convolutional\", but the examples are rows of no shape; give `X` as \
                           [n, channels, height, width], or set `data.feature_shape = [height, width]`";
            Error::at("dictionary", message)
        })?;
        let [height, width] = self.size;
        match image[1] >= height && image[2] >= width {
            true => Ok(image),
            false => Err(Error::at(
                "dictionary.size",
                format!(
                    "`dictionary.size` is [{height}, {width}], larger than the examples, which are {} × {}; write smaller \
                     filters",
                    image[1], image[2]
                ),
            )),
        }
    }

    /// Which filters a run starts from: atoms as columns, `[c·h·w, p]`, not yet within the constraint. `patch` draws a patch
    /// `[c, h, w]` of the examples.
    pub fn initialise(
        &self,
        channels: usize,
        (seed, repeat): (u64, u64),
        patch: impl FnMut(&mut Stream) -> Vec<f64>,
    ) -> Result<Array2<f64>, Error> {
        let entries = channels * self.size[0] * self.size[1];
        let mut stream = Stream::new(seed, "filters", repeat);
        match &self.init {
            FilterInit::Random => Ok(initialisation::random(entries, self.atoms, &mut stream)),
            FilterInit::Data | FilterInit::Svd => {
                let patches = self.patches(entries, (seed, repeat), patch);
                Ok(match self.init {
                    FilterInit::Svd => initialisation::svd(&patches, self.atoms, &mut stream),
                    _ => initialisation::from_examples(&patches, self.atoms, &mut stream),
                })
            }
            FilterInit::File { path, key } => {
                let problem = |message: String| Error::at("dictionary.init", message);
                let (shape, values) =
                    read_array(path, key).map_err(|error| problem(error.to_string()))?;
                let expected = vec![self.atoms, channels, self.size[0], self.size[1]];
                if shape != expected {
                    return Err(problem(format!(
                        "`dictionary.init` reads `{key}` of shape {shape:?}, but the configuration asks for {expected:?} \
                         (atoms, channels, height, width); set `atoms`, `size` and the channels of the data to that"
                    )));
                }
                let rows = Array2::from_shape_vec((self.atoms, entries), values);
                Ok(rows.map_err(|error| problem(error.to_string()))?.t().to_owned())
            }
        }
    }

    /// Patches without their means, which are in every patch and would be in every atom.
    fn patches(
        &self,
        entries: usize,
        (seed, repeat): (u64, u64),
        mut patch: impl FnMut(&mut Stream) -> Vec<f64>,
    ) -> Array2<f64> {
        let count = (PATCHES_OF_AN_ATOM * self.atoms).max(entries);
        let mut patches = Array2::zeros((count, entries));
        for (index, mut row) in patches.rows_mut().into_iter().enumerate() {
            let place = repeat * count as u64 + index as u64;
            let drawn = Array1::from(patch(&mut Stream::new(seed, "patches", place)));
            let mean = drawn.mean().unwrap_or(0.0);
            row.assign(&(drawn - mean));
        }
        patches
    }

    /// Atoms as columns, `[c·h·w, p]`, as filters `[p, c, h, w]` within the constraint.
    pub fn tensor(
        &self,
        columns: &Array2<f64>,
        precision: Precision,
        device: &Device,
    ) -> Tensor<4> {
        let [height, width] = self.size;
        let channels = columns.nrows() / (height * width);
        let filters = to_tensor(&columns.t().to_owned(), precision, device);
        let filters = filters.reshape([self.atoms, channels, height, width]);
        self.constraint.project(filters)
    }
}
