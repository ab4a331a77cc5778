//! What the tests share: the binary, folders, results.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

use crate::same_run::differing;
pub use crate::same_run::timeless;

/// The repository.
pub fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the repository is there")
}

/// The binary, run in `folder`.
pub fn unrolled(folder: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("unrolled"));
    command.current_dir(folder);
    command
}

pub fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

/// Options that make a comparison small.
pub const REDUCED: [&str; 8] = [
    "--set",
    "data.examples=60",
    "--set",
    "compare.iterations=[1, 5, 12]",
    "--set",
    "compare.lasso_iterations=30",
    "--set",
    "compare.repeats=2",
];

/// Options that make a learning run small.
pub const REDUCED_LEARNING: [&str; 8] = [
    "--set",
    "data.examples=100",
    "--set",
    "train.steps=3",
    "--set",
    "train.batch_size=20",
    "--set",
    "encoder.iterations=5",
];

/// Options that make a run of one layer small.
const REDUCED_LAYER: [&str; 10] = [
    "--set",
    "data.examples=300",
    "--set",
    "train.steps=2",
    "--set",
    "train.batch_size=50",
    "--set",
    "train.measure_every=2",
    "--set",
    "seed=1",
];

/// Images that are drawn stand for those that are not shipped.
const REDUCED_DENOISING: [&str; 18] = [
    "--set",
    "data.source=\"dead-leaves\"",
    "--set",
    "data.train=2",
    "--set",
    "data.test=1",
    "--set",
    "data.size=24",
    "--set",
    "data.crop=20",
    "--set",
    "train.batch_size=2",
    "--set",
    "encoder.iterations=2",
    "--set",
    "train.measure_every=1",
    "--set",
    "train.steps=2",
];

const REDUCED_THEORY: [&str; 8] = [
    "--set",
    "data.examples=40",
    "--set",
    "theory.iterations=[1, 4, 9]",
    "--set",
    "theory.contraction.steps=3",
    "--set",
    "theory.stationarity.rounds=2",
];

/// The options that make a shipped configuration small.
pub fn reduced(config: &Path) -> Vec<&'static str> {
    let text = std::fs::read_to_string(config).expect("the configuration is there");
    match text.contains("learn-dictionary") {
        _ if ["\"task-driven\"", "\"softmax-attributor\"", "\"explain\""]
            .iter()
            .any(|kind| text.contains(kind)) =>
        {
            vec!["--set", "train.steps=3"]
        }
        _ if text.contains("\"theory\"") => REDUCED_THEORY.to_vec(),
        _ if text.contains("\"one-layer\"") => {
            let mut options = REDUCED_LAYER.to_vec();
            // One line of a grid.
            if text.contains("\"data.nonzeros\" =") {
                options.extend(["--set", "data.nonzeros=3"]);
            }
            options
        }
        _ if text.contains("\"denoise\"") => {
            let mut options = REDUCED_DENOISING.to_vec();
            if text.contains("steps = 0") {
                // Nothing to train on, nothing to train.
                options.drain(2..4);
                options.truncate(options.len() - 2);
            }
            options
        }
        true if text.contains("epochs") => {
            let mut options = REDUCED_LEARNING.to_vec();
            options[3] = "train.epochs=1";
            options
        }
        true => REDUCED_LEARNING.to_vec(),
        false => REDUCED.to_vec(),
    }
}

/// A small comparison, from text.
pub const SMALL: &str = r#"
experiment = "compare-gradients"
seed = 7

[data]
examples = 120
features = 10
atoms = 15
nonzeros = 2

[encoder]
step = 0.1

[compare]
iterations = [1, 4, 9]
lasso_iterations = 60
save_arrays_at = [4, 9]
repeats = 2
"#;

/// Writes a configuration into a folder.
pub fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("the folder can be written to");
}

pub fn results(directory: &Path) -> Value {
    let text = std::fs::read_to_string(directory.join("results.json")).expect("there are results");
    serde_json::from_str(&text).expect("results are JSON")
}

/// Equality that says where two results differ.
pub fn expect_same(a: &Value, b: &Value) {
    let found = differing(a, b);
    assert!(found.is_empty(), "{}", found.join("\n"));
}
