//! Learning runs: the reference runs, the files, the report.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::{Dtype, SafeTensors};

use crate::support::{folder, results, root, unrolled, write};

/// The eight reference runs, digit by digit.
const REFERENCE: &str = r#"
experiment = "learn-dictionary"
[data]
source = "file"
path = "FIXTURE"
[dictionary]
init = { method = "file", path = "FIXTURE", key = "W_init" }
[encoder]
iterations = 25
[train]
steps = 50
batch_size = BATCH
shuffle = false
save_dictionary_at = [1, 10, 50]
[optimizer]
epsilon = 1e-3
[[runs]]
name = "AE_g_dec"
train.estimator = "g_dec"
[[runs]]
name = "AE_g_aelasso"
train.estimator = "g_ae_lasso"
[[runs]]
name = "AE_g_aels"
[[runs]]
name = "AE_g_aels_lr1em2"
optimizer.learning_rate = 1e-2
[[runs]]
name = "AEhard_g_aels"
encoder.prox = { kind = "hard", threshold = 0.1 }
[[runs]]
name = "AEdecay_g_aels"
encoder.prox.decay = { start = 1.0, fall = 0.005, every = 10 }
[[runs]]
name = "AElearnbias_g_aelasso"
encoder.prox.learned = true
train.estimator = "g_ae_lasso"
[[runs]]
name = "AEhard_g_noodl"
encoder.prox = { kind = "hard", threshold = 0.1 }
train.estimator = "g_noodl"
optimizer = { kind = "sgd", learning_rate = NOODL }
"#;

/// A column of metrics.csv by run.
pub fn column(directory: &Path, name: &str) -> BTreeMap<String, Vec<f64>> {
    let text = std::fs::read_to_string(directory.join("metrics.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let index = head.iter().position(|column| *column == name).unwrap();
    let mut columns: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for row in lines {
        let of_run = columns.entry(row[0].to_owned()).or_default();
        // What is not measured at every step has no value at the others.
        if !row[index].is_empty() {
            of_run.push(row[index].parse().unwrap());
        }
    }
    columns
}

fn numbers(file: &SafeTensors, name: &str) -> Vec<f64> {
    let view = file.tensor(name).unwrap_or_else(|_| panic!("no array {name}"));
    match view.dtype() {
        Dtype::F32 => {
            let numbers = view.data().as_chunks::<4>().0.iter();
            numbers.map(|b| f64::from(f32::from_le_bytes(*b))).collect()
        }
        _ => view.data().as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
    }
}

fn relative(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let difference: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    (difference / b.iter().map(|b| b * b).sum::<f64>()).sqrt()
}

pub fn check_reference(size: &str, batch: usize, precision: &str, device: &str, tolerance: f64) {
    let folder = folder();
    let fixture = root().join(format!("tests/fixtures/train_{size}.safetensors"));
    let config = REFERENCE
        .replace("FIXTURE", fixture.to_str().unwrap())
        .replace("BATCH", &batch.to_string())
        // The reference divides by the batch size twice.
        .replace("NOODL", &(20.0 / batch as f64).to_string());
    write(folder.path(), "train.toml", &config);
    let mut command = unrolled(folder.path());
    command.args(["run", "train.toml", "-q", "--out", "out", "--device", device]);
    command.args(["--set", &format!("precision={precision:?}")]).assert().success();
    let directory = folder.path().join("out");
    let bytes = std::fs::read(directory.join("arrays.safetensors")).unwrap();
    let ours = SafeTensors::deserialize(&bytes).unwrap();
    let bytes = std::fs::read(&fixture).unwrap();
    let reference = SafeTensors::deserialize(&bytes).unwrap();
    for (name, key) in [
        ("dictionary_error", "D_err"),
        ("code_error", "z_err"),
        ("loss", "loss"),
        ("reconstruction", "rec"),
    ] {
        let curves = column(&directory, name);
        assert_eq!(curves.len(), 8);
        for (run, curve) in curves {
            let error = relative(&curve, &numbers(&reference, &format!("{run}/{key}")));
            assert!(error <= tolerance, "{size} {precision} {run} {name}: {error:e}");
        }
    }
    for run in column(&directory, "loss").keys() {
        for step in [1, 10, 50] {
            let dictionary = numbers(&ours, &format!("{run}/dictionary_at_{step}"));
            let expected = numbers(&reference, &format!("{run}/W_step{step}"));
            let error = relative(&dictionary, &expected);
            // In step 26 of the medium NOODL run a code comes within 2e-8 of the hard threshold: float32
            // decides the other way, in NumPy too (3.5e-3 after 50 steps there as here).
            let beyond_float32 =
                (size, precision, step) == ("medium", "float32", 50) && run == "AEhard_g_noodl";
            let tolerance = if beyond_float32 { 5e-3 } else { tolerance };
            assert!(error <= tolerance, "{size} {precision} {run} step {step}: {error:e}");
        }
    }
}

#[test]
fn the_small_reference_runs() {
    check_reference("small", 64, "float64", "flex", 1e-12);
    check_reference("small", 64, "float32", "flex", 1e-3);
}

#[test]
fn the_medium_reference_runs() {
    check_reference("medium", 50, "float64", "flex", 1e-12);
    check_reference("medium", 50, "float32", "flex", 1e-3);
}

/// A small learning run, from text.
pub const SMALL: &str = r#"
experiment = "learn-dictionary"
seed = 7
precision = "float32"

[data]
examples = 130
features = 10
atoms = 15
nonzeros = 2

[dictionary]
init = { method = "perturbed-truth", noise = 0.1 }

[encoder]
iterations = 10
step = 0.1

[train]
steps = 24
batch_size = 20
measure_every = 5
checkpoint_every = 7
validation = 0.2

[optimizer]
learning_rate = 1e-2
"#;

#[test]
fn a_run_writes_every_file_of_the_contract() {
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    unrolled(folder.path()).args(["run", "small.toml", "--out", "out"]).assert().success();
    let directory = folder.path().join("out");
    let metrics = std::fs::read_to_string(directory.join("metrics.csv")).unwrap();
    assert!(metrics.starts_with(
        "run,step,epoch,loss,reconstruction,code_error,dictionary_error,learning_rate,seconds,"
    ));
    assert_eq!(metrics.lines().count(), 25);
    let first: Vec<&str> = metrics.lines().nth(1).unwrap().split(',').collect();
    assert_eq!(&first[..3], ["main", "1", "1"]);
    assert_eq!(first[8].split('.').nth(1).unwrap().len(), 6, "seconds have six decimals");
    assert_eq!(first.len(), metrics.lines().next().unwrap().split(',').count());
    let results = results(&directory);
    let error = &results["runs"]["main"]["dictionary_error"];
    assert_eq!(results["runs"]["main"]["steps"], 24);
    let last = *column(&directory, "dictionary_error")["main"].last().unwrap();
    assert_eq!(error["final"].as_f64(), Some(last));
    assert!(error["initial"].as_f64().unwrap() > 0.0);
    let bytes = std::fs::read(directory.join("arrays.safetensors")).unwrap();
    let arrays = SafeTensors::deserialize(&bytes).unwrap();
    for name in ["main/dictionary", "main/best_dictionary"] {
        assert_eq!(arrays.tensor(name).unwrap().shape(), [10, 15]);
        assert_eq!(arrays.tensor(name).unwrap().dtype(), Dtype::F32);
    }
    let report = std::fs::read_to_string(directory.join("report.html")).unwrap();
    for part in ["What came out", "Dictionary error.", "Loss.", "Validation loss.", "seed = 7"] {
        assert!(report.contains(part), "{part}");
    }
}

#[test]
fn every_choice_trains() {
    for options in [
        &["encoder.kind=\"fista\"", "encoder.step=\"auto\""][..],
        &["train.estimator=\"g_dec\"", "optimizer.schedule=\"cosine\"", "optimizer.warm_up=5"],
        &["train.estimator={ name = \"g_truncated\", loss = \"lasso\", window = 3 }"],
        &["encoder.prox.learned=\"per-atom\"", "train.estimator=\"g_ae_lasso\""],
        &[
            "optimizer={ kind = \"sgd\", learning_rate = 0.5, momentum = 0.5 }",
            "train.clip_norm=0.1",
        ],
        &[
            "optimizer={ kind = \"adamw\", weight_decay = 0.01 }",
            "dictionary.constraint=\"unit-ball\"",
        ],
        &["encoder.learned_step=true"],
        &["encoder.learned_step=true", "encoder.kind=\"fista\"", "encoder.prox.learned=true"],
        &["train.dead_atoms=\"resample\"", "train.batch_size=\"full\"", "train.shuffle=false"],
        &["dictionary.init=\"random\"", "train.early_stop=1", "train.measure_every=2"],
    ] {
        let folder = folder();
        write(folder.path(), "small.toml", SMALL);
        let mut command = unrolled(folder.path());
        command.args(["run", "small.toml", "-q", "--out", "out"]);
        options.iter().for_each(|option| {
            command.args(["--set", option]);
        });
        command.assert().success();
        let loss = &column(&folder.path().join("out"), "loss")["main"];
        assert!(loss.iter().all(|loss| loss.is_finite()), "{options:?}");
    }
}

#[test]
fn threads_change_nothing() {
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    let arrays = |threads: &str| {
        let mut command = unrolled(folder.path());
        command.args(["run", "small.toml", "-q", "--out", threads, "--threads", threads]);
        command.args(["--set", "train.batch_size=64"]).assert().success();
        std::fs::read(folder.path().join(threads).join("arrays.safetensors")).unwrap()
    };
    assert!(arrays("1") == arrays("2"));
}

#[test]
fn a_loss_that_is_not_finite_stops_before_the_update_and_leaves_a_report() {
    let folder = folder();
    let text = SMALL.replace("learning_rate = 1e-2", "kind = \"sgd\"\nlearning_rate = 1e38");
    let text = text.replace("[dictionary]", "[dictionary]\nconstraint = \"none\"");
    write(folder.path(), "wild.toml", &text);
    let run =
        unrolled(folder.path()).args(["run", "wild.toml", "-q", "--out", "out"]).assert().code(1);
    let stderr = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(stderr.contains("is not finite at step") && stderr.contains("epoch"), "{stderr}");
    let directory = folder.path().join("out");
    assert!(!directory.join("results.json").exists());
    let report = std::fs::read_to_string(directory.join("report.html")).unwrap();
    assert!(report.contains("Not every run has come to its end"));
}

#[test]
fn a_sweep_over_seeds_shows_their_spread() {
    let folder = folder();
    let text = format!("{SMALL}\n[sweep]\nseed = [1, 2, 3]\n");
    write(folder.path(), "seeds.toml", &text);
    unrolled(folder.path()).args(["run", "seeds.toml", "-q", "--out", "out"]).assert().success();
    let report = std::fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    let errors = column(&folder.path().join("out"), "dictionary_error");
    let last: Vec<f64> = errors.values().map(|curve| *curve.last().unwrap()).collect();
    assert_eq!(last.len(), 3);
    let mean = last.iter().sum::<f64>() / 3.0;
    assert!(report.contains("over seeds") && report.contains(&format!("{mean:.3} ±")), "{mean}");
}
