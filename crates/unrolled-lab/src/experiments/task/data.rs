//! The data and the start of a task-driven run.

use std::sync::{Arc, OnceLock};

use ndarray::{Array2, Axis, concatenate, s};
use unrolled::random::Stream;
use unrolled_data::DataSet;

use super::baseline::Baseline;
use super::config::{HeldOut, Sections, TaskConfig};
use super::labels::{self, Labels};
use crate::Error;
use crate::arrays::fingerprint;
use crate::config::{Config, DataConfig, DictionaryConfig, Loaded, Preprocessing};

/// What the data and the start of a configuration are: the same for every run that differs in nothing else.
#[derive(Clone)]
pub(super) struct Prepared {
    /// First the examples to train on, then those held out, each in the order of the data.
    pub data: Arc<DataSet>,
    /// Examples to train on.
    pub training: usize,
    pub labels: Arc<Labels>,
    /// As the loss compares with them, `[n, k]`.
    pub label_rows: Arc<Array2<f64>>,
    /// What was done to the examples.
    pub preprocessing: Option<Preprocessing>,
    /// Height and width of an example, where it is a picture.
    pub feature_shape: Option<[usize; 2]>,
    /// D⁰, atoms as columns, `[entries, p]`.
    pub start: Arc<Array2<f64>>,
    /// A checksum of examples and labels.
    pub fingerprint: u32,
    /// The same task on the rows themselves, once it was asked for.
    pub baseline: Arc<OnceLock<Baseline>>,
}

type Key = (DataConfig, DictionaryConfig, TaskConfig, u64);

/// Keeps what was prepared last.
#[derive(Default)]
pub(super) struct Shelf(super::super::shelf::Shelf<Key, Prepared>);

impl Shelf {
    /// What a run needs.
    pub fn prepared(&self, config: &Config) -> Result<Prepared, Error> {
        let Sections { data, dictionary, task, .. } = config.sections();
        // Runs with and without the task share their data.
        let task = TaskConfig { weight: 1.0, ..task.clone() };
        let key = (data.clone(), dictionary.clone(), task, config.seed);
        self.0.take(key, || prepare(config))
    }
}

fn prepare(config: &Config) -> Result<Prepared, Error> {
    let sections: &Sections = config.sections();
    let Loaded { data, feature_shape, .. } = sections.data.load_as_is(config.seed, 0)?;
    if data.examples() == 0 {
        return Err(Error::at("data", "the data have no examples; give some"));
    }
    let Some(labels) = &data.labels else {
        let message = "the data have no labels; name their array with `data.keys.label`";
        return Err(Error::at("data", message));
    };
    labels::check(labels, sections.task.kind, &sections.data)?;
    let (mut data, training) = split(data, sections, config.seed)?;
    let mut first = rows(&data, &(0..training).collect::<Vec<_>>());
    let preprocessing = Preprocessing::fit(&first.x, sections.data.standardise())?;
    if let Some(preprocessing) = &preprocessing {
        preprocessing.apply_to(&mut data);
        preprocessing.apply_to(&mut first);
    }
    let found = data.labels.take().unwrap_or_default();
    let labels = Labels::new(&found, sections.task.kind, training, &sections.data)?;
    sections.dictionary.fit_truth(&mut first)?;
    // What is held out has no part in the start either.
    let start = Arc::new(sections.dictionary.initialise(&first, data.image, config.seed, 0)?);
    let fingerprint = fingerprint(&[&data.x, &found]);
    data.true_codes = None;
    let (data, labels) = (Arc::new(data), Arc::new(labels));
    let label_rows = Arc::new(labels.rows.clone());
    Ok(Prepared {
        data,
        training,
        labels,
        label_rows,
        preprocessing,
        feature_shape,
        start,
        fingerprint,
        baseline: Arc::default(),
    })
}

/// The data with the rows held out behind the others, and how many those are.
fn split(data: DataSet, sections: &Sections, seed: u64) -> Result<(DataSet, usize), Error> {
    let examples = data.examples();
    let share = match sections.task.validation {
        HeldOut::Test => {
            let test = sections.data.load_test().expect("it was checked that there are some")?;
            return Ok((behind(data, &test), examples));
        }
        HeldOut::Share(share) => share,
    };
    let held_out = (share * examples as f64).round() as usize;
    if held_out >= examples {
        return Err(Error::at(
            "task.validation",
            format!(
                "`task.validation` is {share}, which leaves none of the {examples} examples to train on; write a \
                 smaller fraction"
            ),
        ));
    }
    if held_out == 0 {
        return Ok((data, examples));
    }
    let drawn =
        Stream::new(seed, "task/held-out", 0).sample_without_replacement(examples, held_out);
    let mut held = vec![false; examples];
    drawn.into_iter().for_each(|row| held[row] = true);
    let (last, first): (Vec<usize>, Vec<usize>) = (0..examples).partition(|row| held[*row]);
    Ok((rows(&data, &[first, last].concat()), examples - held_out))
}

/// Some rows of everything that has rows.
fn rows(data: &DataSet, rows: &[usize]) -> DataSet {
    let select = |array: &Array2<f64>| array.select(Axis(0), rows);
    DataSet {
        x: select(&data.x),
        labels: data.labels.as_ref().map(select),
        target: data.target.as_ref().map(select),
        true_codes: data.true_codes.as_ref().map(select),
        true_dictionary: data.true_dictionary.clone(),
        image: data.image,
    }
}

/// Images with others behind them, and their labels.
fn behind(data: DataSet, others: &DataSet) -> DataSet {
    let append = |a: &Array2<f64>, b: &Array2<f64>| {
        concatenate(Axis(0), &[a.slice(s![.., ..]), b.slice(s![.., ..])])
            .expect("images of one folder are of one size")
    };
    let labels = data.labels.as_ref().zip(others.labels.as_ref());
    DataSet { x: append(&data.x, &others.x), labels: labels.map(|(a, b)| append(a, b)), ..data }
}
