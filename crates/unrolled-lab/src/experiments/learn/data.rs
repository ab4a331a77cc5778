//! The data and the start of a learning run.

use std::sync::Arc;

use ndarray::Array2;
use unrolled_data::{DataSet, Rows, Survey};

use super::config::Sections;
use crate::Error;
use crate::arrays::fingerprint;
use crate::config::{Config, DataConfig, DictionaryConfig, Loaded, Preprocessing, ShardsConfig};
use crate::training::window_and_stretch;

/// What the data and the start of a configuration are: the same for every run that differs in nothing else.
#[derive(Clone)]
pub(in crate::experiments) struct Prepared {
    /// All examples; where they are streamed, some of them, from which the dictionary starts.
    pub data: Arc<DataSet>,
    /// Where the examples are, if they are not all in memory.
    pub stream: Option<Streaming>,
    /// What was done to the examples.
    pub preprocessing: Option<Preprocessing>,
    /// Height and width of an example, where it is a picture.
    pub feature_shape: Option<[usize; 2]>,
    /// D⁰, atoms as columns, `[entries, p]`.
    pub start: Arc<Array2<f64>>,
    /// A checksum of the examples.
    pub fingerprint: u32,
}

/// Examples in files.
#[derive(Clone)]
pub(in crate::experiments) struct Streaming {
    pub files: Arc<Rows>,
    /// Rows that are in memory together, where that is asked for.
    pub window: Option<usize>,
    /// The largest ‖x‖² of a row, before anything is done to it.
    largest_norm_squared: f64,
}

/// Bytes of the rows that a dictionary starts from, where they are streamed.
const SAMPLE: usize = 32 << 20;

impl Prepared {
    /// n.
    pub fn examples(&self) -> usize {
        self.stream.as_ref().map_or(self.data.examples(), |stream| stream.files.shape()[0])
    }

    /// How many examples are in memory together, where batches have so many.
    pub fn held(&self, batch: usize) -> usize {
        let windows = self.stream.as_ref().map_or(0, |Streaming { files, window, .. }| {
            let [window, _] = window_and_stretch(files, *window);
            ((batch.div_ceil(window) + 1) * window).min(files.shape()[0])
        });
        self.data.examples() + windows
    }

    /// Refuses fewer rows of files than atoms: such a dictionary could hold each of them.
    pub fn check_rows(&self, sections: &Sections) -> Result<(), Error> {
        let (rows, atoms) = (self.examples(), self.start.ncols());
        let is_read = matches!(sections.data, DataConfig::Shards(_));
        match is_read && rows < atoms && !sections.dictionary.is_convolutional() {
            false => Ok(()),
            true => Err(Error::at(
                "data.path",
                format!(
                    "`data.path` has {rows} rows, fewer than the {atoms} atoms; give more rows, or write a smaller \
                     `dictionary.atoms`"
                ),
            )),
        }
    }

    /// Refuses examples whose squares are beyond the precision.
    pub fn check_range(&self, config: &Config) -> Result<(), Error> {
        let Some(stream) = &self.stream else { return config.check_range(&self.data) };
        let (mean, scale) = match &self.preprocessing {
            Some(Preprocessing { mean, scale, .. }) => (mean.dot(mean).sqrt(), *scale),
            None => (0.0, 1.0),
        };
        config.check_norm((stream.largest_norm_squared.sqrt() + mean) / scale)
    }
}

type Key = (DataConfig, DictionaryConfig, u64);

/// Keeps what was prepared last.
#[derive(Default)]
pub(in crate::experiments) struct Shelf {
    last: super::super::shelf::Shelf<Key, Prepared>,
    /// Whether all examples are needed in memory.
    whole: bool,
}

impl Shelf {
    /// Of data that are all in memory, whatever their source.
    pub fn of_whole_data() -> Self {
        Self { whole: true, ..Self::default() }
    }

    /// What a run needs.
    pub fn prepared(&self, config: &Config, sections: &Sections) -> Result<Prepared, Error> {
        let Sections { data, dictionary, .. } = sections;
        let key = (data.clone(), dictionary.clone(), config.seed);
        self.last.take(key, || {
            let (stream, fingerprint, loaded) = match data {
                DataConfig::Shards(shards) if !self.whole => {
                    streamed(shards, dictionary.atoms().unwrap_or(0), config.seed)?
                }
                _ => {
                    let loaded = data.load_with_shape(config.seed, 0)?;
                    (None, fingerprint(&[&loaded.data.x]), loaded)
                }
            };
            let Loaded { mut data, preprocessing, feature_shape } = loaded;
            dictionary.fit_truth(&mut data)?;
            let start = Arc::new(dictionary.initialise(&data, data.image, config.seed, 0)?);
            let data = Arc::new(data);
            Ok(Prepared { data, stream, preprocessing, feature_shape, start, fingerprint })
        })
    }
}

/// Goes over the files once, and takes a sample of their rows.
fn streamed(
    shards: &ShardsConfig,
    atoms: usize,
    seed: u64,
) -> Result<(Option<Streaming>, u32, Loaded), Error> {
    let files = Arc::new(shards.open()?);
    let at = |error: unrolled_data::DataError| Error::at("data.path", error.to_string());
    let [n, m] = files.shape();
    let survey = files.survey().map_err(at)?;
    let Some(Survey { mean, variance, largest_norm_squared, checksum }) = survey else {
        let message = format!(
            "`data.path` has {n} rows of {m} entries; give files with at least one of each"
        );
        return Err(Error::at("data.path", message));
    };
    let preprocessing = Preprocessing::of(mean, variance, shards.standardise);
    // Atoms may start as rows.
    let count = n.min((SAMPLE / (8 * m)).max(atoms).max(1));
    let mut values = Vec::with_capacity(count * m);
    let mut stream = unrolled::random::Stream::new(seed, "data/sample", 0);
    for at_row in 0..count {
        // One of every part, so that they lie in order.
        let [from, to] = [at_row, at_row + 1].map(|part| part * (n / count) + part.min(n % count));
        let row = from + stream.below(to - from);
        files.append(row..row + 1, &mut values).map_err(at)?;
    }
    let x = Array2::from_shape_vec((count, m), values).expect("rows have m entries");
    let mut loaded = shards.shaped(DataSet { image: files.image(), ..DataSet::of_rows(x) })?;
    if let Some(preprocessing) = &preprocessing {
        preprocessing.apply_to(&mut loaded.data);
    }
    let streaming = Streaming { files, window: shards.window, largest_norm_squared };
    Ok((Some(streaming), checksum, Loaded { preprocessing, ..loaded }))
}
