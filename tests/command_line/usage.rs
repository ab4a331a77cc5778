//! Each command does what it says.

use crate::support::{SMALL, folder, results, root, unrolled, write};

#[test]
fn run_writes_every_file_of_the_contract() {
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    let run = unrolled(folder.path()).args(["run", "small.toml"]).assert().success();
    let stderr = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(stderr.contains("report: runs/small/report.html"), "{stderr}");
    assert!(!stderr.contains('\u{1b}'), "plain text where the output is not a terminal");
    let directory = folder.path().join("runs/small");
    let mut files: Vec<_> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let expected = [
        ".unrolled",
        "arrays.safetensors",
        "config.toml",
        "figures",
        "metrics.csv",
        "report.html",
        "results.json",
    ];
    assert_eq!(files, expected);

    let results = results(&directory);
    assert_eq!(results["experiment"], "compare-gradients");
    assert_eq!(results["seed"], 7);
    let run = &results["runs"]["main"];
    assert_eq!(run["iterations"], serde_json::json!([1, 4, 9]));
    for figure in ["to_lasso", "to_lasso_std", "to_truth", "to_truth_std"] {
        assert_eq!(run["code_error"][figure].as_array().unwrap().len(), 3, "{figure}");
    }
    for name in ["g_dec", "g_ae_lasso", "g_ae_ls"] {
        for figure in
            ["error_to_lasso", "error_to_truth", "cosine_to_truth", "milliseconds", "peak_bytes"]
        {
            let curve = run["estimators"][name][figure].as_array().unwrap();
            assert!(curve.iter().all(|v| v.as_f64().unwrap().is_finite()), "{name} {figure}");
            assert!(run["estimators"][name][format!("{figure}_std")].is_array());
        }
    }
    for norm in ["lasso_gradient_error_to_truth", "truth_gradient_norm", "lasso_gradient_norm"] {
        assert!(run[norm].as_f64().unwrap() > 0.0 && run[format!("{norm}_std")].is_f64());
    }
    let metrics = std::fs::read_to_string(directory.join("metrics.csv")).unwrap();
    assert_eq!(metrics.lines().count(), 4);
    assert!(metrics.starts_with("run,iterations,"));
}

#[test]
fn the_effective_configuration_gives_the_same_run() {
    let folder = folder();
    let text = format!(
        "{SMALL}\n[[runs]]\nname = \"soft\"\n[[runs]]\nname = \"hard\"\n\
         encoder.prox = {{ kind = \"hard\", threshold = 0.05, penalty = 0.1 }}\n"
    );
    write(folder.path(), "small.toml", &text);
    let run = |config: &str, out: &str| {
        unrolled(folder.path()).args(["run", config, "--quiet", "--out", out]).assert().success();
        let config = std::fs::read_to_string(folder.path().join(out).join("config.toml")).unwrap();
        (config, crate::support::timeless(results(&folder.path().join(out))))
    };
    let first = run("small.toml", "first");
    let second = run("first/config.toml", "second");
    assert_eq!(first.0, second.0);
    assert_eq!(first.1, second.1);
    assert_eq!(first.1["runs"].as_object().unwrap().len(), 2);
}

#[test]
fn a_sweep_makes_one_run_of_each_value() {
    let folder = folder();
    let text = format!("{SMALL}\n[sweep]\n\"encoder.prox.penalty\" = [0.1, 0.2, 0.4]\n");
    write(folder.path(), "sweep.toml", &text);
    unrolled(folder.path())
        .args(["run", "sweep.toml", "--quiet", "--out", "out"])
        .assert()
        .success();
    let results = results(&folder.path().join("out"));
    let names: Vec<_> = results["runs"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["penalty=0.1", "penalty=0.2", "penalty=0.4"]);
    let report = std::fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    assert!(report.contains("How the bias grows with the penalty"));
}

#[test]
fn quiet_says_nothing() {
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    let run = unrolled(folder.path()).args(["run", "small.toml", "--quiet"]).assert().success();
    let output = run.get_output();
    assert!(output.stdout.is_empty() && output.stderr.is_empty());
}

#[test]
fn report_draws_again_and_combines() {
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    for out in ["a", "b"] {
        unrolled(folder.path()).args(["run", "small.toml", "-q", "--out", out]).assert().success();
    }
    let drawn = std::fs::read(folder.path().join("a/report.html")).unwrap();
    std::fs::remove_file(folder.path().join("a/report.html")).unwrap();
    unrolled(folder.path()).args(["report", "a"]).assert().success();
    assert_eq!(drawn, std::fs::read(folder.path().join("a/report.html")).unwrap());
    unrolled(folder.path()).args(["report", "a", "b", "--out", "both.html"]).assert().success();
    let both = std::fs::read_to_string(folder.path().join("both.html")).unwrap();
    assert_eq!(both.matches("<h1>").count(), 1);
}

#[test]
fn check_prints_the_effective_configuration_and_the_cost_and_writes_nothing() {
    let folder = folder();
    let config = root().join("configs/gradient-bias.toml");
    let check = unrolled(folder.path()).arg("check").arg(config).assert().success();
    let stdout = String::from_utf8_lossy(&check.get_output().stdout).into_owned();
    for part in ["lasso_iterations = 1000", "memory    about", "time      about", "[encoder.prox]"]
    {
        assert!(stdout.contains(part), "{part} in {stdout}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn init_prints_a_configuration_that_is_all_defaults() {
    let folder = folder();
    let init = unrolled(folder.path()).args(["init", "compare-gradients"]).assert().success();
    let template = String::from_utf8_lossy(&init.get_output().stdout).into_owned();
    write(folder.path(), "same.toml", &template);
    let with_template = check(folder.path(), "same.toml");
    write(folder.path(), "same.toml", "");
    assert_eq!(with_template, check(folder.path(), "same.toml"));
}

fn check(folder: &std::path::Path, config: &str) -> String {
    let check = unrolled(folder).args(["check", config]).assert().success();
    let stdout = String::from_utf8_lossy(&check.get_output().stdout).into_owned();
    stdout.split("\nruns ").next().unwrap().to_owned()
}

#[test]
fn devices_lists_and_proves() {
    let folder = folder();
    let list = unrolled(folder.path()).arg("devices").assert().success();
    let stdout = String::from_utf8_lossy(&list.get_output().stdout).into_owned();
    assert!(stdout.lines().any(|line| line.starts_with("flex") && line.ends_with("ready")));
    let names = if cfg!(feature = "ndarray") { vec!["flex", "ndarray"] } else { vec!["flex"] };
    for name in names {
        let proof =
            unrolled(folder.path()).args(["devices", "--self-test", name]).assert().success();
        let stdout = String::from_utf8_lossy(&proof.get_output().stdout).into_owned();
        assert!(
            stdout.contains("finite differences") && stdout.ends_with(" 0 failed\n"),
            "{stdout}"
        );
    }
}

#[test]
fn a_run_can_use_the_other_cpu_backend_where_it_is_compiled_in() {
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    let run = |device: &str| {
        let mut command = unrolled(folder.path());
        command.args(["run", "small.toml", "-q", "--device", device, "--out", device]);
        command.assert()
    };
    run("flex").success();
    if !cfg!(feature = "ndarray") {
        run("ndarray").code(2);
        return;
    }
    run("ndarray").success();
    let error = |device: &str| {
        let results = results(&folder.path().join(device));
        results["runs"]["main"]["estimators"]["g_ae_ls"]["error_to_truth"][2].as_f64().unwrap()
    };
    assert!((error("flex") / error("ndarray") - 1.0).abs() < 1e-10);
}

/// A penalty so strong that the first codes are zero: their gradients have no direction.
#[test]
fn a_figure_that_does_not_exist_is_absent_and_never_shifts_the_others() {
    let folder = folder();
    let text = format!("{SMALL}\n[encoder.prox]\npenalty = 20.0\ndecay = 0.5\n");
    write(folder.path(), "strong.toml", &text);
    unrolled(folder.path()).args(["run", "strong.toml", "-q", "--out", "out"]).assert().success();
    let results = results(&folder.path().join("out"));
    let cosine = &results["runs"]["main"]["estimators"]["g_dec"]["cosine_to_truth"];
    assert!(cosine[0].is_null() && cosine[2].is_f64(), "{cosine}");
    let metrics = std::fs::read_to_string(folder.path().join("out/metrics.csv")).unwrap();
    assert!(!metrics.contains("NaN") && metrics.contains(",,"), "{metrics}");
}

#[test]
fn the_command_line_has_the_last_word_over_runs_and_sweeps() {
    let folder = folder();
    let names = |text: &str, options: &[&str]| -> Vec<(String, f64)> {
        write(folder.path(), "runs.toml", text);
        let mut command = unrolled(folder.path());
        command.args(["run", "runs.toml", "-q", "--out", "out", "--overwrite"]).args(options);
        command.assert().success();
        let results = results(&folder.path().join("out"));
        let runs = results["runs"].as_object().unwrap();
        runs.iter().map(|(name, run)| (name.clone(), run["penalty"].as_f64().unwrap())).collect()
    };
    let sweep = format!("{SMALL}\n[sweep]\nseed = [1, 2]\n\"encoder.prox.penalty\" = [0.1, 0.2]\n");
    assert_eq!(names(&sweep, &[]).len(), 4);
    let pinned = names(&sweep, &["--set", "encoder.prox.penalty=0.3"]);
    assert_eq!(pinned, [("seed=1".to_owned(), 0.3), ("seed=2".to_owned(), 0.3)]);
    let runs = format!("{SMALL}\n[[runs]]\nname = \"a\"\nencoder.prox.penalty = 0.1\n");
    assert_eq!(names(&runs, &["--set", "encoder.prox.penalty=0.3"]), [("a".to_owned(), 0.3)]);
}

#[test]
fn overwriting_deletes_nothing_but_a_run() {
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    let run = |options: &[&str]| {
        let mut command = unrolled(folder.path());
        command.args(["run", "small.toml", "-q", "--out", "out"]).args(options);
        command.assert()
    };
    run(&[]).success();
    write(&folder.path().join("out"), "notes.txt", "mine");
    run(&["--overwrite"]).success();
    assert!(folder.path().join("out/notes.txt").is_file());
    write(folder.path(), "config.toml", "seed = 1");
    let mut command = unrolled(folder.path());
    command.args(["run", "small.toml", "--out", ".", "--overwrite"]).assert().code(2);
}
