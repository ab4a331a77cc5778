//! `theory`: held against a comparison and a learning run of the same data, killed, refused.
#![cfg(unix)]

use serde_json::Value;

use crate::adversary::output;
use crate::errors::refusals;
use crate::support::{folder, results, write};
use crate::task::expect_same_whatever_happens;

const SMALL: &str = r#"
experiment = "theory"
seed = 7
[data]
examples = 700
features = 12
atoms = 18
nonzeros = 2
[encoder]
step = 0.15
prox = { penalty = 0.1 }
[theory]
iterations = [1, 5, 20, 80]
penalties = [0.05, 0.2]
dictionary_noise = [0.01, 0.05]
curves_at = 0.05
[theory.contraction]
examples = 300
penalties = [0.05, 0.1]
iterations = 40
steps = 20
learning_rate = 1.5
[theory.stationarity]
examples = 300
rounds = 30
"#;

/// The same place in another experiment.
const ELSEWHERE: &str = r#"
experiment = "KIND"
seed = 7
precision = "float64"
[data]
examples = 700
features = 12
atoms = 18
nonzeros = 2
[encoder]
step = 0.15
prox = { penalty = 0.1 }
"#;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn expect_close(found: &Value, expected: &Value, most: f64) {
    let (found, expected) = (numbers(found), numbers(expected));
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(&expected) {
        assert!((a - b).abs() <= most * b.abs(), "{found:?} {expected:?}");
    }
}

#[test]
fn it_measures_what_a_comparison_and_a_descent_measure() {
    let folder = folder();
    write(folder.path(), "theory.toml", SMALL);
    let compare = ELSEWHERE.replace("KIND", "compare-gradients")
        + "[dictionary]\ninit = { method = \"perturbed-truth\", noise = 0.05 }\n\
           [compare]\niterations = [1, 5, 20, 80]\nlasso_iterations = 9000\n";
    let learn = ELSEWHERE
        .replace("KIND", "learn-dictionary")
        .replace("[encoder]", "[encoder]\niterations = 40")
        + "[dictionary]\ninit = { method = \"perturbed-truth\", noise = 0.1 }\n\
           [train]\nestimator = \"g_dec\"\nsteps = 20\nbatch_size = \"full\"\n\
           [optimizer]\nkind = \"sgd\"\nlearning_rate = 1.5\n";
    write(folder.path(), "compare.toml", &compare);
    write(folder.path(), "learn.toml", &learn);
    for name in ["theory", "compare", "learn"] {
        let config = format!("{name}.toml");
        let whole = ["--set", "theory.contraction.examples=700"];
        let more: &[&str] = if name == "theory" { &whole } else { &[] };
        output(folder.path(), &[&["run", &config, "-q", "--out", name], more].concat(), 0);
    }
    let of = |name: &str| results(&folder.path().join(name))["runs"]["main"].clone();
    let (theory, compare, learn) = (of("theory"), of("compare"), of("learn"));
    let near = theory["near_truth"].as_array().unwrap();
    let at = |near: &&Value| near["dictionary_noise"] == 0.05 && near["penalty"] == 0.1;
    let near = near.iter().find(at).unwrap();
    // ẑ by ISTA there, solved here.
    expect_close(&near["code_error_to_truth"], &compare["code_error"]["to_truth"], 1e-12);
    for name in ["g_dec", "g_ae_lasso", "g_ae_ls"] {
        let (here, there) = (&near["estimators"][name], &compare["estimators"][name]);
        expect_close(&here["error_to_truth"], &there["error_to_truth"], 1e-10);
        let first = |value: &Value| Value::from(numbers(&value["error_to_lasso"])[..2].to_vec());
        expect_close(&first(here), &first(there), 1e-6);
    }
    let descent = &theory["contraction"].as_array().unwrap()[1];
    assert_eq!(descent["penalty"], 0.1);
    let errors = numbers(&descent["dictionary_error"]);
    let there = &learn["dictionary_error"];
    assert!((errors[0] / there["initial"].as_f64().unwrap() - 1.0).abs() < 1e-12);
    assert!((errors[20] / there["final"].as_f64().unwrap() - 1.0).abs() < 1e-9);
}

#[test]
fn its_verdicts_say_what_was_measured() {
    let folder = folder();
    write(folder.path(), "theory.toml", SMALL);
    output(folder.path(), &["run", "theory.toml", "-q", "--out", "out"], 0);
    let out = folder.path().join("out");
    let main = &results(&out)["runs"]["main"];
    let verdicts = main["verdicts"].as_array().unwrap();
    let count = |of: &str| verdicts.iter().filter(|verdict| verdict["theorem"] == of).count();
    assert_eq!(["II.1", "II.2", "II.3", "II.4"].map(count), [3, 2, 4, 1]);
    let bias = &verdicts[0];
    assert!(bias["agrees"].as_bool().unwrap(), "{bias}");
    // What is proven of a stationary point holds whatever the data: D − XᵀG⁻¹Z is the derivative times G⁻¹.
    let rounds = main["stationarity"].as_array().unwrap();
    let curve = |name: &str| -> Vec<f64> {
        rounds.iter().map(|round| round[name].as_f64().unwrap()).collect()
    };
    assert_eq!(curve("rounds"), [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0]);
    assert!(curve("objective").windows(2).all(|pair| pair[1] < pair[0]));
    assert!(curve("difference")[6] < 0.5 * curve("difference")[0]);
    assert!(curve("kkt").iter().all(|kkt| *kkt < 1e-12));
    let html = std::fs::read_to_string(out.join("report.html")).unwrap();
    for expected in
        ["Theorem II.1", "Theorem II.4", "Which gradient is nearer?", "The theorem.", "They agree."]
    {
        assert!(html.contains(expected), "{expected}");
    }
    let rows = std::fs::read_to_string(out.join("metrics.csv")).unwrap();
    assert_eq!(rows.lines().count(), 1 + 3 * 3 * 4);
}

#[test]
fn the_same_bytes_whatever_happens() {
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    expect_same_whatever_happens(folder.path());
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let with = |line: &str, other: &str| {
        assert!(SMALL.contains(line), "{line}");
        SMALL.replace(line, other)
    };
    let cases = vec![
        ("descending T", with("iterations = [1, 5, 20, 80]", "iterations = [5, 1, 20]")),
        ("one penalty", with("penalties = [0.05, 0.2]", "penalties = [0.05]")),
        ("curves elsewhere", with("curves_at = 0.05", "curves_at = 0.02")),
        ("FISTA", with("step = 0.15", "step = 0.15\nkind = \"fista\"")),
        ("a threshold that decays", with("penalty = 0.1 }", "penalty = 0.1, decay = 0.9 }")),
        ("a step too large", with("step = 0.15", "step = 3.0")),
        ("float32", with("seed = 7", "seed = 7\nprecision = \"float32\"")),
        ("one-sided codes", with("penalty = 0.1 }", "penalty = 0.1, sided = \"one\" }")),
        ("no step", with("steps = 20", "steps = 0")),
        (
            "a convolution",
            with(
                "[data]\nexamples = 700\nfeatures = 12\natoms = 18\nnonzeros = 2",
                "[data]\nsource = \"shifts\"\nexamples = 50\nlength = 32\nfilters = 2\nsize = 8\ncopies = 2",
            ),
        ),
        ("an encoder's own form", with("step = 0.15", "step = 0.15\nform = \"gram\"")),
        (
            "data without truth",
            with(
                "[data]\nexamples = 700\nfeatures = 12\natoms = 18\nnonzeros = 2",
                "[data]\nsource = \"gaussians\"\nmeans = [[1.0, 0.0], [0.0, 1.0]]\nexamples = 50",
            ),
        ),
    ];
    insta::assert_snapshot!(refusals(cases, |_| {}));
}
