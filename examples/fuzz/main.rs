//! Throws mutated inputs at everything that reads one, and says what went wrong.
//!
//! `cargo run --release --example fuzz -- --minutes 60`
//!
//! | option | meaning |
//! |---|---|
//! | `--minutes M` | for so long, the time shared equally among the targets |
//! | `--inputs N` | so many inputs in all [default: 100000] |
//! | `--seed S` | others than those of seed 0 |
//! | `--only TARGET` | one target (see `suite/mod.rs`); may be repeated |
//! | `--jobs J` | processes at a time [default: one for each core] |
//! | `--out DIR` | where inputs that found something are saved [default: target/fuzz] |
//! | `--replay DIR` | tries the input in a folder that was saved, of the target `--only` |
//!
//! Input k of seed S is the same everywhere, but for the times in the files of a run. Each target has a process of its
//! own, so that a stack that overflows or memory that ends is a finding too, and the rest goes on. The exit status is 1
//! where something was found. What is found and mended belongs into `tests/fixtures/fuzz/found`, which the tests replay.

mod child;
mod options;
mod parent;
#[path = "../../tests/same_run.rs"]
mod same_run;
mod suite;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: suite::watch::Bounded = suite::watch::Bounded;

fn main() -> ExitCode {
    let options = match options::Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("error: {message}");
            return ExitCode::from(2);
        }
    };
    if options.child.is_some() {
        return child::run(&options);
    }
    if let Some(folder) = &options.replay {
        return child::replay(&options, folder);
    }
    parent::run(&options)
}
