//! A disk that is full, and folders that may not be written to, for real: a small file system in memory where one can
//! be mounted, and another user where this one may do everything.
#![cfg(target_os = "linux")]

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::same_run::differences;
use crate::support::{SMALL, folder, root, unrolled, write};

/// A file system of its own, of a size.
struct Disk(TempDir);

impl Disk {
    /// `None`, with the reason printed, where nothing can be mounted.
    fn of(kilobytes: usize) -> Option<Self> {
        let disk = Self(folder());
        let size = format!("size={kilobytes}k");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "unrolled"])
            .arg(disk.path())
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(disk),
            Ok(output) => {
                println!("skipped: {}", String::from_utf8_lossy(&output.stderr).trim());
                None
            }
            Err(error) => {
                println!("skipped: mount: {error}");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn grow(&self) {
        let grown =
            Command::new("mount").args(["-o", "remount,size=64m"]).arg(self.path()).status();
        assert!(grown.unwrap().success());
    }

    /// Writes until nothing more fits.
    fn fill(&self) -> PathBuf {
        use std::io::Write;
        let path = self.path().join("filler");
        let mut file = std::fs::File::create(&path).unwrap();
        while file.write_all(&[1; 512]).is_ok() {}
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The error that a full disk ends a command with.
fn expect_full(output: &Output) {
    let said = said(output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("error: ") && said.contains("No space left on device"), "{said}");
    assert!(said.contains("check the permissions and the free space"), "{said}");
}

/// That nothing is left of what was begun and not finished.
fn expect_nothing_unfinished(folder: &Path) {
    let names = names(folder);
    assert!(names.iter().all(|name| !name.starts_with(".unfinished-")), "{names:?}");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn run(folder: &Path, out: &Path) -> Output {
    let mut command = unrolled(folder);
    command.args(["run", "small.toml", "-q", "--out"]).arg(out);
    if out.join("config.toml").exists() {
        command.arg("--resume");
    }
    command.output().unwrap()
}

#[test]
fn a_run_on_a_full_disk_says_so_and_goes_on_where_there_is_room() {
    for text in [crate::learning::SMALL, SMALL] {
        let folder = folder();
        write(folder.path(), "small.toml", text);
        let whole = folder.path().join("whole");
        assert!(run(folder.path(), &whole).status.success());
        let mut full = 0;
        for kilobytes in (8..).step_by(16) {
            let Some(disk) = Disk::of(kilobytes) else { return };
            let out = disk.path().join("run");
            let output = run(folder.path(), &out);
            if output.status.success() {
                assert!(differences(&out, &whole).is_none());
                break;
            }
            expect_full(&output);
            full += 1;
            expect_nothing_unfinished(&out.join("checkpoints"));
            disk.grow();
            // To go on loses neither a checkpoint nor a row.
            let output = run(folder.path(), &out);
            assert!(output.status.success(), "{kilobytes} kB: {}", said(&output));
            assert_eq!(said(&output), "");
            assert_eq!(differences(&out, &whole), None, "{kilobytes} kB");
            expect_nothing_unfinished(&out);
        }
        assert!(full >= 2, "the disks were to be too small: {full}");
    }
}

#[test]
fn codes_on_a_full_disk_are_there_in_full_or_not_at_all() {
    let folder = folder();
    let fixture = root().join("tests/fixtures/compare_gradients_small.safetensors");
    for more in [&[][..], &["--sparse"]] {
        let mut sizes = Vec::new();
        for kilobytes in [4, 8, 12, 64] {
            let Some(disk) = Disk::of(kilobytes) else { return };
            let mut command = unrolled(folder.path());
            command
                .arg("encode")
                .arg("--dictionary")
                .arg(&fixture)
                .args(["--key", "W", "--data"])
                .arg(&fixture);
            command
                .args(["--penalty", "0.2", "-q", "--out"])
                .arg(disk.path().join("codes.safetensors"));
            let output = command.args(more).output().unwrap();
            if output.status.success() {
                sizes.push(std::fs::metadata(disk.path().join("codes.safetensors")).unwrap().len());
            } else {
                expect_full(&output);
                assert_eq!(names(disk.path()), [""; 0], "nothing is left");
            }
        }
        assert!(
            (1..4).contains(&sizes.len()) && sizes.iter().all(|size| *size == sizes[0]),
            "{sizes:?}"
        );
    }
}

#[test]
fn a_report_on_a_full_disk_leaves_the_one_before() {
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    let Some(disk) = Disk::of(64 << 10) else { return };
    let out = disk.path().join("run");
    assert!(run(folder.path(), &out).status.success());
    let report = out.join("report.html");
    let before = std::fs::read(&report).unwrap();
    let filler = disk.fill();
    let draw =
        |more: &[&str]| unrolled(disk.path()).args(["report", "run"]).args(more).output().unwrap();
    expect_full(&draw(&[]));
    expect_full(&draw(&["--out", "other.html"]));
    assert!(std::fs::read(&report).unwrap() == before, "the report is the one before");
    assert_eq!(names(disk.path()), ["filler", "run"]);
    std::fs::remove_file(filler).unwrap();
    assert!(draw(&[]).status.success());
    expect_nothing_unfinished(&out);
}

/// A command as somebody who may not do everything: this user, or `nobody` where this is root.
fn as_nobody(folder: &Path, binary: &Path) -> Command {
    let mut command = Command::new(binary);
    command.current_dir(folder);
    // SAFETY: it asks who this is.
    if unsafe { libc::geteuid() } == 0 {
        let leave = || {
            // SAFETY: calls of the system alone, between fork and exec.
            let left = unsafe {
                libc::setgroups(0, std::ptr::null()) == 0
                    && libc::setgid(65534) == 0
                    && libc::setuid(65534) == 0
            };
            if left { Ok(()) } else { Err(std::io::Error::last_os_error()) }
        };
        // SAFETY: as above.
        unsafe { command.pre_exec(leave) };
    }
    command
}

#[test]
fn without_permission_a_command_says_so_and_touches_nothing() {
    let folder = folder();
    let allow = |name: &str, mode: u32| {
        std::fs::set_permissions(folder.path().join(name), PermissionsExt::from_mode(mode))
            .unwrap();
    };
    let binary = folder.path().join("unrolled-copy");
    std::fs::copy(assert_cmd::cargo::cargo_bin!("unrolled"), &binary).unwrap();
    write(folder.path(), "small.toml", SMALL);
    let fixture = root().join("tests/fixtures/compare_gradients_small.safetensors");
    ["data.safetensors", "secret.safetensors"].iter().for_each(|name| {
        std::fs::copy(&fixture, folder.path().join(name)).unwrap();
    });
    write(folder.path(), "secret.toml", SMALL);
    // A run that was not finished, and one that was.
    for name in ["locked/run", "finished"] {
        assert!(run(folder.path(), &folder.path().join(name)).status.success());
    }
    std::fs::remove_file(folder.path().join("locked/run/results.json")).unwrap();
    std::fs::copy(folder.path().join("small.toml"), folder.path().join("locked/small.toml"))
        .unwrap();
    ["secret.toml", "secret.safetensors"].iter().for_each(|name| allow(name, 0));
    ["locked", "locked/run", "finished"].iter().for_each(|name| allow(name, 0o555));
    allow("", 0o755);
    if let Err(error) = as_nobody(folder.path(), &binary).arg("--version").output() {
        println!("skipped: no other user can run a command here ({error})");
        return;
    }
    let encode =
        ["encode", "--dictionary", "data.safetensors", "--key", "W", "--penalty", "0.1", "--data"];
    let to = |data: &'static str, out: &'static str| [&encode[..], &[data, "--out", out]].concat();
    let before = [names(&folder.path().join("locked/run")), names(&folder.path().join("finished"))];
    for (place, arguments, status, expected) in [
        ("", vec!["run", "small.toml", "--out", "locked/new"], 1, "locked/new: cannot be written"),
        ("locked", vec!["run", "small.toml"], 1, "runs/small: cannot be written"),
        ("", vec!["run", "small.toml", "--out", "locked/run", "--resume"], 1, "cannot be written"),
        (
            "",
            vec!["run", "small.toml", "--out", "locked/run", "--overwrite"],
            1,
            "cannot be written",
        ),
        ("", vec!["report", "finished"], 1, "report.html: cannot be written"),
        (
            "",
            vec!["report", "finished", "--out", "locked/a.html"],
            1,
            "locked/a.html: cannot be written",
        ),
        (
            "",
            to("data.safetensors", "locked/codes.safetensors"),
            2,
            "locked/codes.safetensors: cannot be written",
        ),
        (
            "",
            to("secret.safetensors", "/tmp/codes-of-nobody.safetensors"),
            2,
            "secret.safetensors: cannot be read",
        ),
        ("", vec!["check", "secret.toml"], 2, "secret.toml: cannot be read"),
    ] {
        let mut command = as_nobody(&folder.path().join(place), &binary);
        let output = command.args(&arguments).output().unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
        let error = said.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
        assert!(
            error.contains(expected) && error.contains("Permission denied"),
            "{arguments:?}: {said}"
        );
        let remedies = ["permissions", "check the path", "name a file in a folder"];
        assert!(remedies.iter().any(|remedy| error.contains(remedy)), "{said}");
    }
    let after = [names(&folder.path().join("locked/run")), names(&folder.path().join("finished"))];
    assert_eq!(before, after);
    assert_eq!(names(&folder.path().join("locked")), ["run", "small.toml"]);
}
