//! `[dictionary]`.

use std::path::{Path, PathBuf};

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use unrolled::dictionary::Constraint;
use unrolled::dictionary::initialisation::{self, Pairwise};
use unrolled::random::Stream;
use unrolled_data::DataSet;

use super::reader::Reader;
use super::values::finite;
use crate::Error;
use crate::words::bytes;

/// The dictionary that a run starts from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DictionaryConfig {
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

const CONSTRAINTS: [(&str, Constraint); 3] = [
    ("unit-sphere", Constraint::UnitSphere),
    ("unit-ball", Constraint::UnitBall),
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
        let problems = reader.problems();
        reader.choice("kind", &["dense"]);
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
    pub fn initialise(&self, data: &DataSet, seed: u64, repeat: u64) -> Result<Array2<f64>, Error> {
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
