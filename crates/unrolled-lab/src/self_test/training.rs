//! A hundred steps of training on a device, as `unrolled run` takes them, against the CPU; and whether a step that
//! is not finite is noticed.

use std::path::Path;
use std::time::Instant;

use ndarray::Array2;
use unrolled::metrics::relative_error;

use super::Outcome;
use crate::config::Overrides;
use crate::experiment::Session;
use crate::progress::{Silent, Stop};
use crate::{EXPERIMENTS, Error, Existing, RunDirectory};

const CONFIG: &str = r#"
experiment = "learn-dictionary"
name = "self-test"
seed = 39
precision = "float32"

[data]
source = "synthetic"
examples = 400
features = 20
atoms = 30
nonzeros = 2
amplitude = { distribution = "uniform", low = 1.0, high = 2.0 }

[dictionary]
init = { method = "perturbed-truth", noise = 0.05 }

[encoder]
iterations = 15
step = 0.2
prox = { kind = "soft", penalty = 0.2, sided = "two", learned = true }

[train]
estimator = "g_ae_ls"
steps = 100
batch_size = 20
clip_norm = 1.0

[optimizer]
kind = "adam"
learning_rate = 1e-3
epsilon = 1e-3
"#;

/// Settings with which the loss overflows after a few steps.
const DIVERGES: [&str; 3] = [
    "dictionary.constraint = \"none\"",
    "optimizer.learning_rate = 1e12",
    "train.clip_norm = 1e30",
];

/// Trains on the device and on flex.
pub(super) fn check(name: &str, round: &str) -> Result<Vec<Outcome>, Error> {
    let started = Instant::now();
    let ours = train(name, &[])?;
    let seconds = started.elapsed().as_secs_f64();
    let error = relative_error(&ours, &train("flex", &[])?);
    let against = format!("{name} against flex, float32{round}");
    let trained = Outcome {
        what: format!("{:<44} {against}", "100 steps of training, learned bias"),
        error,
        tolerance: 1e-3,
        seconds,
    };
    let started = Instant::now();
    let [ours, reference] = [name, "flex"].map(|device| stops_at(train(device, &DIVERGES)));
    let noticed = Outcome {
        what: format!("{:<44} {against}", "a step that is not finite is noticed"),
        error: match ours.zip(reference) {
            Some((ours, reference)) => ours.abs_diff(reference) as f64,
            None => f64::INFINITY,
        },
        // In which step a sum overflows is a matter of its order.
        tolerance: 1.0,
        seconds: started.elapsed().as_secs_f64(),
    };
    Ok(vec![trained, noticed])
}

/// The dictionary after training.
fn train(device: &str, set: &[&str]) -> Result<Array2<f64>, Error> {
    let overrides = Overrides {
        set: set.iter().map(|option| option.replace(" = ", "=")).collect(),
        device: Some(device.to_owned()),
    };
    let configuration = EXPERIMENTS.parse(CONFIG, Path::new("self-test.toml"), &overrides)?;
    let failed = |error: std::io::Error| Error::writing(&std::env::temp_dir(), &error);
    let folder = tempfile::tempdir().map_err(failed)?;
    let effective = configuration.effective();
    let directory = RunDirectory::open(folder.path(), Existing::Refuse, &effective)?;
    let mut session = Session { threads: 1, observer: &mut Silent, stop: &Stop::default() };
    EXPERIMENTS.plan(&configuration)?.run(&directory, &mut session)?;
    let path = folder.path().join("arrays.safetensors");
    unrolled_data::read_matrix(&path, "main/dictionary")
        .map_err(|error| Error::Config(vec![error.to_string()]))
}

/// The step at which training ended because something was not finite.
fn stops_at<T>(outcome: Result<T, Error>) -> Option<usize> {
    let Err(Error::NotFinite(message)) = outcome else { return None };
    message.split("at step ").nth(1)?.split(' ').next()?.parse().ok()
}
