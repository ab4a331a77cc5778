//! `explain`: the reference through the command line, the explanation of a finished run, bad input.
#![cfg(unix)]

use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use crate::adversary::output;
use crate::errors::refusals;
use crate::learning::SMALL as LEARNING;
use crate::support::{folder, results, root, write};
use crate::task::write_mnist;

/// Values by rows, and the shape.
type Array = (Vec<f64>, Vec<usize>);

fn array(bytes: &[u8], name: &str) -> Array {
    let file = SafeTensors::deserialize(bytes).unwrap();
    let view = file.tensor(name).unwrap_or_else(|_| panic!("no array {name}"));
    let values: Vec<f64> = match view.dtype() {
        Dtype::F32 => {
            let chunks = view.data().as_chunks::<4>().0.iter();
            chunks.map(|b| f64::from(f32::from_le_bytes(*b))).collect()
        }
        _ => view.data().as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
    };
    (values, view.shape().to_vec())
}

fn transposed((values, shape): &Array) -> Array {
    let [rows, columns] = [shape[0], shape[1]];
    let all = (0..columns).flat_map(|j| (0..rows).map(move |i| values[i * columns + j]));
    (all.collect(), vec![columns, rows])
}

/// The reference's arrays with examples as rows.
fn reference(folder: &Path) -> Vec<u8> {
    let bytes = std::fs::read(root().join("tests/fixtures/interpretability.safetensors")).unwrap();
    let of = |name: &str| transposed(&array(&bytes, name));
    let arrays = [
        ("X", of("X")),
        ("X_test", of("X_test")),
        ("Z", of("Z")),
        ("D", array(&bytes, "D")),
        ("D_init", array(&bytes, "D_init")),
    ];
    let raw: Vec<Vec<u8>> = arrays
        .iter()
        .map(|(_, (values, _))| values.iter().flat_map(|v| v.to_le_bytes()).collect())
        .collect();
    let views = arrays.iter().zip(&raw).map(|((name, (_, shape)), raw)| {
        (*name, TensorView::new(Dtype::F64, shape.clone(), raw).unwrap())
    });
    let saved = safetensors::serialize(views.collect::<Vec<_>>(), None).unwrap();
    std::fs::write(folder.join("reference.safetensors"), saved).unwrap();
    bytes
}

const REFERENCE: &str = r#"
experiment = "explain"
[explain]
ridge = 0.05
test = { path = "reference.safetensors", key = "X_test" }
examples = [0, 1, 2, 3, 4, 5]
[data]
source = "file"
path = "reference.safetensors"
keys = { X = "X" }
[dictionary]
init = { method = "file", path = "reference.safetensors", key = "D" }
constraint = "none"
[encoder]
step = 0.01
prox = { penalty = 0.1 }
"#;

fn expect(found: &Array, expected: &Array, what: &str, most: f64) {
    assert_eq!(found.1, expected.1, "{what}");
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
    let error = norm(&mut found.0.iter().zip(&expected.0).map(|(a, b)| a - b));
    let error = error / norm(&mut expected.0.iter().copied());
    assert!(error < most, "{what}: {error:e}");
}

#[test]
fn the_reference_comes_out_of_a_configuration() {
    let folder = folder();
    let bytes = reference(folder.path());
    write(folder.path(), "gold.toml", REFERENCE);
    let polished = ["--set", "explain.polish=3000", "--set", "dictionary.init.key=\"D_init\""];
    let file = ["--set", "explain.codes={ path = \"reference.safetensors\", key = \"Z\" }"];
    // Around a stationary point a gradient of 1e-10 leaves D free by some 1e-6.
    for (name, more, most) in
        [("lasso", &[][..], 1e-9), ("polished", &polished, 1e-5), ("file", &file, 1e-9)]
    {
        let run = ["run", "gold.toml", "-q", "--out", name];
        output(folder.path(), &[&run, more].concat(), 0);
        let out = folder.path().join(name);
        let found = std::fs::read(out.join("arrays.safetensors")).unwrap();
        let of = |key: &str| array(&found, &format!("main/{key}"));
        expect(&of("contributions_to_atoms"), &array(&bytes, "contrib_atom"), "to atoms", most);
        expect(&of("test/codes"), &transposed(&array(&bytes, "Z_test")), "test codes", most);
        expect(&of("test/contributions"), &transposed(&array(&bytes, "beta_test")), "β", most);
        expect(&of("test/reconstructions"), &transposed(&array(&bytes, "xhat_test")), "x̂", most);
        let main = &results(&out)["runs"]["main"];
        let figure = |key: &str| main["stationarity"][key].as_f64().unwrap();
        assert!(figure("gradient") < 1e-9 && figure("kkt") < 1e-9, "{name}: {main}");
        assert!(main["difference"].as_f64().unwrap() < 1e-9);
        let html = std::fs::read_to_string(out.join("report.html")).unwrap();
        assert!(html.contains("The dictionary is stationary"), "{name}");
    }
}

#[test]
fn a_step_that_polished_atoms_outgrow_is_no_matter_where_codes_are_solved() {
    let folder = folder();
    drop(reference(folder.path()));
    let text = REFERENCE
        .replace("ridge = 0.05", "ridge = 0.001\npolish = 30")
        .replace("step = 0.01", "step = 0.08");
    write(folder.path(), "polished.toml", &text);
    output(folder.path(), &["run", "polished.toml", "-q", "--out", "out"], 0);
    let main = &results(&folder.path().join("out"))["runs"]["main"];
    assert!(!main["tests"][0]["saliency"].as_array().unwrap().is_empty());
}

#[test]
fn a_finished_run_is_explained() {
    let folder = folder();
    let path = |out: &str| folder.path().join(out);
    write_mnist(folder.path());
    let text = "experiment = \"learn-dictionary\"\n[data]\nsource = \"mnist\"\npath = \".\"\nclasses = [2, 7]\n\
        standardise = \"center\"\n[dictionary]\natoms = 6\ninit = \"data\"\n[encoder]\nstep = \"auto\"\niterations = 20\n\
        [train]\nsteps = 40\nbatch_size = 10\n[[runs]]\nname = \"a\"\n[[runs]]\nname = \"b\"\nseed = 3\n";
    write(folder.path(), "learn.toml", text);
    output(folder.path(), &["run", "learn.toml", "-q", "--out", "learned"], 0);
    let said = output(folder.path(), &["explain", "learned"], 2);
    assert!(
        said.contains("learned has several runs and no run ``; name one of a, b with --run"),
        "{said}"
    );
    let explain = ["explain", "learned", "--run", "b", "--example", "1", "0", "-q"];
    output(folder.path(), &explain, 0);
    let main = &results(&path("learned/explain"))["runs"]["main"];
    assert_eq!(main["tests"][0]["example"], 1);
    assert_eq!(
        (&main["tests"][0]["label"], &main["tests"][1]["label"]),
        (&7.0.into(), &2.0.into())
    );
    let table = std::fs::read_to_string(path("learned/explain/contributions.csv")).unwrap();
    assert!(
        table.starts_with(
            "run,of,number,list,training_example,weight,label,row,column\nmain,atoms,"
        )
    );
    assert!(table.contains("\nmain,tests,1,most,") && table.contains(",similar_by_code,"));
    // What builds an image of a class is of that class.
    assert_eq!(main["tests"][0]["most"][0]["label"], 7.0, "{main}");
    let html = std::fs::read_to_string(path("learned/explain/report.html")).unwrap();
    for part in [
        "Example 1, label 7",
        "Training examples that build it most",
        "not stationary",
        "Atom ",
        "The saliency of each",
    ] {
        assert!(html.contains(part), "{part}");
    }
    output(folder.path(), &explain, 2);
    output(folder.path(), &[&explain[..], &["--overwrite"]].concat(), 0);
    let said = output(
        folder.path(),
        &["explain", "learned", "--run", "b", "--example", "14", "--overwrite"],
        2,
    );
    assert!(
        said.contains("`explain.examples` holds 14, but the 14 test examples are counted from 0"),
        "{said}"
    );
    // Other data than it was trained on.
    let images = path("train-images-idx3-ubyte");
    let before = std::fs::read(&images).unwrap();
    let mut other = before.clone();
    *other.last_mut().unwrap() ^= 1;
    // The last image is of a class that is left out; one that is not counts.
    other[20] ^= 1;
    std::fs::write(&images, other).unwrap();
    let said = output(folder.path(), &["explain", "learned", "--run", "b", "--overwrite"], 2);
    assert!(said.contains("are not those that run `b` was trained on"), "{said}");
    std::fs::write(&images, before).unwrap();
    output(folder.path(), &["explain", "learned", "--run", "b", "--overwrite", "-q"], 0);
    // One that is not finished.
    std::fs::remove_file(path("learned/results.json")).unwrap();
    output(folder.path(), &["explain", "learned", "--run", "b", "--overwrite"], 2);
    // The shipped configuration, whose images are not shipped.
    let config = root().join("configs/mnist-explain.toml").display().to_string();
    let data = format!("data.path={:?}", folder.path());
    let small =
        ["data.classes=[2, 7]", "dictionary.atoms=6", "train.steps=3", "train.batch_size=9"];
    let small = small.into_iter().chain([data.as_str()]).flat_map(|set| ["--set", set]);
    let run = ["run", &config, "-q", "--out", "digits"];
    output(folder.path(), &run.into_iter().chain(small).collect::<Vec<_>>(), 0);
    assert!(path("digits/report.html").is_file());
}

#[test]
fn atoms_that_nobody_uses_are_said() {
    let folder = folder();
    reference(folder.path());
    write(folder.path(), "gold.toml", REFERENCE);
    let set = ["--set", "encoder.prox.penalty=5.0", "--set", "encoder.prox.sided=\"one\""];
    output(folder.path(), &[&["run", "gold.toml", "-q", "--out", "out"], &set[..]].concat(), 0);
    let out = folder.path().join("out");
    assert!(results(&out)["runs"]["main"]["unused_atoms"].as_u64().unwrap() > 0);
    let html = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(html.contains("by no example"));
}

fn bad() -> Vec<(&'static str, String)> {
    let replaced = |from: &str, to: &str| {
        assert!(REFERENCE.contains(from), "{from}");
        REFERENCE.replace(from, to)
    };
    let explain = |keys: &str| replaced("ridge = 0.05", &format!("ridge = 0.05\n{keys}"));
    vec![
        ("a negative ridge", replaced("ridge = 0.05", "ridge = -1.0")),
        ("an example that is not there", replaced("4, 5]", "4, 6]")),
        ("an atom that is not there", explain("atoms = [12]")),
        ("an unknown way to codes", explain("codes = \"omp\"")),
        ("codes without a key", explain("codes = { path = \"reference.safetensors\" }")),
        (
            "codes of other examples",
            explain("codes = { path = \"reference.safetensors\", key = \"X\" }"),
        ),
        ("polished codes of an encoder", explain("codes = \"encoder\"\npolish = 3")),
        ("test examples of another width", replaced("key = \"X_test\"", "key = \"Z\"")),
        ("no penalty", replaced("penalty = 0.1", "penalty = 0.0")),
        ("an unknown key", explain("rigde = 1.0")),
        ("solved codes of filters", FILTERS.replace("polish = 40", "codes = \"lasso\"")),
        ("filters without a ridge", FILTERS.replace("ridge = 20.0", "ridge = 0.0")),
    ]
}

#[test]
fn every_configuration_that_cannot_be_run_says_why() {
    insta::assert_snapshot!(refusals(bad(), |folder| drop(reference(folder))));
}

#[test]
fn a_singular_system_is_said_with_the_remedy() {
    let folder = folder();
    reference(folder.path());
    write(folder.path(), "gold.toml", REFERENCE);
    let set = ["--set", "encoder.prox.penalty=5.0", "--set", "explain.ridge=0.0"];
    let run = [&["run", "gold.toml", "-q", "--out", "out"], &set[..]].concat();
    let said = output(folder.path(), &run, 2);
    assert!(said.contains("`explain.ridge` is 0, and the codes leave ZᵀZ singular"), "{said}");
}

#[test]
fn the_template_runs() {
    let folder = folder();
    let text = output(folder.path(), &["init", "explain"], 0);
    write(folder.path(), "small.toml", &text);
    output(folder.path(), &["run", "small.toml", "-q", "--out", "out"], 0);
    let said = output(folder.path(), &["check", "small.toml"], 0);
    assert!(said.contains("from a probe"), "{said}");
    // Learned first, and then explained.
    write(folder.path(), "learn.toml", &LEARNING.replace("learn-dictionary", "explain"));
    output(folder.path(), &["run", "learn.toml", "-q", "--out", "learned"], 0);
    assert!(folder.path().join("learned/report.html").is_file());
}

const FILTERS: &str = r#"
experiment = "explain"
seed = 2
[explain]
ridge = 20.0
polish = 40
examples = [0, 5]
[data]
source = "file"
path = "DIGITS"
keys = { label = "label" }
feature_shape = [8, 8]
[dictionary]
kind = "convolutional"
atoms = 3
size = [4, 3]
stride = 2
init = "data"
[encoder]
iterations = 200
step = "auto"
prox = { penalty = 0.3 }
[train]
estimator = "g_dec"
steps = 20
batch_size = 50
"#;

#[test]
fn filters_are_made_of_patches() {
    let folder = folder();
    let digits = root().join("tests/fixtures/digits.safetensors");
    let text = FILTERS.replace("DIGITS", &digits.display().to_string());
    write(folder.path(), "filters.toml", &text);
    output(folder.path(), &["run", "filters.toml", "-q", "--out", "out"], 0);
    let out = folder.path().join("out");
    let main = &results(&out)["runs"]["main"];
    let bytes = std::fs::read(out.join("arrays.safetensors")).unwrap();
    let of = |name: &str| array(&bytes, &format!("main/{name}"));
    assert_eq!(of("codes").1, [350, 3, 3, 3]);
    assert_eq!(of("polished/dictionary").1, [3, 1, 4, 3]);
    // Polished, so that what is made of the training examples is nearly all there is.
    assert!(main["difference"].as_f64().unwrap() < 0.02, "{main}");
    let (shares, shape) = of("test/contributions");
    assert_eq!(shape, [2, 350]);
    for shares in shares.chunks(350) {
        let sum: f64 = shares.iter().sum();
        assert!((sum - 1.0).abs() < 0.05, "{sum}");
    }
    // Patches are those of the examples that they are said to be of.
    let x = array(&std::fs::read(&digits).unwrap(), "X").0;
    for atom in main["atoms"].as_array().unwrap() {
        let (patches, shape) = of(&format!("shown/patches_of_atom_{}", atom["atom"]));
        assert_eq!(shape[1], 12);
        let whole = |value: &serde_json::Value| value.as_u64().unwrap() as usize;
        let built = atom["built"].as_array().unwrap();
        assert_eq!(built.len(), 8);
        for (patch, one) in patches.chunks(12).zip(built) {
            let [down, across] = [whole(&one["corner"][0]), whole(&one["corner"][1])];
            let example = &x[64 * whole(&one["example"])..];
            for (at, value) in patch.iter().enumerate() {
                assert_eq!(*value, example[8 * (down + at / 3) + across + at % 3]);
            }
        }
        let weights: Vec<f64> = built.iter().map(|one| one["weight"].as_f64().unwrap()).collect();
        assert!(weights.is_sorted_by(|a, b| a >= b) && weights[7] > 0.0);
    }
    let html = std::fs::read_to_string(out.join("report.html")).unwrap();
    for part in [
        "Patches that built it",
        "Shares of all",
        "Training examples with the largest shares",
        "row, column",
    ] {
        assert!(html.contains(part), "{part}");
    }
    // Every picture is a file too.
    let picture = std::fs::read_to_string(out.join("figures/main-example-0.svg")).unwrap();
    assert!(picture.contains("<image ") && picture.contains("data:image/png;base64,"));
    output(folder.path(), &["run", "filters.toml", "-q", "--out", "one", "--threads", "1"], 0);
    let one = std::fs::read(folder.path().join("one/arrays.safetensors")).unwrap();
    assert!(one == bytes, "threads change what comes out");
    // A run that has learned filters is explained as well.
    let learned = text
        .replace("experiment = \"explain\"", "experiment = \"learn-dictionary\"")
        .replace("[explain]\nridge = 20.0\npolish = 40\nexamples = [0, 5]\n", "");
    write(folder.path(), "learned.toml", &learned);
    output(folder.path(), &["run", "learned.toml", "-q", "--out", "learned"], 0);
    let explain = ["explain", "learned", "--example", "3", "--ridge", "20", "-q"];
    output(folder.path(), &explain, 0);
    let main = &results(&folder.path().join("learned/explain"))["runs"]["main"];
    assert_eq!(main["filter_shape"], serde_json::json!([1, 4, 3]));
    assert_eq!(main["tests"][0]["example"], 3);
    let saliency = main["tests"][0]["saliency"].as_array().unwrap();
    assert!(!saliency.is_empty());
    let learned = std::fs::read(folder.path().join("learned/arrays.safetensors")).unwrap();
    let explained =
        std::fs::read(folder.path().join("learned/explain/arrays.safetensors")).unwrap();
    assert_eq!(array(&learned, "main/dictionary"), array(&explained, "main/dictionary"));
    // Unless its encoder was trained too.
    let set = ["--set", "encoder.prox.learned=true", "--set", "train.estimator=\"g_ae_ls\""];
    let learn = ["run", "learned.toml", "-q", "--out", "trained"];
    output(folder.path(), &[&learn[..], &set].concat(), 0);
    let said = output(folder.path(), &["explain", "trained"], 2);
    assert!(said.contains("has trained its encoder too"), "{said}");
}
