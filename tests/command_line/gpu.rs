//! Experiments on an adapter of wgpu. Without one a test says that it was skipped; with `UNROLLED_REQUIRE_GPU` set, as
//! in CI, there must be one.

use std::io::Write;
use std::path::Path;

use crate::learning::{self, SMALL, column};
use crate::support::{self, folder, results, root, unrolled, write};

/// Whether the build and the machine have an adapter.
fn adapter() -> bool {
    if !cfg!(feature = "wgpu") {
        return false;
    }
    let list = unrolled(Path::new(".")).arg("devices").output().expect("the binary runs");
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    let found = list.contains("wgpu:0");
    if !found {
        assert!(std::env::var_os("UNROLLED_REQUIRE_GPU").is_none(), "no adapter:\n{list}");
        let _ = writeln!(std::io::stderr(), "SKIPPED: wgpu finds no adapter");
    }
    found
}

fn run(folder: &Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    unrolled(folder).args(["run", "small.toml", "-q"]).args(arguments).assert()
}

fn stderr(run: &assert_cmd::assert::Assert) -> String {
    String::from_utf8_lossy(&run.get_output().stderr).into_owned()
}

fn relative(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let difference: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    (difference / b.iter().map(|b| b * b).sum::<f64>()).sqrt()
}

/// metrics.csv of two runs agree, every row of every step.
fn same_metrics(folder: &Path, ours: &str, reference: &str) {
    for name in ["step", "epoch", "loss", "reconstruction", "dictionary_error", "learning_rate"] {
        let [ours, reference] = [ours, reference].map(|run| column(&folder.join(run), name));
        assert_eq!(ours.keys().collect::<Vec<_>>(), reference.keys().collect::<Vec<_>>());
        for (run, curve) in ours {
            let error = relative(&curve, &reference[&run]);
            assert!(error < 1e-4, "{name}, {run}: {error:e}");
        }
    }
}

#[test]
fn the_reference_runs_on_an_adapter() {
    if adapter() {
        learning::check_reference("small", 64, "float32", "wgpu", 1e-3);
        learning::check_reference("medium", 50, "float32", "wgpu", 1e-3);
    }
}

#[test]
fn a_comparison_ranks_and_crosses_as_on_the_cpu() {
    if !adapter() {
        return;
    }
    let folder = folder();
    write(folder.path(), "small.toml", support::SMALL);
    run(folder.path(), &["--out", "cpu"]).success();
    run(folder.path(), &["--device", "wgpu", "--set", "precision=\"float32\"", "--out", "gpu"])
        .success();
    let [cpu, gpu] =
        ["cpu", "gpu"].map(|run| results(&folder.path().join(run))["runs"]["main"].clone());
    for key in ["ranking", "crossover", "crossovers"] {
        assert_eq!(cpu[key], gpu[key], "{key}");
    }
    for estimator in ["g_dec", "g_ae_lasso", "g_ae_ls"] {
        for error in ["error_to_lasso", "error_to_truth"] {
            let curve = |of: &serde_json::Value| -> Vec<f64> {
                let curve = of["estimators"][estimator][error].as_array().expect("a curve");
                curve.iter().map(|v| v.as_f64().expect("a number")).collect()
            };
            let difference = relative(&curve(&gpu), &curve(&cpu));
            assert!(difference < 1e-4, "{estimator}, {error}: {difference:e}");
        }
        assert!(gpu["estimators"][estimator]["peak_bytes"][0].is_null(), "not the host's memory");
    }
}

/// Every step has its row, whenever the host looks.
#[test]
fn training_agrees_with_the_cpu_row_by_row() {
    if !adapter() {
        return;
    }
    let folder = folder();
    let every_choice = SMALL.replace("[optimizer]", "clip_norm = 0.05\n[optimizer]");
    let every_choice =
        every_choice.replace("step = 0.1", "step = \"auto\"\nprox = { learned = true }");
    for text in [SMALL.to_owned(), every_choice] {
        write(folder.path(), "small.toml", &text);
        run(folder.path(), &["--out", "cpu", "--overwrite"]).success();
        run(folder.path(), &["--out", "gpu", "--overwrite", "--device", "wgpu"]).success();
        same_metrics(folder.path(), "gpu", "cpu");
        let filled = |run: &str| {
            let text =
                std::fs::read_to_string(folder.path().join(run).join("metrics.csv")).unwrap();
            text.lines().map(|row| row.matches(",,").count()).collect::<Vec<_>>()
        };
        assert_eq!(filled("gpu"), filled("cpu"), "costly metrics come in the same rows");
    }
}

#[test]
fn a_batch_in_several_blocks_is_the_same_batch() {
    if !adapter() {
        return;
    }
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    let limited = |command: &str| {
        let mut limited = unrolled(folder.path());
        // D and its gradient take 16 kB of it, an example 1.5 kB.
        limited.env("UNROLLED_DEVICE_MEMORY", "30000").args([
            command,
            "small.toml",
            "--device",
            "wgpu",
        ]);
        limited
    };
    let check = limited("check").assert().success();
    let plan = String::from_utf8_lossy(&check.get_output().stdout).into_owned();
    assert!(plan.contains("on the device about") && plan.contains("of a batch of 20"), "{plan}");
    limited("run").args(["-q", "--out", "gpu"]).assert().success();
    run(folder.path(), &["--out", "cpu"]).success();
    same_metrics(folder.path(), "gpu", "cpu");
    let refused =
        limited("run").env("UNROLLED_DEVICE_MEMORY", "10000").args(["--out", "no"]).assert();
    let message = stderr(&refused.code(2));
    assert!(message.contains("one example needs") && message.contains("fewer"), "{message}");
    assert!(!folder.path().join("no").exists());
}

#[test]
fn a_step_that_is_not_finite_is_undone_and_named() {
    if !adapter() {
        return;
    }
    let folder = folder();
    let text = SMALL.replace("learning_rate = 1e-2", "kind = \"sgd\"\nlearning_rate = 1e6");
    let text = text.replace("[dictionary]", "[dictionary]\nconstraint = \"none\"");
    write(folder.path(), "small.toml", &text);
    let step = |device: &str| -> usize {
        let failed = run(folder.path(), &["--out", device, "--device", device]).code(1);
        let message = stderr(&failed);
        let step = message.split("is not finite at step ").nth(1).expect(&message);
        step.split(' ').next().unwrap().parse().unwrap()
    };
    let [cpu, gpu] = ["flex", "wgpu"].map(step);
    assert!(cpu > 1 && cpu == gpu, "{cpu} {gpu}");
    // Every good step has its row, and the state before the bad one is kept.
    assert_eq!(column(&folder.path().join("wgpu"), "step")["main"].len(), gpu - 1);
    let kept = folder.path().join(format!("wgpu/checkpoints/main/step-{:08}.safetensors", gpu - 1));
    assert!(kept.is_file());
    let bytes = std::fs::read(kept).unwrap();
    let arrays = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let (numbers, _) = arrays.tensor("dictionary").unwrap().data().as_chunks::<4>();
    assert!(numbers.iter().all(|b| f32::from_le_bytes(*b).is_finite()));
}

#[test]
fn a_checkpoint_moves_from_one_device_to_another() {
    if !adapter() {
        return;
    }
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    run(folder.path(), &["--out", "cpu"]).success();
    for (first, second) in [("wgpu", "flex"), ("flex", "wgpu")] {
        let out = format!("{first}-first");
        run(folder.path(), &["--out", &out, "--device", first, "--set", "train.steps=11"])
            .success();
        run(folder.path(), &["--out", &out, "--device", second, "--resume"]).success();
        assert_eq!(results(&folder.path().join(&out))["device"], second);
        same_metrics(folder.path(), &out, "cpu");
    }
}

#[test]
fn the_self_test_proves_the_adapter() {
    if !adapter() {
        return;
    }
    let folder = folder();
    let proof = unrolled(folder.path()).args(["devices", "--self-test", "wgpu"]).assert().success();
    let stdout = String::from_utf8_lossy(&proof.get_output().stdout).into_owned();
    for what in ["codes", "g_ae_ls", "100 steps of training", "is noticed", ", cold", ", warm"] {
        assert!(stdout.contains(what), "{what}: {stdout}");
    }
    assert!(stdout.ends_with(" 0 failed\n"), "{stdout}");
}

#[test]
fn what_the_adapter_cannot_do_is_said_before_work_begins() {
    if !adapter() {
        return;
    }
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    let refused = |device: &str, set: &str| {
        let refused =
            run(folder.path(), &["--out", "no", "--device", device, "--set", set]).code(2);
        assert!(!folder.path().join("no").exists());
        stderr(&refused)
    };
    let message = refused("wgpu:7", "seed=1");
    assert!(message.contains("there is no adapter \"wgpu:7\""), "{message}");
    // No driver at all: the loader is told to find none.
    let mut blind = unrolled(folder.path());
    for variable in ["VK_ICD_FILENAMES", "VK_DRIVER_FILES"] {
        blind.env(variable, "/nonexistent");
    }
    blind
        .env("__EGL_VENDOR_LIBRARY_FILENAMES", "/nonexistent")
        .env("LIBGL_DRIVERS_PATH", "/nonexistent");
    blind.args(["run", "small.toml", "-q", "--device", "wgpu", "--out", "no"]);
    let message = stderr(&blind.assert().code(2));
    assert!(
        message.contains("no adapter is found") && message.contains("--device flex"),
        "{message}"
    );
    assert!(!folder.path().join("no").exists());
}

#[test]
fn the_shipped_configurations_for_graphics_cards_run_reduced() {
    if !adapter() {
        return;
    }
    let folder = folder();
    let mut seen = 0;
    for entry in std::fs::read_dir(root().join("configs")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("gpu-") {
            continue;
        }
        seen += 1;
        let out = name.replace(".toml", "");
        let mut command = unrolled(folder.path());
        command.args(["run", path.to_str().unwrap(), "-q", "--out", &out]);
        command.args(support::reduced(&path)).assert().success();
        assert_eq!(results(&folder.path().join(&out))["device"], "wgpu");
    }
    assert!(seen >= 2);
}

/// A driver that has float64 computes powers in it wrongly, without a word (codes of |r|^2.1 were off by their own size).
#[test]
fn powers_in_float64_are_refused_on_an_adapter() {
    if !adapter() {
        return;
    }
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    let power =
        ["--set", "encoder.fit={kind=\"power\"}", "--set", "device=\"wgpu\"", "--out", "out"];
    let options = [&power[..], &["--set", "precision=\"float64\""]].concat();
    let refused = run(folder.path(), &options).code(2);
    let said = stderr(&refused);
    // An adapter without float64 refuses it before.
    assert!(said.contains("powers in float32 alone") || said.contains("float64"), "{said}");
    assert!(!folder.path().join("out").exists());
    let options = [&power[..], &["--set", "precision=\"float32\""]].concat();
    run(folder.path(), &options).success();
}
