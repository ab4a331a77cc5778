//! The data and the start of a run.

use std::sync::Arc;

use ndarray::{Array2, Axis, s};
use unrolled::dictionary::initialisation;
use unrolled::random::Stream;
use unrolled_data::{DataSet, read_matrix};

use super::config::{ExamplesConfig, LayerConfig, Sections};
use super::start::Start;
use crate::Error;
use crate::arrays::fingerprint;
use crate::config::{Config, DataConfig, Preprocessing};

/// What the data and the start of a configuration are: the same for every run that differs in nothing else.
#[derive(Clone)]
pub(super) struct Prepared {
    /// Examples to train on, and what is known of them.
    pub data: Arc<DataSet>,
    /// Examples to test on: others of the same dictionary, or the last fifth of the rows.
    pub test: Arc<DataSet>,
    /// What was done to the examples.
    pub preprocessing: Option<Preprocessing>,
    /// A, atoms of norm 1 as columns, `[m, p]`.
    pub truth: Option<Arc<Array2<f64>>>,
    /// W⁰, `[p, m]`.
    pub weight: Arc<Array2<f64>>,
    /// D⁰, `[m, p]`, where it is not Wᵀ.
    pub output: Option<Arc<Array2<f64>>>,
    /// A checksum of the examples.
    pub fingerprint: u32,
}

type Key = (ExamplesConfig, LayerConfig, u64);

/// Keeps what was prepared last.
#[derive(Default)]
pub(super) struct Shelf(super::super::shelf::Shelf<Key, Prepared>);

/// Examples that test, where they can be drawn.
const TEST: usize = 5000;

/// One row in so many tests, where none can be drawn.
const HELD_OUT: usize = 5;

impl Shelf {
    /// What a run needs.
    pub fn prepared(&self, config: &Config) -> Result<Prepared, Error> {
        let Sections { data, layer, .. } = config.sections();
        let key = (data.clone(), layer.clone(), config.seed);
        self.0.take(key, || prepare(config))
    }
}

fn prepare(config: &Config) -> Result<Prepared, Error> {
    let Sections { data: section, layer, .. } = config.sections();
    let loaded = section.data.load_with_shape(config.seed, 0)?;
    let data = loaded.data;
    if data.examples() < 2 * HELD_OUT {
        let least = 2 * HELD_OUT;
        let message = format!("the data have {} examples; give {least} or more", data.examples());
        return Err(Error::at("data", message));
    }
    let (data, test) = match (&section.data, &data.true_dictionary) {
        (DataConfig::Synthetic(synthetic), Some(truth)) => {
            // Another repeat has other codes; the dictionary is that of this one.
            let of = synthetic.checked();
            let [x, codes] = of.draw_rows(truth, config.seed, 1, 0..TEST as u64);
            let test = DataSet { true_codes: Some(codes), ..DataSet::of_rows(x) };
            (data, test)
        }
        _ => {
            let first = data.examples() - data.examples() / HELD_OUT;
            let rows = |from: usize, to: usize| {
                let part = |array: &Array2<f64>| array.slice(s![from..to, ..]).to_owned();
                DataSet {
                    x: part(&data.x),
                    true_codes: data.true_codes.as_ref().map(part),
                    true_dictionary: data.true_dictionary.clone(),
                    labels: None,
                    target: None,
                    image: data.image,
                }
            };
            (rows(0, first), rows(first, data.examples()))
        }
    };
    let truth = data.true_dictionary.as_ref();
    let truth = truth.map(|truth| unrolled::prelude::Constraint::UnitSphere.project(truth.clone()));
    let weight = start(layer, &data, truth.as_ref(), config.seed)?;
    let output = (!layer.is_tied()).then(|| match layer.starts_at_random() {
        false => weight.t().as_standard_layout().into_owned(),
        true => {
            let mut stream = Stream::new(config.seed, "one-layer/output", 0);
            initialisation::random(weight.ncols(), weight.nrows(), &mut stream)
        }
    });
    Ok(Prepared {
        fingerprint: fingerprint(&[&data.x]),
        preprocessing: loaded.preprocessing,
        truth: truth.map(Arc::new),
        weight: Arc::new(weight),
        output: output.map(Arc::new),
        data: Arc::new(data),
        test: Arc::new(test),
    })
}

/// W⁰, `[p, m]`.
fn start(
    layer: &LayerConfig,
    data: &DataSet,
    truth: Option<&Array2<f64>>,
    seed: u64,
) -> Result<Array2<f64>, Error> {
    let mut stream = Stream::new(seed, "one-layer/start", 0);
    let known = truth.map(Array2::ncols);
    let atoms = layer.atoms.or(known).ok_or_else(|| {
        Error::at(
            "layer",
            "`layer.atoms` is missing; say how many units there are, as in atoms = 64",
        )
    })?;
    let rows = |columns: Array2<f64>| columns.reversed_axes().as_standard_layout().into_owned();
    match &layer.init {
        Start::Distance { distance } => {
            let Some(truth) = truth else {
                return Err(Error::at(
                    "layer.init",
                    "`layer.init` is \"distance\", from atoms that these data do not have; choose \"random\" or \"samples\"",
                ));
            };
            if atoms != truth.ncols() {
                return Err(Error::at(
                    "layer.atoms",
                    format!(
                        "`layer.atoms` is {atoms}, but each row starts at a distance from one of the {} atoms; leave the key \
                         out, or choose another `layer.init`",
                        truth.ncols()
                    ),
                ));
            }
            Ok(rows(at_distance(truth, *distance, &mut stream)))
        }
        Start::Random => Ok(rows(initialisation::random(data.features(), atoms, &mut stream))),
        Start::Samples => Ok(rows(initialisation::from_examples(&data.x, atoms, &mut stream))),
        Start::File { path, key } => {
            let weight = read_matrix(path, key)
                .map_err(|error| Error::at("layer.init", error.to_string()))?;
            let expected = (layer.atoms.or(known).unwrap_or(weight.nrows()), data.features());
            if weight.dim() != expected || weight.nrows() == 0 {
                return Err(Error::at(
                    "layer.init",
                    format!(
                        "`layer.init` reads `{key}` of shape {:?}, but W is {expected:?} (units, features); give a matrix of \
                         that shape",
                        weight.dim()
                    ),
                ));
            }
            Ok(weight)
        }
    }
}

/// Points of the unit sphere, each at a distance from an atom, in directions drawn at random.
fn at_distance(truth: &Array2<f64>, distance: f64, stream: &mut Stream) -> Array2<f64> {
    let mut start = truth.clone();
    // ‖a − w‖ = 2 sin(angle/2).
    let angle = 2.0 * (distance / 2.0).clamp(-1.0, 1.0).asin();
    let away = initialisation::random(truth.nrows(), truth.ncols(), stream);
    for (mut row, (atom, away)) in
        start.axis_iter_mut(Axis(1)).zip(truth.axis_iter(Axis(1)).zip(away.axis_iter(Axis(1))))
    {
        let mut across = &away - &(&atom * away.dot(&atom));
        let norm = across.dot(&across).sqrt();
        if norm > 0.0 {
            across /= norm;
        }
        row.assign(&(&atom * angle.cos() + &across * angle.sin()));
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_start_at_the_distance_asked_for() {
        let mut stream = Stream::new(1, "test", 0);
        let truth = initialisation::random(12, 20, &mut stream);
        for distance in [0.0, 0.3, 1.0, 1.9, 2.0] {
            let start = at_distance(&truth, distance, &mut stream);
            for (row, atom) in start.columns().into_iter().zip(truth.columns()) {
                let apart = &row - &atom;
                assert!((apart.dot(&apart).sqrt() - distance).abs() < 1e-7, "{distance}");
                assert!((row.dot(&row) - 1.0).abs() < 1e-12);
            }
        }
    }
}
