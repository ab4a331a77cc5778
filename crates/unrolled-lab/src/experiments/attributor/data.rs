//! The data and the start of a run.

use std::sync::Arc;

use ndarray::Array2;
use unrolled::random::Stream;
use unrolled_data::{DataSet, read_array, read_matrix};

use super::config::{AttributorConfig, FromFile, LinearInit, Sections};
use super::measure::Plane;
use crate::Error;
use crate::arrays::fingerprint;
use crate::config::{Config, DataConfig, DictionaryConfig, Preprocessing};
use crate::principal::Principal;

/// What the data and the start of a configuration are: the same for every run that differs in nothing else.
#[derive(Clone)]
pub(super) struct Prepared {
    pub data: Arc<DataSet>,
    /// What was done to the examples.
    pub preprocessing: Option<Preprocessing>,
    /// D⁰, `[m, k]`.
    pub dictionary: Arc<Array2<f64>>,
    /// W⁰, `[k, m]`.
    pub weight: Arc<Array2<f64>>,
    /// b⁰, `[1, k]`.
    pub bias: Arc<Array2<f64>>,
    /// What is drawn of examples and atoms.
    pub plane: Arc<Plane>,
    /// The least that a mean of squares can be where shares sum to 1: reconstructions then lie in the flat through the k
    /// atoms, which has k − 1 dimensions.
    pub floor: f64,
    /// A checksum of the examples.
    pub fingerprint: u32,
}

type Key = (DataConfig, AttributorConfig, DictionaryConfig, u64);

/// Keeps what was prepared last.
#[derive(Default)]
pub(super) struct Shelf(super::super::shelf::Shelf<Key, Prepared>);

impl Shelf {
    /// What a run needs.
    pub fn prepared(&self, config: &Config) -> Result<Prepared, Error> {
        let Sections { data, attributor, dictionary, .. } = config.sections();
        let key = (data.clone(), attributor.clone(), dictionary.clone(), config.seed);
        self.0.take(key, || prepare(config))
    }
}

fn prepare(config: &Config) -> Result<Prepared, Error> {
    let Sections { data, attributor, dictionary, .. } = config.sections();
    let loaded = data.load_with_shape(config.seed, 0)?;
    let mut examples = loaded.data;
    if examples.examples() == 0 {
        return Err(Error::at("data", "the data have no examples; give some"));
    }
    // The truth is no part of this: there may be more terms than true atoms.
    (examples.true_dictionary, examples.true_codes) = (None, None);
    let start = dictionary.initialise(&examples, examples.image, config.seed, 0)?;
    let (features, terms) = (examples.features(), attributor.terms);
    let [weight, bias] = match &attributor.init {
        LinearInit::Default => drawn([terms, features], config.seed),
        LinearInit::File(from) => read(from, [terms, features])?,
    };
    let principal = Principal::of(&examples.x, terms - 1);
    Ok(Prepared {
        fingerprint: fingerprint(&[&examples.x]),
        preprocessing: loaded.preprocessing,
        dictionary: Arc::new(start),
        weight: Arc::new(weight),
        bias: Arc::new(bias),
        plane: Arc::new(Plane::of(&examples.x)),
        floor: principal.left_out() / features as f64,
        data: Arc::new(examples),
    })
}

/// As PyTorch's `Linear` starts: uniform between −1/√m and 1/√m.
fn drawn([terms, features]: [usize; 2], seed: u64) -> [Array2<f64>; 2] {
    let mut stream = Stream::new(seed, "attributor/linear", 0);
    let most = 1.0 / (features as f64).sqrt();
    [(terms, features), (1, terms)]
        .map(|shape| Array2::from_shape_simple_fn(shape, || stream.uniform_between(-most, most)))
}

fn read(from: &FromFile, [terms, features]: [usize; 2]) -> Result<[Array2<f64>; 2], Error> {
    let wrong = |message: String| Error::at("attributor.init", message);
    let weight = read_matrix(&from.path, &from.weight).map_err(|error| wrong(error.to_string()))?;
    let (shape, values) =
        read_array(&from.path, &from.bias).map_err(|error| wrong(error.to_string()))?;
    if weight.dim() != (terms, features) {
        return Err(wrong(format!(
            "`attributor.init` reads `{}` of shape {:?}, but W is [{terms}, {features}] (terms, features); give a matrix \
             of that shape",
            from.weight,
            weight.shape()
        )));
    }
    let bias = Array2::from_shape_vec((1, terms), values).map_err(|_| {
        wrong(format!(
            "`attributor.init` reads `{}` of shape {shape:?}, but b has {terms} numbers, one for each term; give as many",
            from.bias
        ))
    })?;
    Ok([weight, bias])
}
