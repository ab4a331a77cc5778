//! Starts a process for each target, starts it again where it dies, and gathers what was found.

use std::collections::BTreeMap;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::child::STUCK;
use crate::options::Options;
use crate::suite::Target;
use crate::suite::judge::kind_of;

/// So many inputs of one kind of finding are saved.
const SAVED: usize = 3;
/// A target that dies more often than this is given up.
const MOST_DEATHS: usize = 30;

#[derive(Default)]
struct Sum {
    inputs: u64,
    accepted: u64,
    slowest: u128,
    megabytes: f64,
    deaths: usize,
    kinds: BTreeMap<String, usize>,
}

pub fn run(options: &Options) -> ExitCode {
    let queue = Mutex::new(options.targets.clone());
    let found = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.min(options.targets.len()) {
            scope.spawn(|| {
                loop {
                    let next =
                        queue.lock().map(|mut queue| (!queue.is_empty()).then(|| queue.remove(0)));
                    let Ok(Some(target)) = next else { break };
                    let kinds = target_run(options, target);
                    if let Ok(mut found) = found.lock() {
                        *found += kinds;
                    }
                }
            });
        }
    });
    let found = found.into_inner().unwrap_or(1);
    println!("{found} kinds of finding{}", if found == 0 { "" } else { ", see above" });
    ExitCode::from(u8::from(found > 0))
}

/// All inputs of a target; the number of kinds of finding.
fn target_run(options: &Options, target: &'static Target) -> usize {
    let share: u64 = options.targets.iter().map(|target| target.share).sum();
    let inputs = (options.inputs * target.share).div_ceil(share);
    let jobs = options.jobs.min(options.targets.len()) as u32;
    let time = options.time.map(|time| time * jobs / options.targets.len() as u32);
    let started = Instant::now();
    let mut sum = Sum::default();
    let mut from = 0;
    loop {
        let left = time.map(|time| time.saturating_sub(started.elapsed()));
        if left.is_some_and(|left| left.is_zero()) || from >= inputs && left.is_none() {
            break;
        }
        match child(options, target, [from, inputs], left, &mut sum) {
            Ok(None) => break,
            Ok(Some(next)) => from = next,
            Err(error) => {
                *sum.kinds.entry(format!("{}: no process: {error}", target.name)).or_default() += 1;
                break;
            }
        }
        sum.deaths += 1;
        if sum.deaths > MOST_DEATHS {
            println!("{}: given up after {MOST_DEATHS} processes", target.name);
            break;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{:<16} {:>9} inputs, {:>8} accepted, {:>7.0}/s, slowest {} ms, at most {:.1} MB, {} kinds of finding",
        target.name,
        sum.inputs,
        sum.accepted,
        sum.inputs as f64 / seconds,
        sum.slowest,
        sum.megabytes,
        sum.kinds.len()
    );
    for (kind, count) in &sum.kinds {
        println!("    {count:>6} × {kind}");
    }
    sum.kinds.len()
}

/// One process; the index to go on with where it died.
fn child(
    options: &Options,
    target: &Target,
    [from, to]: [u64; 2],
    time: Option<Duration>,
    sum: &mut Sum,
) -> std::io::Result<Option<u64>> {
    let progress = tempfile::NamedTempFile::new()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--child").arg(progress.path()).args(["--only", target.name]);
    for (option, value) in [("--seed", options.seed), ("--from", from), ("--inputs", to)] {
        command.args([option, &value.to_string()]);
    }
    if let Some(time) = time {
        command.args(["--minutes", &(time.as_secs_f64() / 60.0).to_string()]);
    }
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output()?;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        match line.split('\t').collect::<Vec<_>>()[..] {
            ["finding", index, finding] => {
                note(options, target, index.parse().unwrap_or(0), finding, sum)
            }
            ["done", inputs, accepted, slowest, megabytes] => {
                sum.inputs += inputs.parse::<u64>().unwrap_or(0);
                sum.accepted += accepted.parse::<u64>().unwrap_or(0);
                sum.slowest = sum.slowest.max(slowest.parse().unwrap_or(0));
                sum.megabytes = sum.megabytes.max(megabytes.parse().unwrap_or(0.0));
            }
            _ => {}
        }
    }
    if output.status.success() {
        return Ok(None);
    }
    let told = std::fs::read(progress.path())?;
    let number = |at: usize| {
        told.get(at..at + 8).map_or(0, |b| u64::from_le_bytes(b.try_into().unwrap_or_default()))
    };
    let (index, accepted) = (number(0), number(8));
    if output.status.code() != Some(i32::from(STUCK)) {
        // What it had found before is lost with it; a later seed finds it again.
        let said = String::from_utf8_lossy(&output.stderr);
        let last: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).take(2).collect();
        note(
            options,
            target,
            index,
            &format!("the process dies ({}): {}", output.status, last.join(" ")),
            sum,
        );
        sum.inputs += index + 1 - from;
        sum.accepted += accepted;
    }
    Ok(Some(index + 1))
}

/// Prints the first findings of a kind and saves their inputs.
fn note(options: &Options, target: &Target, index: u64, finding: &str, sum: &mut Sum) {
    let count = sum.kinds.entry(kind_of(finding)).or_default();
    *count += 1;
    if *count > SAVED {
        return;
    }
    let folder = options.out.join(target.name).join(format!("{}-{index}", options.seed));
    let saved = match target.input(options.seed, index).write(&folder) {
        Ok(()) => format!("saved in {}", folder.display()),
        Err(error) => format!("not saved ({error})"),
    };
    println!("{} --seed {} input {index}: {finding}\n    {saved}", target.name, options.seed);
}
