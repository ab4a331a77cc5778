//! What can be typed.

use std::path::PathBuf;
use std::time::Duration;

use crate::suite::{TARGETS, Target};

pub struct Options {
    pub time: Option<Duration>,
    pub inputs: u64,
    pub seed: u64,
    pub targets: Vec<&'static Target>,
    pub jobs: usize,
    pub out: PathBuf,
    pub replay: Option<PathBuf>,
    /// The file that a child tells its progress in.
    pub child: Option<PathBuf>,
    /// The first input of a child.
    pub from: u64,
}

impl Options {
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut options = Self {
            time: None,
            inputs: 100_000,
            seed: 0,
            targets: Vec::new(),
            jobs: cores,
            out: PathBuf::from("target/fuzz"),
            replay: None,
            child: None,
            from: 0,
        };
        while let Some(option) = arguments.next() {
            let value = arguments.next().ok_or(format!("{option} needs a value"))?;
            let number =
                || value.parse::<f64>().map_err(|_| format!("{option} {value} is no number"));
            match option.as_str() {
                "--minutes" => {
                    let time = Duration::try_from_secs_f64(60.0 * number()?);
                    options.time =
                        Some(time.map_err(|error| format!("{option} {value}: {error}"))?);
                }
                "--inputs" => options.inputs = number()? as u64,
                "--seed" => options.seed = number()? as u64,
                "--jobs" => options.jobs = (number()? as usize).max(1),
                "--from" => options.from = number()? as u64,
                "--only" => {
                    let target = TARGETS.iter().find(|target| target.name == value);
                    options.targets.push(target.ok_or_else(|| {
                        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
                        format!("there is no target {value}; choose among {}", names.join(", "))
                    })?);
                }
                "--out" => options.out = value.into(),
                "--replay" => options.replay = Some(value.into()),
                "--child" => options.child = Some(value.into()),
                _ => return Err(format!("{option} is no option; see examples/fuzz/main.rs")),
            }
        }
        if options.targets.is_empty() {
            options.targets = TARGETS.iter().collect();
        }
        Ok(options)
    }
}
