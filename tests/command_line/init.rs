//! What a newcomer with rows of his own does first.
#![cfg(unix)]

use safetensors::SafeTensors;

use crate::adversary::{output, run, small};
use crate::learning::{SMALL, column};
use crate::support::{folder, results, root, write};

/// Examples of the reference, as rows without a truth.
fn rows(folder: &std::path::Path) {
    let fixture = root().join("tests/fixtures/compare_gradients_small.safetensors");
    let bytes = std::fs::read(fixture).unwrap();
    let x = SafeTensors::deserialize(&bytes).unwrap().tensor("X").unwrap();
    let rows = safetensors::serialize([("X", x)], None).unwrap();
    std::fs::write(folder.join("rows.safetensors"), rows).unwrap();
}

#[test]
fn init_prints_a_configuration_that_runs_for_a_file_of_rows() {
    let folder = folder();
    rows(folder.path());
    let init = ["init", "learn-dictionary", "--data", "rows.safetensors"];
    let text = output(folder.path(), &init, 0);
    assert!(text.contains("64 rows of 20 features") && text.contains("atoms = 40"), "{text}");
    write(folder.path(), "own.toml", &text);
    output(folder.path(), &["check", "own.toml"], 0);
    output(folder.path(), &["run", "own.toml", "-q", "--out", "run"], 0);
    let sample = &results(&folder.path().join("run"))["runs"]["main"]["sample"];
    assert_eq!((sample["of"].as_str(), sample["examples"].as_u64()), (Some("validation"), Some(6)));
    let said = output(folder.path(), &[&init[..], &["--data-key", "Y"]].concat(), 2);
    assert!(said.contains("has no array `Y`; it holds"), "{said}");
    let said =
        output(folder.path(), &["init", "compare-gradients", "--data", "rows.safetensors"], 2);
    assert!(
        said.contains("there is no configuration of \"compare-gradients\" for a file of rows"),
        "{said}"
    );
}

#[test]
fn an_automatic_step_follows_a_dictionary_that_moves_fast() {
    let folder = folder();
    rows(folder.path());
    let text = "experiment = \"learn-dictionary\"\nprecision = \"float32\"\n[data]\nsource = \"file\"\n\
        path = \"rows.safetensors\"\nkeys = { X = \"X\" }\n[dictionary]\natoms = 60\ninit = \"random\"\n\
        constraint = \"none\"\n[encoder]\nkind = \"KIND\"\niterations = 400\nstep = \"auto\"\n\
        [train]\nsteps = 30\nbatch_size = 32\ncheckpoint_every = 7\n[optimizer]\nlearning_rate = 0.1\n";
    for kind in ["ista", "fista"] {
        write(folder.path(), "fast.toml", &text.replace("KIND", kind));
        output(folder.path(), &["run", "fast.toml", "-q", "--out", kind], 0);
        assert!(
            column(&folder.path().join(kind), "loss")["main"].iter().all(|loss| loss.is_finite())
        );
        // Stopped and gone on with in between two looks, it takes the same steps.
        let parts = format!("{kind}-parts");
        let set = |steps: &str| {
            ["run", "fast.toml", "-q", "--out", &parts, "--set", steps].map(str::to_owned)
        };
        for (index, steps) in
            ["train.steps=4", "train.steps=13", "train.steps=30"].iter().enumerate()
        {
            let mut arguments = set(steps).to_vec();
            arguments.extend((index > 0).then(|| "--resume".to_owned()));
            output(folder.path(), &arguments.iter().map(String::as_str).collect::<Vec<_>>(), 0);
        }
        let read =
            |run: &str| std::fs::read(folder.path().join(run).join("arrays.safetensors")).unwrap();
        assert!(read(kind) == read(&parts), "{kind}");
    }
}

#[test]
fn runs_of_different_losses_are_measured_alike() {
    let folder = small();
    let estimators = "[sweep]\n\"train.estimator\" = [\"g_dec\", \"g_ae_ls\", \"g_ae_lasso\"]\n";
    write(folder.path(), "small.toml", &format!("{SMALL}{estimators}"));
    // A rate so small that the dictionaries stay alike: so must the figures.
    let still = ["--set", "optimizer.learning_rate=1e-12", "--set", "train.validation=0.0", "-q"];
    run(folder.path(), "run", &still, 0);
    let directory = folder.path().join("run");
    let runs = results(&directory)["runs"].clone();
    let metrics = std::fs::read_to_string(directory.join("metrics.csv")).unwrap();
    for name in ["reconstruction", "lasso"] {
        let values: Vec<f64> = runs
            .as_object()
            .unwrap()
            .values()
            .map(|run| run["sample"][name].as_f64().unwrap())
            .collect();
        assert!(
            values.len() == 3 && values.iter().all(|v| (v / values[0] - 1.0).abs() < 1e-6),
            "{values:?}"
        );
        assert!(metrics.contains(&format!(",{},", values[0])), "the last row has it too");
        assert!(metrics.contains(&format!(",sample_{name},")));
    }
    let sample = &runs["estimator=g_dec"]["sample"];
    assert_eq!(sample["of"], "training");
    assert!(sample["lasso"].as_f64() > sample["reconstruction"].as_f64(), "{sample}");
}

#[test]
fn a_schedule_that_rises_again_is_said() {
    let folder = small();
    let cosine = ["--set", "optimizer.schedule=\"cosine\""];
    run(folder.path(), "run", &[&cosine[..], &["-q", "--set", "train.steps=20"]].concat(), 0);
    let more = [&cosine[..], &["--resume", "--set", "train.steps=40"]].concat();
    let said = run(folder.path(), "run", &more, 0);
    let expected = "the schedule is spread over 40 steps now instead of 20, so the learning rate goes on at 4.80e-3 \
        instead of 0.00e0 after step 20";
    assert!(said.contains(expected), "{said}");
    let same = [&cosine[..], &["--resume", "--set", "train.steps=40"]].concat();
    assert!(!run(folder.path(), "run", &same, 0).contains("the schedule is spread"));
}
