//! What was found by fuzzing stays mended, and some thousand inputs more find nothing.
//!
//! `cargo run --release --example fuzz` tries as many as one likes.

#[path = "../same_run.rs"]
mod same_run;
#[path = "../../examples/fuzz/suite/mod.rs"]
mod suite;

use suite::judge::Verdict;
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

/// One test, because one input at a time is watched.
#[test]
fn what_was_found_stays_mended_and_more_inputs_find_nothing() {
    let mut found = Vec::new();
    for target in &TARGETS {
        let folder = repository("tests/fixtures/fuzz/found").join(target.name);
        let mut corpus = Vec::new();
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            corpus.push((path.display().to_string(), Input::read(&path).unwrap()));
        }
        found.extend(findings(target, corpus));
        let count = 200 * target.share;
        let inputs = (0..count).map(|index| (index.to_string(), target.input(0, index)));
        found.extend(findings(target, inputs.collect()));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
