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
    let values = view.data().as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b));
    (values.collect(), view.shape().to_vec())
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
    assert!(table.starts_with("run,of,number,list,training_example,weight,label\nmain,atoms,"));
    assert!(table.contains("\nmain,tests,1,most,") && table.contains(",similar_by_code,"));
    // What builds an image of a class is of that class.
    assert_eq!(main["tests"][0]["most"][0]["label"], 7.0, "{main}");
    let html = std::fs::read_to_string(path("learned/explain/report.html")).unwrap();
    for part in
        ["Example 1, label 7", "Training examples that build it most", "not stationary", "Atom "]
    {
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
        (
            "filters",
            replaced("constraint = \"none\"", "kind = \"convolutional\"").replace(
                "init = { method = \"file\", path = \"reference.safetensors\", key = \"D\" }",
                "atoms = 2",
            ),
        ),
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
