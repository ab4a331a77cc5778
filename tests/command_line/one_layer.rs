//! `one-layer`: rows that converge, their figures and reports, runs that are stopped, bad input.
#![cfg(unix)]

use serde_json::Value;

use crate::adversary::output;
use crate::errors::refusals;
use crate::learning::column;
use crate::support::{folder, results, write};
use crate::task::expect_same_whatever_happens;

const SMALL: &str = r#"
experiment = "one-layer"
seed = 3
[data]
examples = 500
features = 16
atoms = 32
nonzeros = 2
amplitude = { low = 1.0, high = 1.0 }
sign = "per-entry"
dictionary = "incoherent"
fresh = true
[layer]
threshold = 0.6
init = { method = "distance", distance = 0.3 }
[train]
estimator = "g_unbiased"
steps = 200
batch_size = 400
measure_every = 20
checkpoint_every = 10
[optimizer]
learning_rate = 5.0
schedule = "cosine"
"#;

fn main_of(folder: &std::path::Path, name: &str) -> Value {
    results(&folder.join(name))["runs"]["main"].clone()
}

#[test]
fn rows_converge_from_inside_the_basin_and_the_report_says_so() {
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    output(folder.path(), &["run", "small.toml", "-q", "--out", "out"], 0);
    let main = main_of(folder.path(), "out");
    let distance = |at: &str, which: &str| main["distance"][at][which].as_f64().unwrap();
    assert!((distance("initial", "worst") - 0.3).abs() < 1e-9, "{main}");
    assert!(distance("final", "worst") < 0.02, "{main}");
    assert_eq!(main["rows"]["atoms"], 32);
    assert_eq!((&main["decode"]["rows"], &main["recovered"]), (&32.into(), &1.0.into()));
    assert!(main["decode"]["exact"].as_f64().unwrap() > 0.99);
    let out = folder.path().join("out");
    let worst = &column(&out, "distance_worst");
    assert_eq!(worst["main"].len(), 10, "only measured steps have one: {worst:?}");
    let html = std::fs::read_to_string(out.join("report.html")).unwrap();
    for part in [
        "every row converges to its atom",
        "Distance of the rows.",
        "Does the gradient lead the right way?",
        "Rows that decode.",
        "main: decoding.",
        "Neural Algorithms",
    ] {
        assert!(html.contains(part), "{part}");
    }
    output(folder.path(), &["run", "out/config.toml", "-q", "--out", "again"], 0);
    let arrays = |name: &str| std::fs::read(folder.path().join(name).join("arrays.safetensors"));
    assert!(arrays("out").unwrap() == arrays("again").unwrap());
}

#[test]
fn a_grid_of_starts_is_drawn_as_a_heat_map() {
    let folder = folder();
    let sweep = "[sweep]\n\"data.nonzeros\" = [1, 2]\n\"layer.init.distance\" = [0.2, 0.6, 1.4]\nseed = [1, 2]\n";
    write(folder.path(), "small.toml", &format!("{SMALL}{sweep}"));
    let set = ["--set", "train.steps=60"];
    output(folder.path(), &[&["run", "small.toml", "-q", "--out", "out"], &set[..]].concat(), 0);
    let out = folder.path().join("out");
    let runs = results(&out)["runs"].as_object().unwrap().clone();
    assert_eq!(runs.len(), 12);
    let recovered = |far: &str| -> f64 {
        let of = runs.iter().filter(|(name, _)| name.contains(far));
        of.map(|(_, run)| run["recovered"].as_f64().unwrap()).sum()
    };
    assert!(recovered("distance=0.2") > 3.9 && recovered("distance=1.4") < 0.5);
    let html = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(html.contains("The basin of attraction ends where half of the rows"), "no sentence");
    assert!(out.join("figures/rows-that-find-their-atom.svg").is_file());
}

#[test]
fn random_rows_are_matched_and_counted_by_what_they_became() {
    let folder = folder();
    let text =
        SMALL.replace("init = { method = \"distance\", distance = 0.3 }", "init = \"samples\"");
    write(folder.path(), "small.toml", &text.replace("g_unbiased", "g_noodl"));
    output(folder.path(), &["run", "small.toml", "-q", "--out", "out"], 0);
    let main = main_of(folder.path(), "out");
    let rows: u64 = main["rows"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(rows, 32, "{main}");
    let html = std::fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    assert!(html.contains("as duplicates") && !html.contains("lead the right way"));
}

#[test]
fn fewer_digits_stop_rows_sooner() {
    let folder = folder();
    let text = SMALL.replace("atoms = 32", "atoms = 16").replace("steps = 200", "steps = 400");
    write(
        folder.path(),
        "small.toml",
        &text.replace("seed = 3", "seed = 3\nprecision = \"float32\""),
    );
    let worst = |rounding: &str| {
        let set = format!("layer.rounding=\"{rounding}\"");
        let run = ["run", "small.toml", "-q", "--out", rounding, "--set", &set];
        output(folder.path(), &run, 0);
        main_of(folder.path(), rounding)["distance"]["final"]["worst"].as_f64().unwrap()
    };
    let [none, float16, bfloat16] = ["none", "float16", "bfloat16"].map(worst);
    assert!(none < 0.1 * float16 && float16 < 0.5 * bfloat16, "{none} {float16} {bfloat16}");
    let unit = main_of(folder.path(), "bfloat16")["unit_roundoff"].as_f64().unwrap();
    assert!(bfloat16 > unit / 4.0 && bfloat16 < 30.0 * unit, "{bfloat16} {unit}");
}

#[test]
fn data_that_no_dictionary_made_are_judged_by_labels_made_from_them() {
    let folder = folder();
    let text = "experiment = \"one-layer\"\n[data]\nsource = \"patches\"\nimages = 2\nsize = [5, 5]\nexamples = 600\n\
        [layer]\natoms = 10\nactivation = \"relu\"\nbias = 0.0\noutput = \"own\"\nconstraint = \"none\"\ninit = \"random\"\n\
        [train]\nestimator = \"g_ae_ls\"\nsteps = 200\nbatch_size = 100\n[optimizer]\nkind = \"adam\"\nlearning_rate = 1e-2\n";
    write(folder.path(), "patches.toml", text);
    output(folder.path(), &["run", "patches.toml", "-q", "--out", "out"], 0);
    let main = main_of(folder.path(), "out");
    let told = |label: &str, by: &str| main["classes"][label][by].as_f64().unwrap();
    assert!(told("side", "principal") > 0.8, "{main}");
    assert!((0.3..=1.0).contains(&told("size", "codes")), "{main}");
    assert!(main["distance"].is_null() && main["decode"].is_null());
    let html = std::fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    assert!(html.contains("the rows of W") && html.contains("on which side of a plane"));
}

#[test]
fn the_same_run_for_any_number_of_threads_and_after_a_kill() {
    let folder = folder();
    let text = SMALL
        .replace("features = 16", "features = 64")
        .replace("batch_size = 400", "batch_size = 3000");
    write(folder.path(), "small.toml", &text.replace("steps = 200", "steps = 60"));
    expect_same_whatever_happens(folder.path());
}

#[test]
fn filters_are_judged_up_to_shift_and_sign() {
    let folder = folder();
    let text = "experiment = \"learn-dictionary\"\n[data]\nsource = \"shifts\"\nexamples = 300\nlength = 60\nfilters = 2\n\
        size = 8\ncopies = 3\noverlap = false\n[dictionary]\nkind = \"convolutional\"\natoms = 2\nsize = [1, 8]\nstride = 1\n\
        init = \"data\"\n[encoder]\nstep = \"auto\"\niterations = 20\nprox = { penalty = 0.3 }\n[train]\nestimator = \"g_dec\"\n\
        steps = 400\nmeasure_every = 100\n[optimizer]\nlearning_rate = 2e-2\n";
    write(folder.path(), "shifts.toml", text);
    output(folder.path(), &["run", "shifts.toml", "-q", "--out", "out"], 0);
    let out = folder.path().join("out");
    let cosines = &column(&out, "shifted_cosine")["main"];
    assert!(cosines.last().unwrap() > &0.9, "{cosines:?}");
    assert_eq!(column(&out, "filters_recovered")["main"].last(), Some(&2.0));
}

fn bad() -> Vec<(&'static str, String)> {
    let replaced = |from: &str, to: &str| {
        assert!(SMALL.contains(from), "{from}");
        SMALL.replace(from, to)
    };
    let distance = |to: &str| replaced("distance = 0.3", &format!("distance = {to}"));
    let layer = |keys: &str| replaced("[layer]", &format!("[layer]\n{keys}"));
    let rule = |name: &str, keys: &str| layer(keys).replace("g_unbiased", name);
    let gaussians = |keys: &str| {
        format!(
            "experiment = \"one-layer\"\n[data]\nsource = \"gaussians\"\nfeatures = 8\n{keys}\n[layer]\natoms = 4\ninit = \"random\"\n"
        )
    };
    vec![
        ("more non-zero entries than atoms", replaced("nonzeros = 2", "nonzeros = 33")),
        ("a distance below 0", distance("-0.1")),
        ("a distance above 2", distance("2.1")),
        ("a distance that is not a number", distance("nan")),
        ("a grid of no cell", format!("{SMALL}[sweep]\n\"layer.init.distance\" = []\n")),
        ("a sign that would be differentiated", rule("g_ae_ls", "activation = \"sign\"")),
        ("tied, with an output layer of its own", layer("output_init = \"random\"")),
        ("an output layer of its own and no gradient of W", rule("g_dec", "output = \"own\"")),
        ("a bias and no gradient of it", rule("g_noodl", "bias = -0.1")),
        ("unbiased with a soft threshold", layer("activation = \"soft\"")),
        ("an unknown estimator", rule("g_ae_lasso", "")),
        ("an unknown activation", layer("activation = \"tanh\"")),
        ("a negative threshold", replaced("threshold = 0.6", "threshold = -1.0")),
        ("an unknown format", layer("rounding = \"float8\"")),
        ("no units", layer("atoms = 0")),
        ("another number of units at a distance", layer("atoms = 31")),
        ("more atoms than two bases have", replaced("atoms = 32", "atoms = 33")),
        ("a distance without a truth", gaussians("").replace("init = \"random\"\n", "")),
        ("how many units is not said", gaussians("").replace("atoms = 4\n", "")),
        ("fresh examples of a Gaussian", gaussians("fresh = true")),
        ("a batch of all fresh examples", replaced("batch_size = 400", "batch_size = \"full\"")),
        ("epochs of fresh examples", replaced("steps = 200", "epochs = 2")),
        ("too few examples", gaussians("examples = 9")),
        ("no images", gaussians("").replace("\"gaussians\"\nfeatures = 8", "\"patches\"")),
        (
            "images that are not there",
            gaussians("").replace("\"gaussians\"\nfeatures = 8", "\"patches\"\nimages = \"none\""),
        ),
        (
            "patches larger than images",
            gaussians("")
                .replace("\"gaussians\"\nfeatures = 8", "\"patches\"\nimages = 1\nsize = [200, 8]"),
        ),
        (
            "copies that do not fit",
            gaussians("").replace(
                "\"gaussians\"\nfeatures = 8",
                "\"shifts\"\nlength = 40\nsize = 16\ncopies = 3\noverlap = false",
            ),
        ),
        (
            "weights of the wrong shape",
            replaced(
                "{ method = \"distance\", distance = 0.3 }",
                "{ method = \"file\", path = \"none.npz\", key = \"W\" }",
            ),
        ),
        ("a validation", replaced("steps = 200", "steps = 200\nvalidation = 0.2")),
        ("units replaced", replaced("steps = 200", "steps = 200\ndead_atoms = \"resample\"")),
    ]
}

#[test]
fn every_configuration_that_cannot_be_run_says_why() {
    insta::assert_snapshot!(refusals(bad(), |_| {}));
}

#[test]
fn the_template_runs() {
    let folder = folder();
    let text = output(folder.path(), &["init", "one-layer"], 0);
    write(folder.path(), "small.toml", &text);
    let set = ["--set", "train.steps=3"];
    output(folder.path(), &[&["run", "small.toml", "-q", "--out", "out"], &set[..]].concat(), 0);
    let said = output(folder.path(), &[&["check", "small.toml"], &set[..]].concat(), 0);
    assert!(said.contains("2 (g_noodl, g_unbiased)") && said.contains("from a probe"), "{said}");
}
