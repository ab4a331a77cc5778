//! What was found by fuzzing stays mended, and some thousand inputs more find nothing.
//!
//! `cargo run --release --example fuzz` tries as many as one likes.

#[path = "../same_run.rs"]
mod same_run;
#[path = "../../examples/fuzz/suite/mod.rs"]
#[allow(dead_code, reason = "the example groups and shows findings, this test lists them")]
mod suite;

use std::path::{Path, PathBuf};

use suite::judge::{Verdict, judge};
use suite::watch::{Bounded, Listener, watched};
use suite::{Input, TARGETS, Target, repository, scratch};

#[global_allocator]
static ALLOCATOR: Bounded = Bounded;

struct Nobody;

impl Listener for Nobody {
    fn begins(&mut self, _: u64) {}
    fn answered(&mut self, _: u64, _: &Verdict) {}
}

/// Tries inputs; the findings, a line each.
fn findings(target: &'static Target, inputs: Vec<(String, Input)>) -> Vec<String> {
    let folder = scratch().unwrap();
    let names: Vec<String> = inputs.iter().map(|(name, _)| name.clone()).collect();
    let mut inputs = inputs.into_iter().map(|(_, input)| input).enumerate();
    let next = move || inputs.next().map(|(index, input)| (index as u64, input));
    let done = watched(target, folder.path(), next, Nobody);
    let line = |(index, wrong): &(u64, String)| {
        format!("{} {}: {wrong}", target.name, names[*index as usize])
    };
    done.findings.iter().map(line).collect()
}

/// The inputs in a folder, each in a folder of its own.
fn saved(folder: &Path) -> Vec<(String, Input)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().map(|path| (path.display().to_string(), Input::read(path).unwrap())).collect()
}

/// Targets that do what none should.
static BROKEN: [Target; 4] = [
    Target { name: "panics", share: 1, make: |_| Input::default(), examine: |_, _, _| panic!() },
    Target {
        name: "speaks to programmers",
        share: 1,
        make: |_| Input::default(),
        examine: |_, _, answers| {
            answers.note::<(), _>(Err("Err(Os { code: 2 })"));
            Ok(())
        },
    },
    Target {
        name: "never ends",
        share: 1,
        make: |_| Input::default(),
        examine: |_, _, _| {
            loop {
                std::thread::park();
            }
        },
    },
    Target {
        name: "takes all",
        share: 1,
        make: |_| Input::default(),
        examine: |_, _, _| {
            std::hint::black_box(Vec::<u8>::with_capacity(4 << 30));
            Ok(())
        },
    },
];

/// One test, because one input at a time is watched.
#[test]
fn what_was_found_stays_mended_and_more_inputs_find_nothing() {
    let mut found = Vec::new();
    for target in &TARGETS {
        let corpus = repository("tests/fixtures/fuzz/found").join(target.name);
        found.extend(findings(target, saved(&corpus)));
        let count = 200 * target.share;
        let inputs = (0..count).map(|index| (index.to_string(), target.input(0, index)));
        found.extend(findings(target, inputs.collect()));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    // What the mutations begin with is valid, so that they lead somewhere.
    let folder = scratch().unwrap();
    for entry in std::fs::read_dir(repository("tests/fixtures/fuzz/seeds")).unwrap() {
        let seed = Input::of("config.toml", std::fs::read(entry.unwrap().path()).unwrap());
        let verdict = judge(&TARGETS[0], &seed, folder.path());
        assert!(matches!(verdict, Verdict::Accepted), "{verdict:?}");
    }
    let wrong = ["panic", "a message with", "takes longer than", "takes more than"];
    for (target, wrong) in BROKEN.iter().zip(wrong) {
        let found = findings(target, vec![(String::new(), target.input(0, 0))]);
        assert!(found.len() == 1 && found[0].contains(wrong), "{}: {found:?}", target.name);
    }
}
