//! What an adversary found: each of these once lost something without a word.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::learning::SMALL;
use crate::support::{folder, results, root, unrolled, write};

pub fn output(folder: &Path, arguments: &[&str], code: i32) -> String {
    let run = unrolled(folder).args(arguments).assert().code(code);
    let output = run.get_output();
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    format!("{out}{err}")
}

/// A folder with a small configuration.
pub fn small() -> tempfile::TempDir {
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    folder
}

pub fn run(folder: &Path, out: &str, more: &[&str], code: i32) -> String {
    let mut arguments = vec!["run", "small.toml", "--out", out];
    arguments.extend(more);
    output(folder, &arguments, code)
}

#[test]
fn runs_of_a_sweep_have_names_of_their_own() {
    let folder = small();
    for name in ["a b.safetensors", "ab.safetensors"] {
        run(folder.path(), "run", &["--overwrite", "-q"], 0);
        let arrays = folder.path().join("run/arrays.safetensors");
        let bytes = std::fs::read(arrays).unwrap();
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let text = format!(
        "{SMALL}[sweep]\n\"dictionary.init\" = [{}]\n",
        ["a b", "ab"]
            .map(|name| format!(
                "{{ method = \"file\", path = \"{name}.safetensors\", key = \"main/dictionary\" }}"
            ))
            .join(", ")
    );
    write(folder.path(), "small.toml", &text);
    run(folder.path(), "swept", &["-q"], 0);
    let runs = results(&folder.path().join("swept"))["runs"].clone();
    assert_eq!(runs.as_object().unwrap().len(), 2, "{runs}");
}

#[test]
fn a_sweep_that_overflows_is_refused() {
    let folder = small();
    let keys = ["seed", "train.steps", "train.batch_size", "train.measure_every"];
    let more =
        ["train.checkpoint_every", "train.early_stop", "encoder.iterations", "data.examples"];
    let values = (1..=256).map(|v| v.to_string()).collect::<Vec<_>>().join(", ");
    let sweep = keys.iter().chain(&more).map(|key| format!("\"{key}\" = [{values}]\n"));
    write(folder.path(), "small.toml", &format!("{SMALL}[sweep]\n{}", sweep.collect::<String>()));
    let said = output(folder.path(), &["check", "small.toml"], 2);
    assert!(said.contains("[sweep] asks for too many runs; ask for 1000 or less"), "{said}");
}

#[test]
fn a_folder_holds_one_run_at_a_time() {
    let folder = small();
    let mut first = Command::new(assert_cmd::cargo::cargo_bin!("unrolled"))
        .current_dir(folder.path())
        .args(["run", "small.toml", "-q", "--out", "run", "--set", "train.steps=1000000"])
        .spawn()
        .unwrap();
    while !folder.path().join("run/checkpoints/main").exists() {
        std::thread::sleep(Duration::from_millis(2));
    }
    for option in ["--overwrite", "--resume"] {
        let said = run(folder.path(), "run", &[option, "--set", "train.steps=1000000"], 2);
        let holder = format!("a run is going on in it (process {})", first.id());
        assert!(said.contains(&holder), "{said}");
    }
    first.kill().unwrap();
    first.wait().unwrap();
    // The lock died with its process.
    run(folder.path(), "run", &["--overwrite", "-q"], 0);
    let left = std::fs::read_dir(folder.path().join("run")).unwrap();
    let left = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(
        left.into_iter().all(|name| !name.starts_with(".unfinished")),
        "nothing is left behind"
    );
}

#[test]
fn fewer_steps_than_are_done_are_refused_and_nothing_is_touched() {
    let folder = small();
    run(folder.path(), "run", &["-q", "--set", "train.steps=30"], 0);
    let config = folder.path().join("run/config.toml");
    let before = std::fs::read(&config).unwrap();
    let said = run(folder.path(), "run", &["--resume", "--set", "train.steps=20"], 2);
    assert!(said.contains("has done 30; write 30 or more"), "{said}");
    assert!(
        std::fs::read(&config).unwrap() == before
            && results(&folder.path().join("run")).is_object()
    );
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let folder = small();
    for (out, more) in [
        ("run", vec![]),
        ("seed", vec!["--set", "seed=8"]),
        ("wide", vec!["--set", "data.atoms=17"]),
    ] {
        run(folder.path(), out, &[&["-q", "--set", "train.steps=30"][..], &more].concat(), 0);
    }
    for other in ["seed", "wide"] {
        let name = "checkpoints/main/step-00000030.safetensors";
        let foreign = folder.path().join(other).join(name);
        std::fs::copy(foreign, folder.path().join("run").join(name)).unwrap();
        let _ = std::fs::remove_file(folder.path().join("run/results.json"));
        let said = run(folder.path(), "run", &["--resume", "--set", "train.steps=30"], 2);
        assert!(said.contains("is not a checkpoint of this run"), "{said}");
    }
}

#[test]
fn what_is_missing_of_a_finished_run_is_said_or_made_again() {
    let folder = small();
    run(folder.path(), "run", &["-q"], 0);
    let [arrays, metrics] =
        ["arrays.safetensors", "metrics.csv"].map(|name| folder.path().join("run").join(name));
    let before = std::fs::read(&arrays).unwrap();
    std::fs::remove_file(&arrays).unwrap();
    let text = std::fs::read_to_string(&metrics).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    std::fs::write(&metrics, format!("{}\n{}", lines[..11].join("\n"), &lines[11][..9])).unwrap();
    let said = run(folder.path(), "run", &["--resume"], 0);
    assert!(std::fs::read(&arrays).unwrap() == before, "the arrays are there again");
    let lost = lines.len() - 11;
    assert!(
        said.contains(&format!("{lost} of the {} rows of run `main`", lines.len() - 1)),
        "{said}"
    );
}

#[test]
fn overwriting_leaves_what_is_not_ours() {
    let folder = small();
    run(folder.path(), "run", &["-q"], 0);
    let kept = ["run/checkpoints/main/mine.txt", "run/checkpoints/mine.txt", "run/mine.txt"];
    kept.iter().for_each(|name| write(folder.path(), name, "mine"));
    run(folder.path(), "run", &["-q", "--overwrite"], 0);
    assert!(kept.iter().all(|name| folder.path().join(name).is_file()));
}

#[test]
fn a_state_that_the_last_update_made_infinite_is_not_kept() {
    let folder = small();
    let diverge = [
        "--set",
        "optimizer={ kind = \"sgd\", learning_rate = 1e39 }",
        "--set",
        "precision=\"float32\"",
        "--set",
        "dictionary.constraint=\"none\"",
        "--set",
        "train.steps=1",
    ];
    let said = run(folder.path(), "run", &diverge, 1);
    assert!(said.contains("a parameter after the update is not finite at step 1 "), "{said}");
    assert!(!folder.path().join("run/results.json").exists());
}

#[test]
fn a_run_that_diverges_leaves_the_other_runs_of_a_sweep() {
    let folder = small();
    let sweep = "[optimizer]\nkind = \"sgd\"\nlearning_rate = 0.1\n[dictionary]\nconstraint = \"none\"\n\
        [sweep]\n\"optimizer.learning_rate\" = [1e30, 0.01, 0.1]\n";
    let text =
        SMALL.replace("[optimizer]\nlearning_rate = 1e-2\n", "").replace("[dictionary]\n", "");
    let init = "init = { method = \"perturbed-truth\", noise = 0.1 }\n";
    let text = format!("{}{sweep}", text.replace(init, ""));
    write(folder.path(), "small.toml", &text);
    let said = run(folder.path(), "run", &[], 1);
    assert!(said.contains("is not finite at step"), "{said}");
    let runs = results(&folder.path().join("run"))["runs"].clone();
    assert_eq!(runs.as_object().unwrap().len(), 3, "{runs}");
    let failed = runs.as_object().unwrap().values().filter(|run| run.get("failed").is_some());
    assert_eq!(failed.count(), 1, "{runs}");
    assert!(folder.path().join("run/arrays.safetensors").is_file());
    let report = std::fs::read_to_string(folder.path().join("run/report.html")).unwrap();
    assert!(
        report.contains("</b> failed: the loss is not finite at step"),
        "the report says which"
    );
    output(folder.path(), &["report", "run"], 0);
    // What failed is tried again, and fails again.
    run(folder.path(), "run", &["--resume"], 1);
}

#[test]
fn more_threads_than_can_help_are_not_started() {
    let folder = small();
    let said = run(folder.path(), "run", &["--threads", "65535"], 0);
    assert!(said.contains("note: --threads 65535 is more than can help on "), "{said}");
}

#[test]
fn a_shorthand_keeps_its_meaning_under_what_is_laid_over_it() {
    let folder = small();
    let hard = ["--set", "encoder.prox=\"hard\"", "--set", "encoder.prox.penalty=0.1"];
    let said = output(folder.path(), &[&["check", "small.toml"][..], &hard].concat(), 0);
    assert!(said.contains("kind = \"hard\"") && said.contains("penalty = 0.1"), "{said}");
}

#[test]
fn codes_do_not_replace_a_device_a_folder_or_their_own_input() {
    let folder = folder();
    let fixture = root().join("tests/fixtures/compare_gradients_small.safetensors");
    std::fs::copy(fixture, folder.path().join("data.safetensors")).unwrap();
    std::fs::create_dir(folder.path().join("run")).unwrap();
    for (out, expected) in [
        ("/dev/null", "is not a regular file"),
        ("run", "is a folder"),
        ("./data.safetensors", "is one of the inputs"),
    ] {
        let encode = ["encode", "--dictionary", "data.safetensors", "--key", "W", "--data"];
        let more = ["data.safetensors", "--penalty", "0.1", "--out", out];
        let said = output(folder.path(), &[&encode[..], &more].concat(), 2);
        assert!(said.contains(expected), "{said}");
    }
}
