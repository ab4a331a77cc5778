//! What each command does.

use std::path::{Path, PathBuf};

use unrolled_lab::config::Overrides;
use unrolled_lab::experiment::Session;
use unrolled_lab::progress::{Observer, Silent};
use unrolled_lab::{
    Configuration, EXPERIMENTS, Error, Existing, RunDirectory, describe, devices, self_test,
};

use crate::arguments::{Arguments, Command, ExperimentArguments};
use crate::output::print;
use crate::progress::Terminal;
use crate::signals;
use crate::{denoise, encode, explain, gallery};

pub fn execute(arguments: Arguments) -> Result<(), Error> {
    match arguments.command {
        Command::Run { experiment, out, resume, overwrite, quiet } => {
            let existing = match (resume, overwrite) {
                (true, _) => Existing::Resume,
                (_, true) => Existing::Overwrite,
                _ => Existing::Refuse,
            };
            let (configuration, threads) = load(&experiment)?;
            run(&configuration, threads, out, existing, quiet)
        }
        Command::Check { experiment } => check(&experiment),
        Command::Report { directories, out } => draw(&directories, out.as_deref()),
        Command::Devices { self_test: None } => print(&list_devices()),
        Command::Devices { self_test: Some(device) } => prove(&device),
        Command::Encode(arguments) => encode::execute(arguments),
        Command::Denoise(arguments) => denoise::execute(arguments),
        Command::Explain(arguments) => explain::execute(arguments),
        Command::Gallery(arguments) => gallery::execute(arguments),
        Command::Init { experiment, data, data_key } => {
            let text = match data {
                None => EXPERIMENTS.template(&experiment)?.to_owned(),
                Some(path) => EXPERIMENTS.template_for(&experiment, &path, &data_key)?,
            };
            print(&text)
        }
    }
}

fn load(arguments: &ExperimentArguments) -> Result<(Configuration, Threads), Error> {
    let overrides = Overrides { set: arguments.set.clone(), device: arguments.device.clone() };
    let configuration = EXPERIMENTS.load(&arguments.config, &overrides)?;
    Ok((configuration, Threads::of(arguments.threads.map(usize::from))))
}

/// How many threads to use, and what there is to say about it.
pub struct Threads {
    pub count: usize,
    pub note: Option<String>,
}

impl Threads {
    /// As many as asked for, or as there are cores; never more than can help.
    pub fn of(asked: Option<usize>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let most = 4 * cores;
        let count = asked.unwrap_or(cores).min(most);
        let note = asked.filter(|asked| *asked > most).map(|asked| {
            format!("--threads {asked} is more than can help on {cores} cores: {most} are used")
        });
        Self { count, note }
    }
}

/// Runs a configuration in a folder and draws its report.
pub fn run(
    configuration: &Configuration,
    Threads { count: threads, note }: Threads,
    out: Option<PathBuf>,
    existing: Existing,
    quiet: bool,
) -> Result<(), Error> {
    let effective = configuration.effective();
    let out = out.unwrap_or_else(|| Path::new("runs").join(&configuration.base.name));
    RunDirectory::check(&out, existing, &effective)?;
    let mut plan = EXPERIMENTS.plan(configuration)?;
    let estimate = plan.estimate(threads)?;
    let resumed = match existing {
        Existing::Resume => plan.check_resume(&out)?,
        _ => Vec::new(),
    };
    let mut observer = observer(quiet);
    let notes = note.into_iter().chain(devices::note(&configuration.base.device)?);
    for note in notes.chain(estimate.warnings).chain(resumed) {
        observer.say(&format!("note: {note}"));
    }
    let stop = signals::heed(quiet);
    let directory = RunDirectory::open(&out, existing, &effective)?;
    if !directory.is_finished(&plan.files()) {
        let mut session = Session { threads, observer: observer.as_mut(), stop: &stop };
        let outcome = plan.run(&directory, &mut session);
        outcome.map_err(|error| match error {
            Error::Interrupted(_) => Error::Interrupted(format!(
                "stopped; what is finished is kept: go on with the same command and --resume \
                 (the run is in {})",
                out.display()
            )),
            other => other,
        })?;
    }
    EXPERIMENTS.report(&directory)?;
    observer.say(&format!("report: {}", out.join("report.html").display()));
    Ok(())
}

fn check(arguments: &ExperimentArguments) -> Result<(), Error> {
    let (configuration, Threads { count: threads, note }) = load(arguments)?;
    let estimate = EXPERIMENTS.plan(&configuration)?.estimate(threads)?;
    let described = describe(&configuration, &estimate, threads);
    let mut text = format!("{}\n{described}", configuration.effective());
    let notes = note.into_iter().chain(devices::note(&configuration.base.device)?);
    for note in notes.chain(estimate.warnings) {
        text.push_str(&format!("note      {note}\n"));
    }
    print(&text)
}

fn draw(directories: &[PathBuf], out: Option<&Path>) -> Result<(), Error> {
    let opened = directories
        .iter()
        .map(|path| RunDirectory::existing(path))
        .collect::<Result<Vec<_>, _>>()?;
    let path = match (&opened[..], out) {
        ([one], None) => {
            EXPERIMENTS.report(one)?;
            one.path().join("report.html")
        }
        (several, out) => {
            let path = out.unwrap_or(Path::new("report.html")).to_owned();
            EXPERIMENTS.report_combined(several, &path)?;
            path
        }
    };
    print(&format!("report: {}\n", path.display()))
}

pub fn observer(quiet: bool) -> Box<dyn Observer> {
    match quiet {
        true => Box::new(Silent),
        false => Box::new(Terminal::new()),
    }
}

fn list_devices() -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    for kind in devices::KINDS {
        let adapters = kind.adapters();
        let state = match (kind.is_compiled_in(), &adapters) {
            (false, _) => format!("not compiled in: build with --features {}", kind.feature),
            (true, Ok(_)) => "ready".to_owned(),
            (true, Err(reason)) => format!("not usable: {reason}"),
        };
        line(format!("{:<8}  {:<32}  {state}", kind.name, kind.description));
        for (index, adapter) in adapters.into_iter().flatten().enumerate() {
            let place = format!("{}:{index}", kind.name);
            line(format!("  {place:<8}  {} ({})", adapter.name, adapter.kind));
            line(format!("  {:<8}  {}, driver {}", "", adapter.interface, adapter.driver));
            line(format!("  {:<8}  {}", "", adapter.limits.describe()));
        }
    }
    line("\nProve the gradients on one with `unrolled devices --self-test NAME`.".to_owned());
    text
}

fn prove(device: &str) -> Result<(), Error> {
    let (text, passed) = self_test::render(&self_test::run(device)?);
    print(&text)?;
    passed.then_some(()).ok_or_else(|| {
        Error::SelfTest(format!(
            "the device \"{device}\" computes wrong numbers (marked FAILED above); do not use it, \
             update its driver, or use --device flex"
        ))
    })
}
