//! The optimisers that know the curvature of their atoms, where those are filters.
#![cfg(unix)]

use std::path::Path;

use assert_cmd::Command;

use crate::learning::column;
use crate::learning_resumed::expect_same_run;
use crate::support::{folder, unrolled, write};

const FILTERS: &str = "\
experiment = \"learn-dictionary\"
precision = \"float64\"
[data]
source = \"patches\"
images = 6
channels = \"colour\"
size = [14, 12]
examples = 300
[dictionary]
kind = \"convolutional\"
atoms = 8
size = [5, 4]
stride = 1
[encoder]
iterations = 40
step = \"auto\"
prox = { kind = \"soft\", penalty = 0.1 }
[train]
estimator = \"g_dec\"
steps = 40
batch_size = 32
validation = 0.2
measure_every = 20
";

const ONLINE: &str = "{ kind = \"online\" }";

fn command(folder: &Path, out: &str, optimizer: &str, more: &[&str]) -> Command {
    let mut command = unrolled(folder);
    command.args(["run", "filters.toml", "-q", "--out", out]);
    command.args(["--set", &format!("optimizer={optimizer}")]);
    more.iter().for_each(|option| {
        command.args(["--set", option]);
    });
    command
}

/// The lasso of the images held out, in the end.
fn ends(folder: &Path, out: &str, optimizer: &str, more: &[&str]) -> f64 {
    command(folder, out, optimizer, more).assert().success();
    *column(&folder.join(out), "sample_lasso")["main"].last().unwrap()
}

#[test]
fn they_end_where_the_best_rate_of_adam_does_or_lower() {
    let folder = folder();
    write(folder.path(), "filters.toml", FILTERS);
    let preconditioned =
        "{ kind = \"preconditioned\", learning_rate = 0.3, schedule = \"cosine\" }";
    for (index, more) in
        ["dictionary.stride=2", "dictionary.constraint=\"unit-sphere-per-channel\""]
            .into_iter()
            .enumerate()
    {
        let ends = |name: &str, optimizer: &str| {
            ends(folder.path(), &format!("{name}-{index}"), optimizer, &[more])
        };
        let rates = ["1e-3", "1e-2", "1e-1"].map(|rate| {
            let adam =
                format!("{{ kind = \"adam\", schedule = \"cosine\", learning_rate = {rate} }}");
            ends(&format!("adam-{rate}"), &adam)
        });
        let adam = rates.into_iter().fold(f64::INFINITY, f64::min);
        let (online, preconditioned) =
            (ends("online", ONLINE), ends("preconditioned", preconditioned));
        assert!(
            online < adam && preconditioned < 1.02 * adam,
            "{more}: {online}, {preconditioned}, Adam {rates:?}"
        );
        // Adam's smallest rate has hardly begun.
        assert!(online < 0.65 * rates[0], "{more}: {online}, {rates:?}");
    }
}

/// Also where a batch is spread over them block by block, which the encoder without kernels asks for, and where so many
/// entries of codes are not 0 that their products are computed densely.
#[test]
fn threads_and_resumption_change_nothing() {
    let folder = folder();
    write(folder.path(), "filters.toml", FILTERS);
    for (name, optimizer, more) in [
        (
            "online",
            "{ kind = \"online\", schedule = \"constant\", learning_rate = 0.2 }",
            "precision=\"float32\"",
        ),
        ("autodiff", "{ kind = \"online\", forgetting = 3.0 }", "encoder.engine=\"autodiff\""),
        ("dense", "{ kind = \"online\", forgetting = 3.0 }", "encoder.prox.penalty=1e-4"),
        ("preconditioned", "{ kind = \"preconditioned\" }", "dictionary.stride=3"),
    ] {
        let run = |out: &str, options: &[&str], arguments: &[&str]| {
            let out = format!("{name}-{out}");
            let options = [
                &["train.steps=12", "train.batch_size=40", "train.measure_every=1", more][..],
                options,
            ]
            .concat();
            command(folder.path(), &out, optimizer, &options).args(arguments).assert().success();
            folder.path().join(out)
        };
        let whole = run("whole", &[], &["--threads", "1"]);
        if name == "dense" {
            // Of 8 maps of 10 × 9.
            let nonzeros = *column(&whole, "nonzeros")["main"].last().unwrap();
            assert!(nonzeros > 720.0 / 2.0, "{nonzeros}");
        }
        let threads = run("threads", &[], &["--threads", "3"]);
        let arrays = |out: &Path| std::fs::read(out.join("arrays.safetensors")).unwrap();
        assert!(arrays(&whole) == arrays(&threads), "{name}");
        run("stopped", &["train.steps=5"], &[]);
        let resumed = run("stopped", &[], &["--resume"]);
        expect_same_run(&resumed, &whole);
    }
}
