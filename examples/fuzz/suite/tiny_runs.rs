//! Runs so small that one takes milliseconds, in process.

use std::path::Path;

use unrolled_lab::experiment::Session;
use unrolled_lab::progress::{Observer, Stop};
use unrolled_lab::{Configuration, EXPERIMENTS, Error, Existing, RunDirectory};

/// Keeps what is said, and asks to stop after so much work.
struct Listener {
    said: Vec<String>,
    left: Option<u64>,
    stop: Stop,
}

impl Observer for Listener {
    fn begin(&mut self, _total: u64, _done: u64, _unit: &'static str) {}

    fn advance(&mut self, units: u64) {
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(units);
            if *left == 0 {
                self.stop.request();
            }
        }
    }

    fn now(&mut self, _what: &str) {}

    fn say(&mut self, message: &str) {
        self.said.push(message.to_owned());
    }

    fn end(&mut self) {}
}

/// `unrolled run`, up to so much work; what was said on the way is added to `said`.
pub fn run(
    configuration: &Configuration,
    folder: &Path,
    existing: Existing,
    most: Option<u64>,
    said: &mut Vec<String>,
) -> Result<(), Error> {
    let effective = configuration.effective();
    RunDirectory::check(folder, existing, &effective)?;
    let mut plan = EXPERIMENTS.plan(configuration)?;
    said.extend(plan.estimate(1)?.warnings);
    if existing == Existing::Resume {
        plan.check_resume(folder)?;
    }
    let directory = RunDirectory::open(folder, existing, &effective)?;
    let stop = Stop::default();
    let mut listener = Listener { said: Vec::new(), left: most, stop: stop.clone() };
    let outcome = match directory.is_finished(&plan.files()) {
        true => Ok(()),
        false => {
            plan.run(&directory, &mut Session { threads: 1, observer: &mut listener, stop: &stop })
        }
    };
    said.extend(listener.said);
    outcome?;
    EXPERIMENTS.report(&directory)
}
