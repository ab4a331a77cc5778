//! A run that is stopped goes on as if it had not been.
#![cfg(unix)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{SMALL, expect_same, folder, results, timeless, unrolled, write};

const REPEATS: [&str; 4] = ["--set", "compare.repeats=12", "--set", "data.examples=2000"];

fn start(folder: &Path) -> Child {
    Command::new(assert_cmd::cargo::cargo_bin!("unrolled"))
        .current_dir(folder)
        .args(["run", "small.toml", "-q", "--out", "stopped"])
        .args(REPEATS)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn wait_for(path: &Path) {
    let started = Instant::now();
    while !path.exists() {
        assert!(started.elapsed() < Duration::from_secs(60), "no {}", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_stopped_comparison_resumes_at_the_next_repeat() {
    for (signal, status) in
        [(libc::SIGTERM, Some(130)), (libc::SIGINT, Some(130)), (libc::SIGKILL, None)]
    {
        let folder = folder();
        write(folder.path(), "small.toml", SMALL);
        let child = start(folder.path());
        wait_for(&folder.path().join("stopped/checkpoints/main-repeat-2.json"));
        // SAFETY: the child is ours and has not been waited for.
        unsafe { libc::kill(child.id() as i32, signal) };
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), status);
        if status.is_some() {
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(stderr.contains("--resume"), "{stderr}");
        }
        let directory = folder.path().join("stopped");
        assert!(!directory.join("results.json").exists());

        let resume = |out: &str, more: &[&str]| {
            let mut command = unrolled(folder.path());
            command.args(["run", "small.toml", "-q", "--out", out]).args(REPEATS).args(more);
            command.assert()
        };
        resume("stopped", &[]).code(2);
        resume("stopped", &["--resume", "--set", "seed=8"]).code(2);
        resume("stopped", &["--resume"]).success();
        resume("whole", &[]).success();
        let whole = folder.path().join("whole");
        expect_same(&timeless(results(&directory)), &timeless(results(&whole)));
        let arrays =
            |directory: &Path| std::fs::read(directory.join("arrays.safetensors")).unwrap();
        assert!(arrays(&directory) == arrays(&whole));
        assert!(!directory.join("checkpoints").exists());
        // Resuming a finished run only draws its report again.
        resume("stopped", &["--resume"]).success();
    }
}

#[test]
fn a_damaged_checkpoint_is_computed_again() {
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    let mut child = start(folder.path());
    let second = folder.path().join("stopped/checkpoints/main-repeat-2.json");
    wait_for(&second);
    child.kill().unwrap();
    child.wait().unwrap();
    let text = std::fs::read_to_string(&second).unwrap();
    std::fs::write(&second, &text[..text.len() / 2]).unwrap();
    let mut command = unrolled(folder.path());
    command.args(["run", "small.toml", "-q", "--out", "stopped", "--resume"]).args(REPEATS);
    command.assert().success();
    let mut command = unrolled(folder.path());
    command.args(["run", "small.toml", "-q", "--out", "whole"]).args(REPEATS).assert().success();
    let [stopped, whole] = ["stopped", "whole"].map(|name| results(&folder.path().join(name)));
    expect_same(&timeless(stopped), &timeless(whole));
}
