//! `softmax-attributor`: the reference through the command line, its files, its report, runs that are stopped, bad input.
#![cfg(unix)]

use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use crate::adversary::output;
use crate::errors::refusals;
use crate::learning::column;
use crate::support::{folder, results, root, write};
use crate::task::expect_same_whatever_happens;

/// The reference's arrays, and its dictionary with atoms as columns.
fn reference(folder: &Path) -> Vec<u8> {
    let bytes =
        std::fs::read(root().join("tests/fixtures/softmax_attributor.safetensors")).unwrap();
    std::fs::write(folder.join("reference.safetensors"), &bytes).unwrap();
    let d = numbers(&bytes, "dictionary_init");
    let columns = [d[0], d[2], d[1], d[3]].map(f64::to_le_bytes).concat();
    let view = TensorView::new(Dtype::F64, vec![2, 2], &columns).unwrap();
    let saved = safetensors::serialize([("D", view)], None).unwrap();
    std::fs::write(folder.join("start.safetensors"), saved).unwrap();
    bytes
}

fn numbers(bytes: &[u8], name: &str) -> Vec<f64> {
    let file = SafeTensors::deserialize(bytes).unwrap();
    let view = file.tensor(name).unwrap_or_else(|_| panic!("no array {name}"));
    view.data().as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect()
}

fn relative(found: &[f64], expected: &[f64]) -> f64 {
    let squares = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
    assert_eq!(found.len(), expected.len());
    squares(&mut found.iter().zip(expected).map(|(a, b)| a - b))
        / squares(&mut expected.iter().copied())
}

const REFERENCE: &str = r#"
experiment = "softmax-attributor"
[data]
source = "file"
path = "reference.safetensors"
keys = { X = "data" }
[attributor]
init = { method = "file", path = "reference.safetensors", weight = "weight_init", bias = "bias_init" }
[dictionary]
init = { method = "file", path = "start.safetensors", key = "D" }
[train]
steps = 1000
save_dictionary_at = [1, 100, 1000]
"#;

#[test]
fn the_reference_comes_out_of_a_configuration() {
    let folder = folder();
    let reference = reference(folder.path());
    write(folder.path(), "gold.toml", REFERENCE);
    output(folder.path(), &["run", "gold.toml", "-q", "--out", "out"], 0);
    let out = folder.path().join("out");
    let arrays = std::fs::read(out.join("arrays.safetensors")).unwrap();
    for step in [1, 100, 1000] {
        for name in ["dictionary", "weight", "bias"] {
            let mut expected = numbers(&reference, &format!("step{step}/{name}"));
            if name == "dictionary" {
                expected.swap(1, 2);
            }
            let found = numbers(&arrays, &format!("main/{name}_at_{step}"));
            let error = relative(&found, &expected);
            assert!(error < 1e-6, "{name} at {step}: {error:e}");
        }
    }
    // The way of the atoms, as the report draws it, begins at the start and ends at the end: two numbers an atom, place by place.
    let path = numbers(&arrays, "main/plane/path");
    let steps = numbers(&arrays, "main/plane/steps");
    assert_eq!((steps[0], steps[1], *steps.last().unwrap()), (0.0, 100.0, 1000.0));
    assert_eq!(path.len(), 4 * steps.len());
    assert!(relative(&path[..4], &numbers(&reference, "dictionary_init")) < 1e-12);
    assert!(relative(&path[path.len() - 4..], &numbers(&reference, "step1000/dictionary")) < 1e-6);
    let losses = &column(&out, "loss")["main"];
    assert!(relative(&losses[..100], &numbers(&reference, "loss_first100")) < 1e-6);
    let main = &results(&out)["runs"]["main"];
    let floor = numbers(&reference, "pca_floor")[0];
    assert!((main["floor"].as_f64().unwrap() / floor - 1.0).abs() < 1e-6, "{main}");
    assert_eq!(main["nonzeros"], 2.0);
}

const SMALL: &str = r#"
experiment = "softmax-attributor"
seed = 3
[data]
means = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
examples = 300
[attributor]
terms = 3
[train]
steps = 300
batch_size = 60
measure_every = 50
checkpoint_every = 20
[optimizer]
learning_rate = 1e-2
"#;

#[test]
fn every_attribution_reaches_for_the_floor_and_the_report_says_how_sparse_it_is() {
    let folder = folder();
    let text = SMALL.replace("steps = 300", "steps = 2000");
    let runs = "[[runs]]\nname = \"softmax\"\n[[runs]]\nname = \"sparsemax\"\nattributor.attribution = \"sparsemax\"\n\
        [[runs]]\nname = \"top\"\nattributor.attribution = \"top-k\"\nattributor.kept = 2\n\
        [[runs]]\nname = \"penalised\"\nattributor.entropy = 0.05\n\
        [[runs]]\nname = \"encoder\"\nattributor.attribution = \"encoder\"\nencoder.prox.penalty = 0.1\n";
    write(folder.path(), "small.toml", &format!("{text}{runs}"));
    output(folder.path(), &["run", "small.toml", "-q", "--out", "out"], 0);
    let out = folder.path().join("out");
    let found = results(&out)["runs"].clone();
    let of = |run: &str, key: &str| found[run][key].as_f64().unwrap();
    for run in ["softmax", "sparsemax", "top", "penalised"] {
        let above = of(run, "loss") / of(run, "floor");
        // An atom that sparsemax gives no example to is not moved any more: it may end far above.
        assert!(above > 0.999, "{run}: {above}");
    }
    assert!(of("softmax", "loss") < 2.0 * of("softmax", "floor"), "{found}");
    assert_eq!((of("softmax", "nonzeros"), of("top", "nonzeros")), (3.0, 2.0));
    assert!(of("penalised", "entropy") < 0.8 * of("softmax", "entropy"), "{found}");
    assert!(found["encoder"]["floor"].is_null() && of("encoder", "loss") > 0.0);
    let html = std::fs::read_to_string(out.join("report.html")).unwrap();
    for part in [
        "Softmax is not sparse: no share is 0",
        "standard deviations",
        "the way of the atoms",
        "first direction",
        "Entropy of the shares.",
        "data-and-atoms-of-softmax.svg",
    ] {
        assert!(html.contains(part), "{part}");
    }
    output(folder.path(), &["run", "out/config.toml", "-q", "--out", "again"], 0);
    let arrays = |name: &str| std::fs::read(folder.path().join(name).join("arrays.safetensors"));
    assert!(arrays("out").unwrap() == arrays("again").unwrap());
}

#[test]
fn the_same_run_for_any_number_of_threads_and_after_a_kill() {
    let folder = folder();
    let text = SMALL.replace("steps = 300", "steps = 2500");
    write(folder.path(), "small.toml", &text);
    expect_same_whatever_happens(folder.path());
}

fn bad() -> Vec<(&'static str, String)> {
    let replaced = |from: &str, to: &str| {
        assert!(SMALL.contains(from), "{from}");
        SMALL.replace(from, to)
    };
    let data = |keys: &str| replaced("examples = 300", &format!("examples = 300\n{keys}"));
    let terms = |keys: &str| replaced("terms = 3", keys);
    let train = |keys: &str| replaced("[train]", &format!("[train]\n{keys}"));
    let file = |keys: &str| terms(&format!("terms = 2\ninit = {{ method = \"file\", {keys} }}"));
    vec![
        ("means of unequal lengths", replaced("[0.0, 0.0, 1.0]]", "[0.0, 1.0]]")),
        ("a mean without numbers", replaced("means = [[1.0, 0.0, 0.0], ", "means = [[], ")),
        ("a mean that is not finite", replaced("[0.0, 0.0, 1.0]]", "[0.0, 0.0, inf]]")),
        ("std of 0", data("std = 0.0")),
        ("a negative std", data("std = -0.1")),
        ("a correlation of 1", data("correlation = 1.0")),
        ("means and features", data("features = 3")),
        ("no examples", replaced("examples = 300", "examples = 0")),
        ("atoms of synthetic data", data("atoms = 3")),
        ("no terms", terms("terms = 0")),
        ("an unknown attribution", terms("terms = 3\nattribution = \"softmin\"")),
        ("more shares kept than terms", terms("terms = 3\nkept = 4")),
        ("a penalty that is not a number", terms("terms = 3\nentropy = nan")),
        (
            "a penalty on shares that are none",
            terms("terms = 3\nattribution = \"encoder\"\northogonality = 0.1"),
        ),
        ("a file without a path", file("weight = \"weight_init\", bias = \"bias_init\"")),
        (
            "weights of the wrong shape",
            file(
                "path = \"reference.safetensors\", weight = \"weight_init\", bias = \"bias_init\"",
            ),
        ),
        (
            "a bias of the wrong shape",
            file("path = \"reference.safetensors\", weight = \"weight_init\", bias = \"data\"")
                .replace(
                    "means = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]",
                    "means = [[1.0, 0.0], [0.0, 1.0]]",
                ),
        ),
        (
            "a dictionary of the wrong shape",
            format!(
                "{SMALL}[dictionary]\ninit = {{ method = \"file\", path = \"start.safetensors\", key = \"D\" }}\n"
            ),
        ),
        ("another number of atoms", format!("{SMALL}[dictionary]\natoms = 4\n")),
        ("filters", format!("{SMALL}[dictionary]\nkind = \"convolutional\"\n")),
        ("an encoder that learns", format!("{SMALL}[encoder]\nprox = {{ learned = true }}\n")),
        (
            "an encoder that diverges",
            format!("{}[encoder]\nstep = 9.0\n", terms("terms = 3\nattribution = \"encoder\"")),
        ),
        ("another estimator", train("estimator = \"g_dec\"")),
        ("a validation", train("validation = 0.2")),
        ("atoms replaced", train("dead_atoms = \"resample\"")),
        ("a batch larger than there are rows", replaced("batch_size = 60", "batch_size = 301")),
        ("a step that is not made", train("save_dictionary_at = [301]")),
    ]
}

#[test]
fn every_configuration_that_cannot_be_run_says_why() {
    insta::assert_snapshot!(refusals(bad(), |folder| drop(reference(folder))));
}

#[test]
fn the_template_runs() {
    let folder = folder();
    let text = output(folder.path(), &["init", "softmax-attributor"], 0);
    write(folder.path(), "small.toml", &text);
    let set = ["--set", "train.steps=3"];
    output(folder.path(), &[&["run", "small.toml", "-q", "--out", "out"], &set[..]].concat(), 0);
    let said = output(folder.path(), &[&["check", "small.toml"], &set[..]].concat(), 0);
    assert!(said.contains("2 (softmax, sparsemax)") && said.contains("from a probe"), "{said}");
}
