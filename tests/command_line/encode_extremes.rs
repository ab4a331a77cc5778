//! `unrolled encode` at the edges: of scale, of accuracy, of where it writes, and stopped half-way.
#![cfg(unix)]

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::learning::SMALL;
use crate::support::{folder, unrolled, write};

const FEATURES: usize = 8;
const ATOMS: usize = 20;

/// Numbers between −1 and 1, the same every time.
fn numbers(seed: u64, count: usize) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Writes X `[n, m]` and D `[m, p]`, which are multiplied by a number each.
fn save(folder: &Path, name: &str, examples: usize, of_x: f64, of_atom: impl Fn(usize) -> f64) {
    let x = numbers(1, examples * FEATURES).into_iter().map(|v| v * of_x);
    let d = numbers(2, FEATURES * ATOMS);
    let d = d.into_iter().enumerate().map(|(i, v)| v * of_atom(i % ATOMS));
    let [x, d]: [Vec<u8>; 2] = [x.collect(), d.collect()]
        .map(|v: Vec<f64>| v.iter().flat_map(|v| v.to_le_bytes()).collect());
    let view = |shape, bytes| TensorView::new(Dtype::F64, shape, bytes).unwrap();
    let arrays =
        [("X", view(vec![examples, FEATURES], &x)), ("D", view(vec![FEATURES, ATOMS], &d))];
    std::fs::write(folder.join(name), safetensors::serialize(arrays, None).unwrap()).unwrap();
}

fn arguments<'a>(data: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["encode", "--dictionary", data, "--key", "D", "--data", data];
    arguments.extend(more);
    arguments
}

/// What an encode said that ended with a status.
fn encode(folder: &Path, data: &str, more: &[&str], code: i32) -> String {
    let run = unrolled(folder).args(arguments(data, more)).assert().code(code);
    let output = run.get_output();
    assert!(output.stdout.is_empty());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn array(folder: &Path, file: &str, name: &str) -> Vec<f64> {
    let bytes = std::fs::read(folder.join(file)).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let values = file.tensor(name).unwrap().data().to_vec();
    values.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect()
}

fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(0.0, |largest, v| largest.max(v.abs()))
}

fn left(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_left = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".unfinished-"))
    };
    entries.filter(is_left).collect()
}

#[test]
fn the_scale_of_data_and_dictionary_does_not_matter() {
    let folder = folder();
    let folder = folder.path();
    save(folder, "plain.safetensors", 30, 1.0, |_| 1.0);
    for (until, value) in [("--gap", "1e-12"), ("--iterations", "40")] {
        let with = |penalty, out| [until, value, "--penalty", penalty, "--out", out, "--overwrite"];
        encode(folder, "plain.safetensors", &with("0.1", "plain-codes.safetensors"), 0);
        let plain = array(folder, "plain-codes.safetensors", "codes");
        assert!(largest(plain.iter().copied()) > 0.1);
        for (x, d, penalty, codes) in [
            (1e155, 1.0, "1e154", 1e155),
            (1e-170, 1.0, "1e-171", 1e-170),
            (1.0, 1e160, "1e159", 1e-160),
            (1e100, 1e-180, "1e-81", 1e280),
        ] {
            save(folder, "scaled.safetensors", 30, x, |_| d);
            encode(folder, "scaled.safetensors", &with(penalty, "codes.safetensors"), 0);
            let scaled = array(folder, "codes.safetensors", "codes");
            let off = largest(scaled.iter().zip(&plain).map(|(a, b)| a / codes - b));
            assert!(off < 1e-4, "{until}, data × {x:e}, atoms × {d:e}: {off}");
            let gap = largest(array(folder, "codes.safetensors", "gaps"));
            let expected = largest(array(folder, "plain-codes.safetensors", "gaps"));
            match until {
                "--gap" => assert!(gap <= 1e-12),
                _ => assert!((gap / expected - 1.0).abs() < 1e-6, "{gap} {expected}"),
            }
        }
    }
    // Codes that no float64 can hold are not written.
    save(folder, "scaled.safetensors", 30, 1e200, |_| 1e-200);
    let more = ["--gap", "1e-4", "--penalty", "1e-3", "--out", "none.safetensors"];
    let said = encode(folder, "scaled.safetensors", &more, 1);
    assert!(said.contains("the code of example 0 (counted from 0) is beyond float64"), "{said}");
    assert!(!folder.join("none.safetensors").exists() && left(folder).is_empty());
}

#[test]
fn what_rounding_forbids_is_said_with_a_status_of_its_own_and_written() {
    let folder = folder();
    let folder = folder.path();
    save(folder, "wide.safetensors", 30, 1.0, |j| 10f64.powf(-8.0 + 16.0 * j as f64 / 19.0));
    let more = ["--gap", "1e-12", "--penalty", "0.01", "--out", "codes.safetensors"];
    let said = encode(folder, "wide.safetensors", &more, 3);
    assert!(said.contains("rounding in float64 is in the way"), "{said}");
    assert!(!said.contains("100000"), "{said}");
    let gaps = array(folder, "codes.safetensors", "gaps");
    let worst = format!("the worst has {:.1e},", largest(gaps.iter().copied()));
    assert!(said.contains(&worst), "{said}");
    let missed = gaps.iter().filter(|gap| **gap > 1e-12).count();
    assert!(missed > 0 && said.contains(&format!("{missed} of 30 examples")), "{said}");
    assert!(left(folder).is_empty());
}

#[test]
fn asking_for_more_gives_no_less() {
    let folder = folder();
    let folder = folder.path();
    save(folder, "plain.safetensors", 300, 1.0, |_| 1.0);
    let worst = |gap: &str| {
        let mut command = unrolled(folder);
        command.args(arguments("plain.safetensors", &["--gap", gap, "--penalty", "0.1"]));
        let run = command.args(["--out", "codes.safetensors", "--overwrite"]).output().unwrap();
        let worst = largest(array(folder, "codes.safetensors", "gaps"));
        // 3 where the gap was not reached, and only there.
        let expected = if worst <= gap.parse::<f64>().unwrap() { 0 } else { 3 };
        assert_eq!(run.status.code(), Some(expected), "{gap}: {worst:e}");
        worst
    };
    let gaps = ["1e-12", "1e-13", "1e-14", "1e-30"].map(worst);
    assert!(gaps[1..].iter().all(|gap| *gap <= 1e-13), "{gaps:?}");
}

#[test]
fn numbers_that_cannot_be_are_refused_in_our_words() {
    let folder = folder();
    let folder = folder.path();
    save(folder, "plain.safetensors", 3, 1.0, |_| 1.0);
    let out = ["--out", "codes.safetensors"];
    for (more, expected) in [
        (&["--penalty", "-0.1"][..], "--penalty is -0.1; write a number, 0 or more"),
        (&["--penalty", "-1e-4"], "--penalty is -0.0001; write a number, 0 or more"),
        (&["--penalty", "1", "--gap", "-1e-4"], "--gap is -0.0001; write a number above 0"),
        (&["--penalty", "0", "--gap", "1e-4"], "--penalty 0 leaves no duality gap to stop at"),
        (
            &["--penalty", "1", "--iterations", "18446744073709551615"],
            "--iterations is 18446744073709551615; write 1000000 or less",
        ),
    ] {
        let said = encode(folder, "plain.safetensors", &[more, &out].concat(), 2);
        assert!(said.contains(expected), "{said}");
    }
    let said = encode(folder, "plain.safetensors", &[&["--penalty", "0"], &out[..]].concat(), 0);
    assert!(said.contains("no duality gap (the penalty is 0)"), "{said}");
}

#[test]
fn where_nothing_can_be_written_is_said_before_anything_is_read() {
    let folder = folder();
    let folder = folder.path();
    save(folder, "plain.safetensors", 3, 1.0, |_| 1.0);
    write(folder, "file", "");
    write(folder, "old.safetensors", "old");
    std::fs::create_dir(folder.join("folder.safetensors")).unwrap();
    for (out, expected) in [
        ("codes.npz", "codes.npz: codes are written in the format safetensors; give --out a name"),
        ("codes", "codes: codes are written in the format safetensors; give --out a name"),
        ("folder.safetensors", "folder.safetensors: is a folder; name a file to write"),
        ("none/c.safetensors", "none/c.safetensors: none is not there; make that folder first"),
        ("file/c.safetensors", "file/c.safetensors: file is not a folder, or name another file"),
        ("old.safetensors", "old.safetensors: is there already; choose another file with --out"),
        #[cfg(target_os = "linux")]
        ("/proc/c.safetensors", "/proc/c.safetensors: cannot be written ("),
    ] {
        let mut command = unrolled(folder);
        command.args(["encode", "--dictionary", "absent.pt", "--data", "absent.pt"]);
        let run = command.args(["--penalty", "1", "--out", out]).assert().code(2);
        let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(said.contains(expected), "{said}");
    }
    assert_eq!(std::fs::read(folder.join("old.safetensors")).unwrap(), b"old");
    let more = ["--penalty", "1", "--out", "old.safetensors", "--overwrite"];
    encode(folder, "plain.safetensors", &more, 0);
    assert_eq!(array(folder, "old.safetensors", "gaps").len(), 3);
}

#[test]
fn threads_change_nothing_and_quiet_is_quiet() {
    let folder = folder();
    let folder = folder.path();
    save(folder, "plain.safetensors", 1300, 1.0, |_| 1.0);
    for until in [["--gap", "1e-6"], ["--iterations", "20"]] {
        let bytes = |threads: &str| {
            let more = ["--penalty", "0.1", "--out", "codes.safetensors", "--overwrite", "-q"];
            let more = [&more[..], &until, &["--threads", threads]].concat();
            assert_eq!(encode(folder, "plain.safetensors", &more, 0), "");
            std::fs::read(folder.join("codes.safetensors")).unwrap()
        };
        let one = bytes("1");
        assert!(bytes("2") == one && bytes("3") == one, "{until:?}");
    }
    let more = ["--penalty", "0.1", "--out", "many.safetensors", "--threads", "65535"];
    let said = encode(folder, "plain.safetensors", &more, 0);
    assert!(said.contains("note: --threads 65535 is more than can help on "), "{said}");
}

#[test]
fn the_runs_of_a_folder_are_named() {
    let folder = folder();
    let folder = folder.path();
    let runs = "[[runs]]\nname = \"a\"\n[[runs]]\nname = \"b\"\nseed = 4\n";
    write(folder, "small.toml", &format!("{SMALL}{runs}"));
    unrolled(folder).args(["run", "small.toml", "-q", "--out", "run"]).assert().success();
    save(folder, "plain.safetensors", 3, 1.0, |_| 1.0);
    for (key, expected) in [
        (&[][..], "run: holds the runs a, b; choose one, as in --key a"),
        (&["--key", "c"], "run: holds no run c, but the runs a, b; choose one, as in --key a"),
    ] {
        let mut command = unrolled(folder);
        command.args(["encode", "--dictionary", "run", "--data", "plain.safetensors"]).args(key);
        let run = command.args(["--penalty", "1", "--out", "c.safetensors"]).assert().code(2);
        let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(said.contains(expected), "{said}");
    }
}

/// A process that does not outlive the test.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts an encode that takes minutes, and waits until it has begun its file.
fn start_long(folder: &Path, more: &[&str]) -> Guarded {
    // Atoms that are almost the same: hardly any progress in a pass.
    let ones: Vec<u8> =
        numbers(3, FEATURES * ATOMS).iter().flat_map(|v| (1.0 + 1e-4 * v).to_le_bytes()).collect();
    let x: Vec<u8> = numbers(4, 4000 * FEATURES).iter().flat_map(|v| v.to_le_bytes()).collect();
    let view = |shape, bytes| TensorView::new(Dtype::F64, shape, bytes).unwrap();
    let arrays = [("X", view(vec![4000, FEATURES], &x)), ("D", view(vec![FEATURES, ATOMS], &ones))];
    let file = safetensors::serialize(arrays, None).unwrap();
    std::fs::write(folder.join("long.safetensors"), file).unwrap();
    let before = left(folder);
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("unrolled"));
    command.current_dir(folder).args(arguments("long.safetensors", more));
    command.args(["--penalty", "1e-6", "--out", "codes.safetensors"]).stderr(Stdio::piped());
    // Whoever runs the tests may ignore signals, as nohup does.
    let heed_signals = || {
        for signal in SIGNALS {
            // SAFETY: it sets what a new process has anyway.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        Ok(())
    };
    // SAFETY: nothing but system calls happens between fork and exec.
    let child = Guarded(unsafe { command.pre_exec(heed_signals) }.spawn().unwrap());
    let started = Instant::now();
    while left(folder).iter().all(|path| before.contains(path)) {
        assert!(started.elapsed() < Duration::from_secs(60), "it has not begun");
        std::thread::sleep(Duration::from_millis(5));
    }
    // Beyond reading, into the work.
    std::thread::sleep(Duration::from_millis(200));
    child
}

const SIGNALS: [i32; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];

#[test]
fn a_stopped_encode_leaves_nothing_behind() {
    for signal in SIGNALS {
        for more in [["--iterations", "1000000"], ["--gap", "1e-12"]] {
            let folder = folder();
            let mut child = start_long(folder.path(), &more);
            // SAFETY: the child is ours and has not been waited for.
            unsafe { libc::kill(child.0.id() as i32, signal) };
            let asked = Instant::now();
            let status = loop {
                if let Some(status) = child.0.try_wait().unwrap() {
                    break status;
                }
                assert!(asked.elapsed() < Duration::from_secs(20), "{signal}, {more:?}");
                std::thread::sleep(Duration::from_millis(5));
            };
            assert_eq!(status.code(), Some(130), "{signal}, {more:?}");
            let said = std::io::read_to_string(child.0.stderr.take().unwrap()).unwrap();
            assert!(said.contains("stopped; no codes are written"), "{said}");
            let files = std::fs::read_dir(folder.path()).unwrap().count();
            assert_eq!(files, 1, "the data alone");
        }
    }
}

#[test]
fn what_a_killed_encode_left_is_removed_by_the_next_but_not_what_is_being_written() {
    let folder = folder();
    let folder = folder.path();
    let mut killed = start_long(folder, &["--gap", "1e-12"]);
    let first = left(folder);
    killed.0.kill().unwrap();
    killed.0.wait().unwrap();
    assert_eq!(left(folder), first);
    let other = start_long(folder, &["--gap", "1e-12"]);
    let second = left(folder);
    assert!(second.len() == 1 && second != first);
    let more = ["--penalty", "1", "--iterations", "1", "--out", "codes.safetensors"];
    encode(folder, "long.safetensors", &more, 0);
    assert_eq!(left(folder), second);
    drop(other);
}

#[test]
fn what_a_killed_run_left_is_removed_when_it_goes_on() {
    let folder = folder();
    let folder = folder.path();
    write(folder, "small.toml", SMALL);
    let run = |more: &[&str]| {
        let mut command = unrolled(folder);
        command.args(["run", "small.toml", "-q", "--out", "run"]).args(more).assert().success();
    };
    run(&["--set", "train.checkpoint_every=5"]);
    let places = ["run", "run/checkpoints", "run/checkpoints/main"];
    for place in places {
        std::fs::create_dir_all(folder.join(place)).unwrap();
        write(folder, &format!("{place}/.unfinished-x"), "half");
    }
    std::fs::remove_file(folder.join("run/results.json")).unwrap();
    run(&["--resume", "--set", "train.checkpoint_every=5"]);
    let is_left =
        |place: &&str| folder.join(place).is_dir() && !left(&folder.join(place)).is_empty();
    assert_eq!(places.iter().find(|place| is_left(place)), None);
}
