//! `[dictionary]`.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use unrolled::dictionary::initialisation::{self, Pairwise};
use unrolled::dictionary::{AnyDictionary, Constraint};
use unrolled::prelude::{ConvolutionalDictionary, DenseDictionary, Precision};
use unrolled::random::Stream;
use unrolled::tensors::{to_array, to_tensor};
use unrolled_data::DataSet;

use super::filters::FiltersConfig;
use super::reader::Reader;
use super::values::finite;
use crate::Error;
use crate::words::bytes;

/// The dictionary that a run starts from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum DictionaryConfig {
    /// `kind = "dense"`.
    Dense(DenseConfig),
    /// `kind = "convolutional"`.
    Convolutional(FiltersConfig),
}

/// A matrix.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DenseConfig {
    kind: &'static str,
    /// p, where the data do not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub atoms: Option<usize>,
    /// `constraint`.
    #[serde(serialize_with = "constraint_name")]
    pub constraint: Constraint,
    /// `init`.
    pub init: Init,
}

/// How it starts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "method", rename_all = "kebab-case")]
pub enum Init {
    /// `normalise(D* + noise · N)`.
    PerturbedTruth {
        /// Standard deviation of every entry.
        noise: f64,
    },
    /// `normalise(N)`.
    Random,
    /// Examples.
    Data,
    /// Leading singular vectors of the examples.
    Svd,
    /// The method of Arora et al.
    Pairwise {
        /// Pairs of examples to try for each atom.
        pairs_per_atom: usize,
    },
    /// A matrix `[m, p]` in a .safetensors or .npz file.
    File {
        /// The file.
        path: PathBuf,
        /// The array.
        key: String,
    },
}

const CONSTRAINTS: [(&str, Constraint); 4] = [
    ("unit-sphere", Constraint::UnitSphere),
    ("unit-ball", Constraint::UnitBall),
    ("unit-frobenius", Constraint::UnitFrobenius),
    ("none", Constraint::None),
];

fn constraint_name<S: serde::Serializer>(
    of: &Constraint,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let name = CONSTRAINTS.iter().find(|(_, constraint)| constraint == of);
    serializer.serialize_str(name.expect("every constraint has a name").0)
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Atoms {
    atoms: Option<usize>,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PerturbedTruth {
    noise: f64,
}

impl Default for PerturbedTruth {
    fn default() -> Self {
        Self { noise: 0.02 }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PairwiseConfig {
    pairs_per_atom: usize,
}

impl Default for PairwiseConfig {
    fn default() -> Self {
        Self { pairs_per_atom: Pairwise::default().pairs_per_atom }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct FromFile {
    path: PathBuf,
    key: String,
}

impl DictionaryConfig {
    /// Reads the section and checks it.
    pub fn read(mut reader: Reader) -> Self {
        match reader.choice("kind", &["dense", "convolutional"]) {
            0 => Self::Dense(DenseConfig::read(reader)),
            _ => Self::Convolutional(FiltersConfig::read_keys(reader)),
        }
    }

    /// Whether the constraint is of all atoms together.
    pub fn ties_atoms(&self) -> bool {
        match self {
            Self::Dense(dense) => dense.constraint == Constraint::UnitFrobenius,
            Self::Convolutional(filters) => filters.ties_filters(),
        }
    }

    /// The atoms that a repeat starts from, as columns `[entries, p]`, within the constraint. `image`: the channels, the
    /// height and the width of an example, where it is a picture.
    pub fn initialise(
        &self,
        data: &DataSet,
        image: Option<[usize; 3]>,
        seed: u64,
        repeat: u64,
    ) -> Result<Array2<f64>, Error> {
        match self {
            Self::Dense(dense) => dense.initialise(data, seed, repeat),
            Self::Convolutional(filters) => {
                let image = filters.check_image(image)?;
                if data.examples() == 0 && filters.init.takes_patches() {
                    return Err(Error::at("data", "the data have no examples; give some"));
                }
                let [height, width] = filters.size;
                let columns = filters.initialise(image[0], (seed, repeat), |stream| {
                    let row = data.x.row(stream.below(data.examples()));
                    let top = stream.below(image[1] - height + 1);
                    let left = stream.below(image[2] - width + 1);
                    let entry = |channel: usize, y: usize, x: usize| {
                        row[(channel * image[1] + top + y) * image[2] + left + x]
                    };
                    let places = (0..image[0]).flat_map(|c| {
                        (0..height).flat_map(move |y| (0..width).map(move |x| (c, y, x)))
                    });
                    places.map(|(c, y, x)| entry(c, y, x)).collect()
                })?;
                let filters = filters.tensor(&columns, Precision::Float64, &Device::flex());
                let [p, c, h, w] = filters.dims();
                Ok(to_array(&filters.reshape([p, c * h * w]).transpose()))
            }
        }
    }

    /// Leaves of what is known of examples what is of this kind of dictionary: of a convolution the true codes
    /// `[n, p·h'·w']`, where they are that, and true filters `[c·h·w, p]`.
    pub fn fit_truth(&self, data: &mut DataSet) -> Result<(), Error> {
        let Self::Convolutional(filters) = self else { return Ok(()) };
        let [channels, height, width] = filters.check_image(data.image)?;
        let places = |pixels: usize, size: usize| (pixels - size) / filters.stride + 1;
        let codes =
            filters.atoms * places(height, filters.size[0]) * places(width, filters.size[1]);
        let fits =
            |truth: &Array2<f64>| truth.nrows() == filters.size[0] * filters.size[1] * channels;
        data.true_dictionary = data
            .true_dictionary
            .take()
            .filter(|truth| fits(truth) && truth.ncols() == filters.atoms);
        match data.true_codes.as_ref().map(Array2::ncols) {
            Some(found) if found != codes => Err(Error::at(
                "data",
                format!(
                    "the data have true codes of {found} numbers, but codes of these filters have {codes}; leave them out"
                ),
            )),
            _ => Ok(()),
        }
    }

    /// The dictionary with these atoms, `[entries, p]`, for examples of this shape.
    pub fn build(
        &self,
        columns: &Array2<f64>,
        image: Option<[usize; 3]>,
        precision: Precision,
        device: &Device,
    ) -> AnyDictionary {
        match self {
            Self::Dense(dense) => {
                let dictionary = DenseDictionary::new(to_tensor(columns, precision, device));
                AnyDictionary::Dense(dictionary.with_constraint(dense.constraint))
            }
            Self::Convolutional(filters) => {
                let [_, height, width] =
                    image.expect("it was looked at when the filters were made");
                let tensor = filters.tensor(columns, precision, device);
                let dictionary =
                    ConvolutionalDictionary::new(tensor, [height, width], filters.stride);
                AnyDictionary::Convolutional(dictionary.with_constraint(filters.constraint))
            }
        }
    }

    /// How many atoms are asked for.
    pub fn atoms(&self) -> Option<usize> {
        match self {
            Self::Dense(dense) => dense.atoms,
            Self::Convolutional(filters) => Some(filters.atoms),
        }
    }

    /// Whether it is a convolution.
    pub fn is_convolutional(&self) -> bool {
        matches!(self, Self::Convolutional(_))
    }
}

impl DenseConfig {
    /// Reads the section but for its kind, and checks it.
    fn read(mut reader: Reader) -> Self {
        let problems = reader.problems();
        let constraint = CONSTRAINTS[reader.choice("constraint", &CONSTRAINTS.map(|c| c.0))].1;
        let mut init = reader.table("init");
        let methods = ["perturbed-truth", "random", "file", "data", "svd", "pairwise"];
        let init = match init.choice("method", &methods) {
            0 => {
                let PerturbedTruth { noise } = init.rest();
                finite(problems, "dictionary.init.noise", noise, 0.0);
                Init::PerturbedTruth { noise }
            }
            1 => {
                let Nothing {} = init.rest();
                Init::Random
            }
            3 => {
                let Nothing {} = init.rest();
                Init::Data
            }
            4 => {
                let Nothing {} = init.rest();
                Init::Svd
            }
            5 => {
                let PairwiseConfig { pairs_per_atom } = init.rest();
                let at = "dictionary.init.pairs_per_atom";
                problems
                    .require(pairs_per_atom > 0, at, || format!("`{at}` is 0; write 1 or more"));
                Init::Pairwise { pairs_per_atom }
            }
            _ => {
                let FromFile { path, key } = init.rest();
                for (name, missing) in
                    [("path", path.as_os_str().is_empty()), ("key", key.is_empty())]
                {
                    let at = format!("dictionary.init.{name}");
                    problems.require(!missing, &at, || {
                        format!("`{at}` is missing; write {{ method = \"file\", path = \"…\", key = \"…\" }}")
                    });
                }
                Init::File { path, key }
            }
        };
        let Atoms { atoms } = reader.rest();
        problems.require(atoms != Some(0), "dictionary.atoms", || {
            "`dictionary.atoms` is 0; write 1 or more".to_owned()
        });
        Self { kind: "dense", atoms, constraint, init }
    }

    /// The dictionary that a repeat starts from, `[m, p]`, within the constraint.
    fn initialise(&self, data: &DataSet, seed: u64, repeat: u64) -> Result<Array2<f64>, Error> {
        let mut stream = Stream::new(seed, "dictionary", repeat);
        let known = data
            .true_dictionary
            .as_ref()
            .map(Array2::ncols)
            .or(data.true_codes.as_ref().map(Array2::ncols));
        if let (Some(known), Some(asked)) = (known, self.atoms)
            && known != asked
        {
            return Err(Error::at(
                "dictionary.atoms",
                format!(
                    "`dictionary.atoms` is {asked}, but the data have {known} true atoms; \
                     leave the key out or write {known}"
                ),
            ));
        }
        let atoms = || {
            let atoms = known.or(self.atoms).ok_or_else(|| {
                let message =
                    "`dictionary.atoms` is missing; say how many atoms to learn, as in atoms = 128";
                Error::at("dictionary", message)
            })?;
            let needed = (16.0 * atoms as f64 * data.features() as f64) as u64;
            match crate::memory::available() {
                Some(free) if needed > free => Err(Error::at(
                    "dictionary.atoms",
                    format!(
                        "`dictionary.atoms` is {atoms}: the dictionary would take about {}, and {} are free; \
                         write fewer",
                        bytes(needed),
                        bytes(free)
                    ),
                )),
                _ => Ok(atoms),
            }
        };
        let start = match &self.init {
            Init::PerturbedTruth { noise } => match &data.true_dictionary {
                Some(truth) => initialisation::perturbed_truth(truth, *noise, &mut stream),
                None => {
                    let atoms = match known.or(self.atoms) {
                        Some(_) => "",
                        None => ", and say how many atoms with `dictionary.atoms`",
                    };
                    return Err(Error::at(
                        "dictionary.init",
                        format!(
                            "`dictionary.init` is \"perturbed-truth\", but the data have no true \
                             dictionary; choose \"data\" or \"random\"{atoms} (or give `D_star` in the file)"
                        ),
                    ));
                }
            },
            Init::Random => initialisation::random(data.features(), atoms()?, &mut stream),
            Init::Data => initialisation::from_examples(&data.x, atoms()?, &mut stream),
            Init::Svd => initialisation::svd(&data.x, atoms()?, &mut stream),
            Init::Pairwise { pairs_per_atom } => {
                let settings = Pairwise { pairs_per_atom: *pairs_per_atom, ..Pairwise::default() };
                initialisation::pairwise(&data.x, atoms()?, &settings, &mut stream)
            }
            Init::File { path, key } => self.read_start(path, key, data, known)?,
        };
        Ok(self.constraint.project(start))
    }

    fn read_start(
        &self,
        path: &Path,
        key: &str,
        data: &DataSet,
        known: Option<usize>,
    ) -> Result<Array2<f64>, Error> {
        let start = unrolled_data::read_matrix(path, key)
            .map_err(|error| Error::at("dictionary.init", error.to_string()))?;
        let atoms = known.or(self.atoms).unwrap_or(start.ncols());
        let expected = (data.features(), atoms);
        if start.dim() != expected || atoms == 0 {
            return Err(Error::at(
                "dictionary.init",
                format!(
                    "`dictionary.init` reads `{key}` of shape {:?}, but the data ask for {expected:?} \
                     (features, atoms); give a matrix of that shape",
                    start.dim()
                ),
            ));
        }
        Ok(start)
    }
}
