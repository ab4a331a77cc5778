//! Kills a comparison, a learning run and an `encode` at random moments, resumes each until it is finished, and expects
//! the bytes of the run never killed.
//!
//! `cargo run --release --example kills -- --kills 1000`, with `--seed S` for other moments and `--load N` for N busy
//! threads beside it [default: 2]. `--binary PATH` kills another build than the one that cargo makes now.

mod campaign;
#[path = "../../tests/same_run.rs"]
mod same_run;

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use campaign::{Campaign, JOBS, Load, scratch};

fn main() {
    let (mut kills, mut seed, mut load, mut binary) = (1000, 0, 2, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(option) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        let number =
            || value.parse::<u64>().unwrap_or_else(|_| panic!("{option} needs a whole number"));
        match option.as_str() {
            "--kills" => kills = number(),
            "--seed" => seed = number(),
            "--load" => load = number() as usize,
            "--binary" => binary = Some(PathBuf::from(value)),
            _ => panic!("{option} is no option; see examples/kills/main.rs"),
        }
    }
    let binary = binary.unwrap_or_else(build).canonicalize().expect("there is a binary");
    let folder = scratch();
    let _load = Load::of(load);
    let mut campaign = Campaign::new(&binary, folder.path(), seed);
    let started = Instant::now();
    let mut said = 0;
    while campaign.kills < kills {
        JOBS.iter().for_each(|job| campaign.finish(*job));
        if campaign.kills / 100 > said {
            said = campaign.kills / 100;
            println!("{} kills, {} jobs finished after them", campaign.kills, campaign.finished);
        }
    }
    println!(
        "{} kills, {} jobs finished after them with the same bytes, in {:.0} s",
        campaign.kills,
        campaign.finished,
        started.elapsed().as_secs_f64()
    );
}

/// The binary of this source, beside the folder of this example.
fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let built = Command::new(cargo).args(["build", "--release"]).status();
    assert!(built.is_ok_and(|status| status.success()), "the binary cannot be built");
    let own = std::env::current_exe().expect("a process has a path");
    let release = own.ancestors().nth(2).expect("an example lies in a folder of its own");
    release.join(format!("unrolled{}", std::env::consts::EXE_SUFFIX))
}
