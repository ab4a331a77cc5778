//! One target in a process of its own: tells its progress in a file, and each finding in a line.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use crate::options::Options;
use crate::suite::judge::{Verdict, kind_of};
use crate::suite::watch::{Listener, watched};
use crate::suite::{Input, scratch};

/// Exit status of a process that a thread was left behind in: the rest is for another.
pub const STUCK: u8 = 3;

/// Writes the number of the input that is tried, and how many were accepted.
struct Progress {
    file: File,
    accepted: u64,
}

impl Listener for Progress {
    fn begins(&mut self, index: u64) {
        let told = [index, self.accepted].map(u64::to_le_bytes).concat();
        let _ = self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.write_all(&told));
    }

    fn answered(&mut self, _: u64, verdict: &Verdict) {
        self.accepted += u64::from(matches!(verdict, Verdict::Accepted));
    }
}

pub fn run(options: &Options) -> ExitCode {
    let (Some(path), [target]) = (&options.child, &options.targets[..]) else {
        return ExitCode::from(2);
    };
    let target = *target;
    let (file, folder) = match (File::create(path), scratch()) {
        (Ok(file), Ok(folder)) => (file, folder),
        _ => return ExitCode::from(2),
    };
    let (seed, inputs, time, started) =
        (options.seed, options.inputs, options.time, Instant::now());
    let mut index = options.from;
    let next = move || {
        let goes_on = time.map_or(index < inputs, |time| started.elapsed() < time);
        goes_on.then(|| {
            index += 1;
            (index - 1, target.input(seed, index - 1))
        })
    };
    let done = watched(target, folder.path(), next, Progress { file, accepted: 0 });
    for (index, finding) in &done.findings {
        println!("finding\t{index}\t{}", finding.replace(['\t', '\n'], " "));
    }
    let (slowest, megabytes) = (done.slowest.as_millis(), done.most_bytes as f64 / 1e6);
    println!("done\t{}\t{}\t{slowest}\t{megabytes:.1}", done.inputs, done.accepted);
    drop(folder);
    ExitCode::from(if done.stuck { STUCK } else { 0 })
}

/// Tries one input that was saved.
pub fn replay(options: &Options, folder: &Path) -> ExitCode {
    let ([target], Ok(input), Ok(scratch)) = (&options.targets[..], Input::read(folder), scratch())
    else {
        eprintln!("error: --replay needs a folder that was saved, and --only its target");
        return ExitCode::from(2);
    };
    let mut once = Some((0, input));
    let done = watched(target, scratch.path(), move || once.take(), Loud);
    let (slowest, megabytes) = (done.slowest.as_millis(), done.most_bytes as f64 / 1e6);
    println!("{slowest} ms, {megabytes:.1} MB");
    for (_, finding) in &done.findings {
        println!("{finding}\n({})", kind_of(finding));
    }
    drop(scratch);
    ExitCode::from(u8::from(!done.findings.is_empty()))
}

struct Loud;

impl Listener for Loud {
    fn begins(&mut self, _: u64) {}

    fn answered(&mut self, _: u64, verdict: &Verdict) {
        match verdict {
            Verdict::Accepted => println!("accepted"),
            Verdict::Refused(said) => println!("{}", said.join("\n")),
            Verdict::Wrong(_) => {}
        }
    }
}
