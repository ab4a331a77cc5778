//! The optimisers that know the curvature of their atoms, and the objective that dictionaries are judged by.
#![cfg(unix)]

use std::path::Path;

use assert_cmd::Command;

use crate::learning::{SMALL, column};
use crate::learning_resumed::expect_same_run;
use crate::support::{folder, results, unrolled, write};

/// SMALL with an optimiser, and whatever else.
fn command(folder: &Path, out: &str, optimizer: &str, more: &[&str]) -> Command {
    let mut command = unrolled(folder);
    command.args(["run", "small.toml", "-q", "--out", out]);
    let optimizer = format!("optimizer={optimizer}");
    let shared = [
        "train.estimator=\"g_dec\"",
        "train.steps=60",
        "train.objective_gap=1e-8",
        "dictionary.init=\"random\"",
        "data.examples=500",
        &optimizer,
    ];
    shared.iter().chain(more).for_each(|option| {
        command.args(["--set", option]);
    });
    command
}

fn run(folder: &Path, out: &str, optimizer: &str, more: &[&str]) {
    command(folder, out, optimizer, more).assert().success();
}

const SOLVED: &str = "encoder={ kind = \"solved\", tolerance = 1e-3 }";
const ONLINE: &str = "{ kind = \"online\" }";

fn ends(folder: &Path, out: &str, name: &str) -> f64 {
    *column(&folder.join(out), name)["main"].last().unwrap()
}

#[test]
fn they_bring_the_objective_lower_than_adam() {
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    run(folder.path(), "adam", "{ kind = \"adam\", learning_rate = 1e-2 }", &[SOLVED]);
    let adam = ends(folder.path(), "adam", "objective");
    for (out, optimizer) in [
        ("online", ONLINE),
        ("fading", "{ kind = \"online\", forgetting = 5.0 }"),
        (
            "preconditioned",
            "{ kind = \"preconditioned\", learning_rate = 0.3, schedule = \"cosine\" }",
        ),
    ] {
        run(folder.path(), out, optimizer, &[SOLVED]);
        let objective = &column(&folder.path().join(out), "objective")["main"];
        let (first, last) = (objective[0], *objective.last().unwrap());
        assert!(last < 0.95 * first && last < 0.98 * adam, "{out}: {first} to {last}, Adam {adam}");
    }
    // By an unrolled encoder and in float64 too.
    let unrolled = ["encoder.iterations=50", "encoder.step=\"auto\"", "precision=\"float64\""];
    run(folder.path(), "ista", ONLINE, &unrolled);
    assert!(ends(folder.path(), "ista", "objective") < 0.98 * adam);
}

/// The objective is the lasso with solved codes: what an encoder of many iterations reaches from above.
#[test]
fn the_objective_is_the_lasso_with_solved_codes() {
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    let long = [
        "encoder={ iterations = 3000, step = \"auto\" }",
        "precision=\"float64\"",
        "train.steps=5",
    ];
    run(folder.path(), "long", ONLINE, &long);
    let [objective, lasso] =
        ["objective", "sample_lasso"].map(|name| ends(folder.path(), "long", name));
    assert!((lasso - objective).abs() < 1e-6 * lasso, "{objective} and {lasso}");
    let sample = &results(&folder.path().join("long"))["runs"]["main"]["sample"];
    assert_eq!(sample["objective"].as_f64(), Some(objective));
    assert!(sample["objective_gap"].as_f64().unwrap() <= 1e-8);
    assert_eq!(sample["of"], "validation");
    // It is what the best dictionary is chosen by, whatever is descended.
    let by_squares = ["train.estimator=\"g_ae_ls\"", "encoder={ iterations = 2, step = 0.1 }"];
    run(folder.path(), "short", "{ kind = \"preconditioned\" }", &by_squares);
    let [objective, lasso] =
        ["objective", "sample_lasso"].map(|name| ends(folder.path(), "short", name));
    assert!(objective < lasso, "two iterations do not solve: {objective} and {lasso}");
    let validation = &column(&folder.path().join("short"), "validation_loss")["main"];
    assert_eq!(validation, &column(&folder.path().join("short"), "objective")["main"]);
}

/// Whatever the number of threads, also where they share a Gram matrix and the surrogate's products.
#[test]
fn threads_change_nothing() {
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    let sizes = ["data.features=300", "data.atoms=300", "data.examples=300", "train.steps=4"];
    for (name, optimizer, more) in [
        ("small", ONLINE, &[SOLVED][..]),
        ("large", ONLINE, &[&[SOLVED][..], &sizes].concat()),
        ("preconditioned", "{ kind = \"preconditioned\" }", &[SOLVED]),
    ] {
        let arrays = |threads: &str| {
            let out = format!("{name}-{threads}");
            let mut command = unrolled(folder.path());
            command.args(["run", "small.toml", "-q", "--out", &out, "--threads", threads]);
            let optimizer = format!("optimizer={optimizer}");
            let shared = ["train.estimator=\"g_dec\"", "train.batch_size=64", &optimizer];
            shared.iter().chain(more).for_each(|option| {
                command.args(["--set", option]);
            });
            command.assert().success();
            std::fs::read(folder.path().join(out).join("arrays.safetensors")).unwrap()
        };
        assert!(arrays("1") == arrays("3"), "{name}");
    }
}

/// Resumed after some steps, the statistics go on in the precision that they have, and without what was forgotten of atoms
/// that were replaced.
#[test]
fn resumed_it_is_the_same_run() {
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    // So sparse that a batch leaves atoms unused.
    let sparse = "encoder={ kind = \"solved\", tolerance = 1e-3, prox = { kind = \"soft\", penalty = 1.0 } }";
    let more = [sparse, "train.dead_atoms=\"resample\"", "train.measure_every=1"];
    for (name, optimizer) in [
        // Schedules that do not depend on how many steps there are to be.
        ("online", "{ kind = \"online\", schedule = \"constant\", learning_rate = 0.2 }"),
        ("fading", "{ kind = \"online\", forgetting = 3.0 }"),
        ("preconditioned", "{ kind = \"preconditioned\" }"),
    ] {
        let [whole, stopped] = ["whole", "stopped"].map(|end| format!("{name}-{end}"));
        run(folder.path(), &whole, optimizer, &more);
        run(folder.path(), &stopped, optimizer, &[&more[..], &["train.steps=25"]].concat());
        let mut resumed = command(folder.path(), &stopped, optimizer, &more);
        resumed.arg("--resume").assert().success();
        let [whole, stopped] = [whole, stopped].map(|out| folder.path().join(out));
        let replaced = &column(&whole, "resampled_atoms")["main"];
        assert!(replaced[24] > 0.0 && replaced[59] > replaced[24], "{name}: {replaced:?}");
        expect_same_run(&stopped, &whole);
    }
}

/// Rows written before there was a column go on with it empty.
#[test]
fn rows_of_an_earlier_version_are_kept() {
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    run(folder.path(), "out", ONLINE, &[SOLVED, "train.steps=10"]);
    let path = folder.path().join("out/metrics.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    let at = text.lines().next().unwrap().split(',').position(|name| name == "objective").unwrap();
    let without = |line: &str| {
        let fields = line.split(',').enumerate().filter(|(index, _)| *index != at);
        fields.map(|(_, field)| field).collect::<Vec<_>>().join(",") + "\n"
    };
    std::fs::write(&path, text.lines().map(without).collect::<String>()).unwrap();
    let mut resumed = command(folder.path(), "out", ONLINE, &[SOLVED, "train.steps=20"]);
    resumed.arg("--resume").assert().success();
    let out = folder.path().join("out");
    assert_eq!(column(&out, "loss")["main"].len(), 20);
    assert_eq!(column(&out, "objective")["main"].len(), 2, "of steps 15 and 20");
}
