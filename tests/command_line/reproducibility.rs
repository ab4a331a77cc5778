//! Same seed, same bytes, whatever the number of threads.

use crate::support::{SMALL, expect_same, folder, results, timeless, unrolled, write};

/// Several blocks of examples, so that threads have something to share.
const EXAMPLES: &str = "data.examples=1500";

#[test]
fn threads_change_nothing_but_times() {
    for precision in ["float64", "float32"] {
        let folder = folder();
        write(folder.path(), "small.toml", SMALL);
        let precision = format!("precision={precision:?}");
        let run = |threads: &str| {
            let mut command = unrolled(folder.path());
            command.args(["run", "small.toml", "-q", "--threads", threads, "--out", threads]);
            command.args(["--set", EXAMPLES, "--set", &precision]).assert().success();
            let directory = folder.path().join(threads);
            let arrays = std::fs::read(directory.join("arrays.safetensors")).unwrap();
            (arrays, timeless(results(&directory)))
        };
        let reference = run("1");
        for threads in ["2", "3"] {
            let other = run(threads);
            assert!(reference.0 == other.0, "the arrays differ with {threads} threads");
            expect_same(&reference.1, &other.1);
        }
    }
}

#[test]
fn another_seed_is_another_run() {
    let folder = folder();
    write(folder.path(), "small.toml", SMALL);
    let run = |seed: &str| {
        let mut command = unrolled(folder.path());
        command.args(["run", "small.toml", "-q", "--out", seed, "--set", &format!("seed={seed}")]);
        command.assert().success();
        results(&folder.path().join(seed))["runs"]["main"]["code_error"].clone()
    };
    assert_ne!(run("1"), run("2"));
}
