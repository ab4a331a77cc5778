//! `task-driven`: its runs, the files of the contract, runs that are stopped, bad input.
#![cfg(unix)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::Value;
use tempfile::TempDir;

use crate::adversary::output;
use crate::errors::refusals;
use crate::learning::column;
use crate::support::{expect_same, folder, results, root, timeless, write};

/// 350 digits of 8 × 8 pixels, five classes.
fn digits() -> String {
    root().join("tests/fixtures/digits.safetensors").display().to_string()
}

const SMALL: &str = r#"
experiment = "task-driven"
seed = 3
[data]
path = "DIGITS"
feature_shape = [8, 8]
[dictionary]
atoms = 12
init = "data"
constraint = "unit-sphere"
[encoder]
tolerance = 1e-8
prox = { kind = "elastic-net", penalty = 0.1, ratio = 0.1 }
[task]
kind = "softmax"
ridge = 1e-3
[train]
steps = 40
batch_size = 40
measure_every = 10
checkpoint_every = 10
[optimizer]
learning_rate = 1e-2
"#;

fn small() -> TempDir {
    let folder = folder();
    write(folder.path(), "small.toml", &SMALL.replace("DIGITS", &digits()));
    folder
}

fn run(folder: &Path, out: &str, more: &[&str]) -> String {
    let arguments = [&["run", "small.toml", "-q", "--out", out], more].concat();
    output(folder, &arguments, 0)
}

/// Names and shapes of the arrays.
fn shapes(directory: &Path) -> Vec<(String, Vec<usize>)> {
    let bytes = std::fs::read(directory.join("arrays.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut shapes: Vec<_> =
        file.iter().map(|(name, view)| (name.to_owned(), view.shape().to_vec())).collect();
    shapes.sort();
    shapes
}

/// metrics.csv without the seconds.
fn metrics(directory: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(directory.join("metrics.csv")).unwrap();
    let rows: Vec<Vec<String>> =
        text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
    let Some(seconds) = rows[0].iter().position(|name| name == "seconds") else { return rows };
    rows.into_iter()
        .map(|mut row| {
            row.remove(seconds);
            row
        })
        .collect()
}

pub fn expect_same_run(a: &Path, b: &Path) {
    // Not every experiment writes arrays.
    let arrays = |folder: &Path| std::fs::read(folder.join("arrays.safetensors")).ok();
    assert!(arrays(a) == arrays(b), "arrays differ");
    expect_same(&timeless(results(a)), &timeless(results(b)));
    assert_eq!(metrics(a), metrics(b));
}

#[test]
fn a_run_writes_the_files_of_the_contract() {
    let folder = small();
    let sweep = "[sweep]\n\"task.weight\" = [0.0, 1.0]\n";
    let text = SMALL.replace("DIGITS", &digits());
    write(folder.path(), "small.toml", &format!("{text}{sweep}"));
    run(folder.path(), "out", &["--set", "train.steps=150"]);
    let out = folder.path().join("out");
    let found = results(&out);
    let figure = |run: &str, key: &str| found["runs"][run][key].clone();
    for name in ["weight=0.0", "weight=1.0"] {
        let confusion = figure(name, "confusion");
        let counts =
            |row: &Value| row.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum();
        let rows: Vec<u64> = confusion.as_array().unwrap().iter().map(counts).collect();
        assert_eq!((rows.len(), rows.iter().sum()), (5, 70), "{confusion}");
        let right: u64 = (0..5).map(|at| confusion[at][at].as_u64().unwrap()).sum();
        let accuracy = figure(name, "accuracy").as_f64().unwrap();
        assert!((accuracy - right as f64 / 70.0).abs() < 1e-12);
        assert_eq!(figure(name, "classes"), serde_json::json!([0, 1, 2, 3, 4]));
        assert_eq!(figure(name, "training")["examples"], 280);
        assert_eq!(figure(name, "unsolved"), serde_json::json!({ "codes": 0, "of": 6000 }));
        assert!(figure(name, "r_squared").is_null());
        let on_rows = figure(name, "on_rows")["accuracy"].as_f64().unwrap();
        assert!(on_rows > 0.9, "{on_rows}");
        for column_name in ["task_loss", "accuracy", "unsolved", "reconstruction"] {
            assert_eq!(column(&out, column_name)[name].len(), 150, "{column_name}");
        }
    }
    // What the task wants and what the reconstruction wants are not the same.
    let of = |run: &str, key: &str| figure(run, key).as_f64().unwrap();
    assert!(of("weight=1.0", "task_loss") < 0.7 * of("weight=0.0", "task_loss"));
    assert!(of("weight=1.0", "reconstruction") > of("weight=0.0", "reconstruction"));
    let expected = ["weight=0.0", "weight=1.0"].map(|name| {
        [("dictionary", vec![64, 12]), ("task.bias", vec![5]), ("task.weight", vec![12, 5])]
            .map(|(array, shape)| (format!("{name}/{array}"), shape))
    });
    assert_eq!(shapes(&out), expected.concat());
    let html = std::fs::read_to_string(out.join("report.html")).unwrap();
    for part in [
        "With the task",
        "A linear model of the rows themselves",
        "Task loss.",
        "Accuracy, held out.",
        "taken for 4",
        "How far the task turned the atoms.",
        "most turned atoms",
        "Task-Driven Dictionary Learning",
    ] {
        assert!(html.contains(part), "{part}");
    }
    // The effective configuration gives the same run.
    output(folder.path(), &["run", "out/config.toml", "-q", "--out", "again"], 0);
    expect_same_run(&out, &folder.path().join("again"));
}

#[test]
fn every_estimator_that_takes_a_task_lowers_its_loss() {
    let folder = small();
    for (estimator, more) in [
        ("\"g_implicit\"", &[][..]),
        ("{ name = \"g_implicit\", ridge = 1e-6 }", &[]),
        ("\"g_one_step\"", &[]),
        ("{ name = \"g_truncated\", window = 5 }", &[]),
        ("\"g_dec\"", &["--set", "task.weight=0.5"]),
    ] {
        let set = format!("train.estimator={estimator}");
        let arguments = [&["--overwrite", "--set", &set], more].concat();
        run(folder.path(), "out", &arguments);
        let losses = &column(&folder.path().join("out"), "task_loss")["main"];
        assert!(losses[39] < 0.9 * losses[0], "{estimator}: {losses:?}");
    }
    let text = SMALL.replace("DIGITS", &digits()).replace("tolerance = 1e-8", "kind = \"ista\"");
    let text = text.replace("[encoder]", "[encoder]\niterations = 20\nstep = \"auto\"");
    write(folder.path(), "small.toml", &text);
    for estimator in ["g_ae_ls", "g_implicit", "g_one_step"] {
        let set = format!("train.estimator=\"{estimator}\"");
        run(folder.path(), "out", &["--overwrite", "--set", &set]);
        let out = folder.path().join("out");
        let losses = &column(&out, "task_loss")["main"];
        assert!(losses[39] < 0.9 * losses[0], "{estimator}: {losses:?}");
        // Nothing is solved for, so nothing is unsolved.
        assert!(results(&out)["runs"]["main"]["unsolved"].is_null());
    }
}

#[test]
fn a_bias_that_is_learned_is_learned_by_the_task() {
    let folder = small();
    let text = SMALL.replace("DIGITS", &digits()).replace(
        "tolerance = 1e-8\nprox = { kind = \"elastic-net\", penalty = 0.1, ratio = 0.1 }",
        "kind = \"ista\"\niterations = 10\nstep = \"auto\"\nprox = { kind = \"soft\", penalty = 0.1, learned = true }",
    );
    write(folder.path(), "small.toml", &text);
    run(folder.path(), "out", &["--set", "train.estimator=\"g_ae_ls\""]);
    assert!(shapes(&folder.path().join("out")).contains(&("main/bias".to_owned(), vec![1])));
}

#[test]
fn values_are_fitted_and_judged_by_r_squared() {
    let folder = folder();
    let bytes = std::fs::read(digits()).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let x = file.tensor("X").unwrap();
    // How much ink there is, and half of it.
    let pixel = |at: usize| f32::from_le_bytes(x.data()[4 * at..4 * at + 4].try_into().unwrap());
    let ink = |row: usize| (0..64).map(|at| pixel(64 * row + at)).sum::<f32>() / 10.0;
    let values: Vec<u8> =
        (0..350).flat_map(|row| [ink(row), 0.5 * ink(row)]).flat_map(f32::to_le_bytes).collect();
    let y = TensorView::new(Dtype::F32, vec![350, 2], &values).unwrap();
    let saved = safetensors::serialize([("X", x), ("y", y)], None).unwrap();
    std::fs::write(folder.path().join("ink.safetensors"), saved).unwrap();
    let text =
        SMALL.replace("path = \"DIGITS\"", "path = \"ink.safetensors\"\nkeys = { label = \"y\" }");
    write(folder.path(), "small.toml", &text.replace("softmax", "squared"));
    run(folder.path(), "out", &["--set", "train.steps=200"]);
    let main = &results(&folder.path().join("out"))["runs"]["main"];
    assert!(main["r_squared"].as_f64().unwrap() > 0.5, "{main}");
    assert!(main["accuracy"].is_null() && main["confusion"].is_null());
    assert!(main["on_rows"]["r_squared"].as_f64().unwrap() > 0.9, "{main}");
}

#[test]
fn the_same_run_for_any_number_of_threads_and_after_a_kill() {
    let folder = small();
    expect_same_whatever_happens(folder.path());
    // In parts.
    run(folder.path(), "parts", &["--set", "train.steps=7"]);
    run(folder.path(), "parts", &["--resume"]);
    // The costly figures are taken at the last step of a part too.
    let arrays = |name: &str| std::fs::read(folder.path().join(name).join("arrays.safetensors"));
    assert!(arrays("one").unwrap() == arrays("parts").unwrap());
}

/// Runs `small.toml` of a folder with one thread and with three, and kills it again and again: all are the same run.
pub fn expect_same_whatever_happens(folder: &Path) {
    run(folder, "one", &["--threads", "1"]);
    run(folder, "three", &["--threads", "3"]);
    let at = |name: &str| folder.join(name);
    expect_same_run(&at("one"), &at("three"));
    let mut unfinished = 0;
    for attempt in 0..8u64 {
        let _ = std::fs::remove_dir_all(at("killed"));
        let mut child = Command::new(assert_cmd::cargo::cargo_bin!("unrolled"))
            .current_dir(folder)
            .args(["run", "small.toml", "-q", "--out", "killed"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(40 + 50 * attempt));
        child.kill().unwrap();
        child.wait().unwrap();
        unfinished += usize::from(!at("killed").join("results.json").exists());
        match at("killed").join("config.toml").exists() {
            true => run(folder, "killed", &["--resume"]),
            false => run(folder, "killed", &[]),
        };
        expect_same_run(&at("one"), &at("killed"));
    }
    assert!(unfinished >= 2, "most attempts were to be killed on the way: {unfinished}");
}

#[test]
fn codes_that_are_not_solved_are_counted_and_said() {
    let folder = small();
    let said = output(
        folder.path(),
        &["run", "small.toml", "--out", "out", "--set", "encoder.iterations=2"],
        0,
    );
    assert!(said.contains("codes were not solved to `encoder.tolerance`, and"), "{said}");
    let out = folder.path().join("out");
    let unsolved = &column(&out, "unsolved")["main"];
    assert!(unsolved.iter().any(|count| *count > 0.0) && unsolved.iter().all(|n| *n <= 40.0));
    let main = &results(&out)["runs"]["main"];
    assert_eq!(main["unsolved"]["codes"].as_f64().unwrap(), unsolved.iter().sum::<f64>());
    assert!(main["unsolved_codes"].as_u64().unwrap() > 0);
    let html = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(html.contains("codes were not solved to the tolerance in training"));
}

/// IDX files of images of 4 × 4 pixels: class 2 is bright above, class 7 below.
pub fn write_mnist(folder: &Path) {
    let idx = |dimensions: &[u32], bytes: Vec<u8>| {
        let mut content = vec![0, 0, 8, dimensions.len() as u8];
        dimensions.iter().for_each(|d| content.extend(d.to_be_bytes()));
        [content, bytes].concat()
    };
    for (stem, count) in [("train", 60), ("t10k", 20)] {
        let labels: Vec<u8> = (0..count).map(|row| [2, 7, 4][row % 3]).collect();
        let pixel = |row: usize, at: usize| -> u8 {
            let noise = ((row * 31 + at * 17) % 60) as u8;
            let bright = (labels[row] == 2) == (at < 8);
            if bright { 180 + noise } else { noise }
        };
        let pixels = (0..count).flat_map(|row| (0..16).map(move |at| pixel(row, at)));
        let images = idx(&[count as u32, 4, 4], pixels.collect());
        std::fs::write(folder.join(format!("{stem}-images-idx3-ubyte")), images).unwrap();
        let labels = idx(&[count as u32], labels.clone());
        std::fs::write(folder.join(format!("{stem}-labels-idx1-ubyte")), labels).unwrap();
    }
}

#[test]
fn mnist_is_tested_on_its_test_images() {
    let folder = folder();
    write_mnist(folder.path());
    let text = SMALL.replace(
        "path = \"DIGITS\"\nfeature_shape = [8, 8]",
        "source = \"mnist\"\npath = \".\"\nclasses = [2, 7]\nexamples = 30\nstandardise = \"center\"",
    );
    let text = text.replace("batch_size = 40", "batch_size = 10");
    write(folder.path(), "small.toml", &text.replace("ridge", "validation = \"test\"\nridge"));
    run(folder.path(), "out", &["--set", "encoder.prox.sided=\"one\""]);
    let main = &results(&folder.path().join("out"))["runs"]["main"];
    assert_eq!((&main["examples"], &main["training"]["examples"]), (&14.into(), &30.into()));
    assert_eq!(main["classes"], serde_json::json!([2, 7]));
    assert!(main["accuracy"].as_f64().unwrap() > 0.9, "{main}");
    let mean = ("main/data_mean".to_owned(), vec![16]);
    assert!(shapes(&folder.path().join("out")).contains(&mean));
    // The shipped configuration, whose images are not shipped.
    let config = root().join("configs/digits.toml").display().to_string();
    let path = format!("data.path={:?}", folder.path());
    let arguments = ["run", &config, "-q", "--out", "digits", "--set", &path];
    let small =
        ["data.classes=[2, 7]", "dictionary.atoms=6", "train.steps=3", "train.batch_size=9"];
    let small = small.iter().flat_map(|set| ["--set", set]);
    output(folder.path(), &arguments.into_iter().chain(small).collect::<Vec<_>>(), 0);
    assert!(folder.path().join("digits/report.html").is_file());
}

#[test]
fn the_template_runs_for_data_of_its_shape() {
    let folder = folder();
    let text = output(folder.path(), &["init", "task-driven"], 0);
    let bytes = std::fs::read(root().join("tests/fixtures/jaxopt.safetensors")).unwrap();
    std::fs::write(folder.path().join("data.safetensors"), bytes).unwrap();
    write(folder.path(), "small.toml", &text);
    let set = ["--set", "train.steps=3", "--set", "dictionary.atoms=7"];
    run(folder.path(), "out", &set);
    let said = output(folder.path(), &[&["check", "small.toml"], &set[..]].concat(), 0);
    assert!(said.contains("2 (without, with)") && said.contains("from a probe"), "{said}");
}

/// A name, the configuration, and what is appended to the command.
fn bad() -> Vec<(&'static str, String)> {
    let replaced = |from: &str, to: &str| {
        assert!(SMALL.contains(from), "{from}");
        SMALL.replace(from, to)
    };
    let file = |name: &str| replaced("DIGITS", name);
    let logistic = |text: String| text.replace("softmax", "logistic");
    let task = |keys: &str| replaced("ridge = 1e-3", keys);
    let train = |keys: &str| replaced("[train]", &format!("[train]\n{keys}"));
    vec![
        ("more labels than rows", file("more.safetensors")),
        ("labels that are not a number", file("nan.safetensors")),
        ("one class", file("one.safetensors")),
        ("labels that are no whole numbers", file("half.safetensors")),
        ("more columns than a class has", file("wide.safetensors")),
        ("no labels", file("none.safetensors")),
        (
            "labels under another name",
            file("DIGITS").replace("feature_shape", "keys = { label = \"y\" }\nfeature_shape"),
        ),
        ("classes of a logistic task", logistic(file("DIGITS"))),
        ("a weight above 1", task("weight = 1.5")),
        ("a negative weight", task("weight = -0.1")),
        ("a weight that is not a number", task("weight = nan")),
        ("a negative ridge", task("ridge = -1.0")),
        ("all held out", task("validation = 1.0")),
        ("a word for what is held out", task("validation = \"some\"")),
        ("test images of a file", task("validation = \"test\"")),
        ("an unknown task", replaced("softmax", "hinge")),
        ("an unknown key", task("rigde = 1.0")),
        (
            "synthetic data",
            replaced("path = \"DIGITS\"\nfeature_shape = [8, 8]", "source = \"synthetic\""),
        ),
        ("an estimator of the lasso", train("estimator = \"g_ae_lasso\"")),
        ("an estimator of no task", train("estimator = \"g_noodl\"")),
        ("codes held fixed and the task alone", train("estimator = \"g_dec\"")),
        ("an unknown estimator", train("estimator = \"g_implict\"")),
        (
            "an estimator of another loss",
            train("estimator = { name = \"g_implicit\", loss = \"lasso\" }"),
        ),
        ("the iterations of a solver", train("estimator = \"g_ae_ls\"")),
        (
            "a window longer than there are iterations",
            train("estimator = { name = \"g_truncated\", window = 20000 }"),
        ),
        ("a validation of training", train("validation = 0.1")),
        ("an early stop", train("early_stop = 3")),
        ("atoms replaced", train("dead_atoms = \"resample\"")),
        ("a batch larger than there are rows", replaced("batch_size = 40", "batch_size = 281")),
    ]
}

fn write_bad_data(folder: &Path) {
    let x = [0.5f32; 24].map(f32::to_le_bytes).concat();
    let save = |name: &str, shape: Vec<usize>, labels: &[f32]| {
        let x = TensorView::new(Dtype::F32, vec![6, 4], &x).unwrap();
        let bytes: Vec<u8> = labels.iter().flat_map(|v| v.to_le_bytes()).collect();
        let labels = TensorView::new(Dtype::F32, shape, &bytes).unwrap();
        let arrays = match name {
            "none" => vec![("X", x)],
            _ => vec![("X", x), ("label", labels)],
        };
        let saved = safetensors::serialize(arrays, None).unwrap();
        std::fs::write(folder.join(format!("{name}.safetensors")), saved).unwrap();
    };
    save("none", vec![0], &[]);
    save("more", vec![7], &[0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0]);
    save("nan", vec![6], &[0.0, 1.0, f32::NAN, 1.0, 0.0, 1.0]);
    save("one", vec![6], &[3.0; 6]);
    save("half", vec![6], &[0.0, 0.5, 1.0, 1.0, 0.5, 0.0]);
    save("wide", vec![6, 2], &[0.0; 12]);
}

#[test]
fn every_configuration_that_cannot_be_run_says_why() {
    let of_this_folder = |text: String| {
        let text = text.replace("\"DIGITS\"", "\"DIGITS.safetensors\"");
        match text.contains("DIGITS") {
            true => text,
            false => text.replace("feature_shape = [8, 8]\n", ""),
        }
    };
    let cases = bad().into_iter().map(|(name, text)| (name, of_this_folder(text))).collect();
    insta::assert_snapshot!(refusals(cases, |folder| {
        write_bad_data(folder);
        std::fs::copy(digits(), folder.join("DIGITS.safetensors")).unwrap();
    }));
}

#[test]
fn a_singular_system_is_said_with_the_remedy() {
    let folder = folder();
    // Two atoms that are the same, and no elastic net.
    let x: Vec<u8> = (0..40)
        .flat_map(|row| [f32::from(row % 2 == 0), 1.0 + row as f32 / 40.0])
        .flat_map(f32::to_le_bytes)
        .collect();
    let labels: Vec<u8> = (0..40).map(|row| u8::from(row % 2 == 0)).collect();
    let d = [1.0f32, 1.0, 0.0, 0.0, 0.0, 1.0].map(f32::to_le_bytes).concat();
    let saved = safetensors::serialize(
        [
            ("X", TensorView::new(Dtype::F32, vec![40, 2], &x).unwrap()),
            ("label", TensorView::new(Dtype::U8, vec![40], &labels).unwrap()),
            ("D", TensorView::new(Dtype::F32, vec![2, 3], &d).unwrap()),
        ],
        None,
    );
    std::fs::write(folder.path().join("two.safetensors"), saved.unwrap()).unwrap();
    let text = r#"
experiment = "task-driven"
[data]
path = "two.safetensors"
[dictionary]
init = { method = "file", path = "two.safetensors", key = "D" }
constraint = "unit-sphere"
[encoder]
prox = { kind = "soft", penalty = 0.01 }
iterations = 50
[task]
weight = 0.5
[train]
steps = 20
batch_size = "full"
"#;
    write(folder.path(), "small.toml", text);
    let ridge = "train.estimator={ name = \"g_implicit\", ridge = 1e-6 }";
    output(folder.path(), &["run", "small.toml", "-q", "--out", "b", "--set", ridge], 0);
    let method = "encoder.kind=\"fista\"";
    let sets = ["--set", method, "--set", "encoder.step=\"auto\""];
    let arguments = [&["run", "small.toml", "-q", "--out", "a"], &sets[..]].concat();
    let said = output(folder.path(), &arguments, 1);
    assert!(
        said.contains("is singular for") && said.contains("add a `ridge` to g_implicit"),
        "{said}"
    );
}
