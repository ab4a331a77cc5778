//! A learning run that is stopped, killed or damaged ends in the bytes of the run never stopped.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::learning::SMALL;
use crate::support::{expect_same, folder, results, timeless, unrolled, write};

/// Long enough to be stopped on the way.
const STEPS: [&str; 2] = ["--set", "train.steps=400"];

fn start(folder: &Path, more: &[&str]) -> Child {
    Command::new(assert_cmd::cargo::cargo_bin!("unrolled"))
        .current_dir(folder)
        .args(["run", "small.toml", "-q", "--out", "stopped"])
        .args(STEPS)
        .args(more)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn finish(folder: &Path, out: &str, more: &[&str]) -> String {
    let mut command = unrolled(folder);
    command.args(["run", "small.toml", "--out", out]).args(STEPS).args(more);
    let output = command.assert().success();
    String::from_utf8_lossy(&output.get_output().stderr).into_owned()
}

/// Everything but times: arrays, metrics, results, and the newest checkpoint.
pub fn expect_same_run(a: &Path, b: &Path) {
    let read = |folder: &Path, name: &str| std::fs::read(folder.join(name)).unwrap();
    assert!(read(a, "arrays.safetensors") == read(b, "arrays.safetensors"), "arrays differ");
    expect_same(&timeless(results(a)), &timeless(results(b)));
    let metrics = |folder: &Path| {
        let text = String::from_utf8(read(folder, "metrics.csv")).unwrap();
        let row = |line: &str| {
            let mut fields: Vec<_> = line.split(',').map(str::to_owned).collect();
            fields.remove(8);
            fields
        };
        text.lines().map(row).collect::<Vec<_>>()
    };
    assert_eq!(metrics(a), metrics(b));
    let arrays = |folder: &Path| {
        let bytes = std::fs::read(newest(folder)).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let mut arrays: Vec<_> =
            file.iter().map(|(name, view)| (name.to_owned(), view.data().to_vec())).collect();
        arrays.sort();
        arrays
    };
    assert!(arrays(a) == arrays(b), "checkpoints differ");
}

fn checkpoints(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory.join("checkpoints/main")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "safetensors"));
    paths.sort();
    paths
}

fn newest(directory: &Path) -> PathBuf {
    checkpoints(directory).pop().unwrap()
}

/// Steps of the newest checkpoint, 0 where there is none.
fn steps_done(directory: &Path) -> usize {
    if !directory.join("checkpoints/main").exists() {
        return 0;
    }
    let newest = checkpoints(directory).pop();
    let stem = newest.as_deref().and_then(Path::file_stem).and_then(|stem| stem.to_str());
    stem.and_then(|stem| stem.trim_start_matches("step-").parse().ok()).unwrap_or(0)
}

#[test]
fn killed_at_random_moments_every_run_ends_in_the_same_bytes() {
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    finish(folder.path(), "whole", &[]);
    let (stopped, whole) = (folder.path().join("stopped"), folder.path().join("whole"));
    let mut unfinished = 0;
    for attempt in 0..20u64 {
        let _ = std::fs::remove_dir_all(&stopped);
        let mut child = start(folder.path(), &[]);
        std::thread::sleep(Duration::from_millis(20 + (attempt * 37) % 160));
        child.kill().unwrap();
        child.wait().unwrap();
        unfinished += usize::from(!stopped.join("results.json").exists());
        match stopped.join("config.toml").exists() {
            true => finish(folder.path(), "stopped", &["--resume"]),
            false => finish(folder.path(), "stopped", &[]),
        };
        expect_same_run(&stopped, &whole);
    }
    assert!(unfinished >= 5, "most attempts were to be killed on the way: {unfinished}");
}

#[test]
fn a_signal_finishes_the_step_and_says_how_to_go_on() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        let folder = folder();
        write(folder.path(), "small.toml", SMALL);
        let child = start(folder.path(), &["--set", "train.steps=100000"]);
        let stopped = folder.path().join("stopped");
        // Whichever checkpoint: on a busy machine the first ones may have come and gone.
        while steps_done(&stopped) == 0 {
            std::thread::sleep(Duration::from_millis(2));
        }
        // SAFETY: the child is ours and has not been waited for.
        unsafe { libc::kill(child.id() as i32, signal) };
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130));
        assert!(String::from_utf8_lossy(&output.stderr).contains("--resume"));
        // Fewer steps than before are among the keys that may change, if they are not done yet.
        let steps = format!("train.steps={}", steps_done(&stopped) + 300);
        finish(folder.path(), "stopped", &["--resume", "--set", &steps]);
        finish(folder.path(), "whole", &["--set", &steps]);
        expect_same_run(&stopped, &folder.path().join("whole"));
    }
}

#[test]
fn a_damaged_checkpoint_is_recognised_and_the_one_before_it_used() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [Damage; 5] = [
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| {
            let middle = bytes.len() - 100;
            bytes[middle] ^= 0x10;
        },
        |bytes| bytes[40] ^= 0x01,
        |bytes| bytes[90] ^= 0x02,
        |bytes| bytes.clear(),
    ];
    for damage in damages {
        let folder = folder();
        write(folder.path(), "small.toml", SMALL);
        finish(folder.path(), "whole", &[]);
        let mut child = start(folder.path(), &[]);
        let stopped = folder.path().join("stopped");
        while !stopped.join("checkpoints/main").exists() || checkpoints(&stopped).len() < 2 {
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let _ = std::fs::remove_file(stopped.join("results.json"));
        let path = newest(&stopped);
        let mut bytes = std::fs::read(&path).unwrap();
        damage(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
        let said = finish(folder.path(), "stopped", &["--resume"]);
        assert!(said.contains("is damaged"), "{said}");
        expect_same_run(&stopped, &folder.path().join("whole"));
    }
}

#[test]
fn more_steps_may_be_asked_for_and_nothing_else() {
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    finish(folder.path(), "longer", &[]);
    let more = ["--resume", "--set", "train.steps=500", "--set", "train.checkpoint_every=11"];
    finish(folder.path(), "longer", &more);
    finish(folder.path(), "whole", &["--set", "train.steps=500"]);
    let error = |name: &str| results(&folder.path().join(name))["runs"]["main"].clone();
    assert_eq!(error("longer"), error("whole"));
    let mut command = unrolled(folder.path());
    command.args(["run", "small.toml", "--out", "longer", "--resume", "--set", "seed=8"]);
    let refused = command.assert().code(2);
    let stderr = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(stderr.contains("seed = 7") && stderr.contains("seed = 8"), "{stderr}");
}
