//! The data and the start of a learning run.

use std::sync::Arc;

use ndarray::Array2;
use unrolled_data::DataSet;

use super::config::Sections;
use crate::Error;
use crate::arrays::fingerprint;
use crate::config::{Config, DataConfig, DictionaryConfig, Loaded, Preprocessing};

/// What the data and the start of a configuration are: the same for every run that differs in nothing else.
#[derive(Clone)]
pub(in crate::experiments) struct Prepared {
    pub data: Arc<DataSet>,
    /// What was done to the examples.
    pub preprocessing: Option<Preprocessing>,
    /// Height and width of an example, where it is a picture.
    pub feature_shape: Option<[usize; 2]>,
    /// D⁰, atoms as columns, `[entries, p]`.
    pub start: Arc<Array2<f64>>,
    /// A checksum of the examples.
    pub fingerprint: u32,
}

type Key = (DataConfig, DictionaryConfig, u64);

/// Keeps what was prepared last.
#[derive(Default)]
pub(in crate::experiments) struct Shelf(super::super::shelf::Shelf<Key, Prepared>);

impl Shelf {
    /// What a run needs.
    pub fn prepared(&self, config: &Config, sections: &Sections) -> Result<Prepared, Error> {
        let Sections { data, dictionary, .. } = sections;
        let key = (data.clone(), dictionary.clone(), config.seed);
        self.0.take(key, || {
            let Loaded { mut data, preprocessing, feature_shape } =
                data.load_with_shape(config.seed, 0)?;
            dictionary.fit_truth(&mut data)?;
            let start = Arc::new(dictionary.initialise(&data, data.image, config.seed, 0)?);
            let fingerprint = fingerprint(&[&data.x]);
            let data = Arc::new(data);
            Ok(Prepared { data, preprocessing, feature_shape, start, fingerprint })
        })
    }
}
