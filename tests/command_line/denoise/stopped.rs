//! Runs and commands that are stopped or killed.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::*;
use crate::signals::heeding;

const LONG: [&str; 6] = [
    "--set",
    "train.steps=150",
    "--set",
    "train.checkpoint_every=10",
    "--set",
    "encoder.step=\"auto\"",
];

fn start(folder: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("unrolled"));
    command.current_dir(folder).args(arguments).stderr(Stdio::piped());
    heeding(&mut command);
    command.spawn().unwrap()
}

fn wait_for(what: impl Fn() -> bool) {
    let started = Instant::now();
    while !what() {
        assert!(started.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn finish(folder: &Path, out: &str, more: &[&str]) {
    let mut command = unrolled(folder);
    command.args(["run", "small.toml", "-q", "--out", out]).args(LONG).args(more);
    command.assert().success();
}

#[test]
fn a_run_that_was_stopped_or_killed_ends_in_the_same_bytes() {
    let folder = folder();
    write(folder.path(), "small.toml", DRAWN);
    finish(folder.path(), "whole", &[]);
    let whole = folder.path().join("whole");
    for signal in [libc::SIGINT, libc::SIGKILL] {
        let name = format!("stopped-{signal}");
        let stopped = folder.path().join(&name);
        let arguments = [&["run", "small.toml", "-q", "--out", &name], &LONG[..]].concat();
        let child = start(folder.path(), &arguments);
        let checkpoints = stopped.join("checkpoints/main");
        let count = || std::fs::read_dir(&checkpoints).map_or(0, Iterator::count);
        wait_for(|| count() > 1);
        // SAFETY: the child is ours and has not been waited for.
        unsafe { libc::kill(child.id() as i32, signal) };
        let output = child.wait_with_output().unwrap();
        let expected = (signal == libc::SIGINT).then_some(130);
        assert_eq!(output.status.code(), expected, "{output:?}");
        finish(folder.path(), &name, &["--resume"]);
        assert_eq!(differences(&stopped, &whole), None, "signal {signal}");
    }
}

#[test]
fn images_that_are_finished_stay_when_the_rest_is_stopped() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("in")).unwrap();
    let count = 60;
    for index in 0..count {
        grey(&folder.path().join(format!("in/{index:02}.png")), [150, 170]);
    }
    let slow = trained(&["encoder.iterations=60", "dictionary.stride=1"]);
    let model = slow.path().join("model");
    let model = model.to_str().unwrap();
    let arguments = ["denoise", "--model", model, "in", "--out", "out", "--threads", "1"];
    let child = start(folder.path(), &arguments);
    let out = folder.path().join("out");
    wait_for(|| out.join("01.png").exists());
    // SAFETY: the child is ours and has not been waited for.
    unsafe { libc::kill(child.id() as i32, libc::SIGINT) };
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains(" of 60 images are written to out, each of them whole"), "{said}");
    let mut written = 0;
    for entry in std::fs::read_dir(&out).unwrap() {
        // Nothing half-written among them.
        assert_eq!(load(&entry.unwrap().path()).0, [150, 170, 1]);
        written += 1;
    }
    assert!((2..count).contains(&written), "{written}");
}
