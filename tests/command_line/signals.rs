//! Standard streams that are closed or full, and signals.
#![cfg(unix)]

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::adversary::small;

fn command(folder: &std::path::Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("unrolled"));
    command.current_dir(folder).args(arguments);
    command
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let folder = small();
    for arguments in [&["check", "small.toml"][..], &["devices"], &["init", "learn-dictionary"]] {
        let mut child = command(folder.path(), arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
fn a_full_standard_output_is_said() {
    let folder = small();
    let Ok(full) = File::options().write(true).open("/dev/full") else { return };
    let output =
        command(folder.path(), &["init", "learn-dictionary"]).stdout(full).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("error: standard output: cannot be written"), "{said}");
}

#[test]
fn a_run_goes_on_without_anybody_who_reads_its_progress() {
    let folder = small();
    let mut child = command(folder.path(), &["run", "small.toml", "--out", "run"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    assert!(child.wait().unwrap().success());
    assert!(folder.path().join("run/results.json").is_file());
}

/// Begins a run that takes long, and waits until it is at work.
fn begin(mut command: Command, folder: &std::path::Path) -> Child {
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    let started = Instant::now();
    while !folder.join("run/checkpoints/main").exists() {
        assert!(started.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

/// Makes a command heed Ctrl-C, which a shell's background jobs ignore.
pub fn heeding(command: &mut Command) {
    // SAFETY: to restore the default of a signal between fork and exec is allowed.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGINT, libc::SIG_DFL);
            Ok(())
        });
    }
}

const LONG: [&str; 6] = ["run", "small.toml", "--out", "run", "--set", "train.steps=10000000"];

#[test]
fn a_signal_that_was_ignored_stays_ignored() {
    let folder = small();
    let mut long = command(folder.path(), &LONG);
    // SAFETY: to ignore a signal between fork and exec is allowed; it is what `nohup` does.
    unsafe {
        long.pre_exec(|| {
            libc::signal(libc::SIGHUP, libc::SIG_IGN);
            Ok(())
        });
    }
    let mut child = begin(long, folder.path());
    // SAFETY: the child is ours and has not been waited for.
    unsafe { libc::kill(child.id() as i32, libc::SIGHUP) };
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "it goes on");
    // SAFETY: as above.
    unsafe { libc::kill(child.id() as i32, libc::SIGTERM) };
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_request_to_stop_is_acknowledged() {
    let folder = small();
    let mut long = command(folder.path(), &LONG);
    heeding(&mut long);
    let child = begin(long, folder.path());
    // SAFETY: the child is ours and has not been waited for.
    unsafe { libc::kill(child.id() as i32, libc::SIGINT) };
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("stopping at the next safe place; once more stops at once\n"), "{said}");
    assert!(said.contains("--resume"), "{said}");
}
