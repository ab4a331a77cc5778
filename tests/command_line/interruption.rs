//! A run that is stopped goes on as if it had not been.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::signals::heeding;
use crate::support::{SMALL, expect_same, folder, results, timeless, unrolled, write};

const REPEATS: [&str; 4] = ["--set", "compare.repeats=12", "--set", "data.examples=2000"];

fn start(folder: &Path) -> Child {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("unrolled"));
    command
        .current_dir(folder)
        .args(["run", "small.toml", "-q", "--out", "stopped"])
        .args(REPEATS)
        .stderr(Stdio::piped());
    heeding(&mut command);
    command.spawn().unwrap()
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

/// A comparison that was killed after two repeats, with more to be set.
fn killed(folder: &Path) -> [PathBuf; 3] {
    write(folder, "small.toml", SMALL);
    let mut child = start(folder);
    let files = ["main-repeat-1.json", "main-repeat-2.json", "main.safetensors"];
    let files = files.map(|name| folder.join("stopped/checkpoints").join(name));
    wait_for(&files[1]);
    child.kill().unwrap();
    child.wait().unwrap();
    files
}

#[test]
fn a_damaged_or_foreign_checkpoint_is_computed_again() {
    let whole = folder();
    write(whole.path(), "small.toml", SMALL);
    let out = |folder: &Path, name: &str, more: &[&str]| {
        let mut command = unrolled(folder);
        command.args(["run", "small.toml", "--out", name]).args(REPEATS).args(more);
        let output = command.assert().success().get_output().stderr.clone();
        String::from_utf8_lossy(&output).into_owned()
    };
    out(whole.path(), "whole", &[]);
    let read = |folder: &Path, name: &str| std::fs::read(folder.join(name)).unwrap();
    // A repeat under another name.
    let foreign = folder();
    let of_others = killed(foreign.path()).map(|path| std::fs::read(path).unwrap());
    for (damage, said) in [
        (0, "the repeat is damaged"),
        (1, "the repeat is damaged"),
        (2, "the repeat is of another comparison, or of other data"),
        (3, "the arrays of the repeat are damaged or missing"),
    ] {
        let folder = folder();
        let [first, second, arrays] = killed(folder.path());
        let (text, mut bytes) =
            (std::fs::read_to_string(&second).unwrap(), std::fs::read(&arrays).unwrap());
        match damage {
            0 => std::fs::write(&second, &text[..text.len() / 2]).unwrap(),
            // A curve that is one value shorter is still JSON.
            1 => {
                let at = text
                    .find(',')
                    .map(|_| text.find("[0.").or(text.find("[1.")).unwrap() + 1)
                    .unwrap();
                let end = at + text[at..].find(',').unwrap() + 1;
                std::fs::write(&second, format!("{}{}", &text[..at], &text[end..])).unwrap();
            }
            2 => {
                let other = String::from_utf8(of_others[0].clone()).unwrap();
                let key = "\"identity\":\"";
                let at = other.find(key).unwrap() + key.len();
                std::fs::write(&first, format!("{}f{}", &other[..at], &other[at..])).unwrap();
            }
            _ => {
                let last = bytes.len() - 1;
                bytes[last] ^= 1;
                std::fs::write(&arrays, bytes).unwrap();
            }
        }
        let output = out(folder.path(), "stopped", &["--resume"]);
        assert!(output.contains(said) && output.contains("it is computed again"), "{output}");
        let (stopped, whole) = (folder.path().join("stopped"), whole.path().join("whole"));
        expect_same(&timeless(results(&stopped)), &timeless(results(&whole)));
        assert!(read(&stopped, "arrays.safetensors") == read(&whole, "arrays.safetensors"));
    }
}
