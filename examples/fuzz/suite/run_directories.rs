//! Whole run directories, finished and not, in which something is damaged: drawn again, and gone on with.

use std::path::Path;
use std::sync::OnceLock;

use unrolled_lab::{Configuration, EXPERIMENTS, Existing, Overrides, RunDirectory};

use super::random::Random;
use super::tiny_runs::run;
use super::{Answers, Input, Target, bytes, json, runs, scratch};

pub const TARGET: Target = Target { name: "run-directories", share: 2, make, examine };

/// A run before anything is damaged.
pub struct Base {
    name: &'static str,
    text: &'static str,
    /// After how much work it was stopped.
    stopped_after: Option<u64>,
}

pub const BASES: [Base; 5] = [
    Base { name: "learn", text: runs::LEARN, stopped_after: None },
    Base { name: "learn-stopped", text: runs::LEARN, stopped_after: Some(5) },
    Base { name: "compare", text: runs::COMPARE, stopped_after: None },
    Base { name: "compare-stopped", text: runs::COMPARE, stopped_after: Some(8) },
    Base { name: "swept", text: SWEPT, stopped_after: None },
];

const SWEPT: &str = "experiment = \"compare-gradients\"\n[data]\nexamples = 9\nfeatures = 4\natoms = 5\nnonzeros = 2\n\
    [encoder]\nstep = 0.1\n[compare]\niterations = [1, 2, 4]\nlasso_iterations = 5\n\
    [sweep]\n\"encoder.prox.penalty\" = [0.1, 0.2]\n";

/// The files of a base, and those of the same run once it is finished.
pub struct Made {
    pub files: Input,
    finished: Input,
}

impl Base {
    pub fn configuration(&self) -> Configuration {
        let path = Path::new("/fuzz/given.toml");
        EXPERIMENTS.parse(self.text, path, &Overrides::default()).expect("a base is valid")
    }

    fn make(&self) -> Made {
        let folder = scratch().expect("a folder can be made");
        let path = folder.path().join("run");
        let configuration = self.configuration();
        let outcome =
            run(&configuration, &path, Existing::Refuse, self.stopped_after, &mut Vec::new());
        assert!(outcome.is_ok() != self.stopped_after.is_some(), "{}: {outcome:?}", self.name);
        let read = || Input::read(&path).expect("the run can be read");
        let files = read();
        run(&configuration, &path, Existing::Resume, None, &mut Vec::new())
            .expect("a base can be finished");
        Made { files, finished: read() }
    }
}

/// A base, made once.
pub fn base(index: usize) -> &'static Made {
    static MADE: [OnceLock<Made>; BASES.len()] = [const { OnceLock::new() }; BASES.len()];
    MADE[index].get_or_init(|| BASES[index].make())
}

fn make(random: &mut Random) -> Input {
    let index = random.below(BASES.len());
    let mut input = base(index).files.clone();
    for _ in 0..random.few(3) {
        let at = random.below(input.0.len());
        let (name, content) = &mut input.0[at];
        match random.below(8) {
            0 => drop(input.0.remove(at)),
            1 => {
                let other = random.below(BASES.len());
                let file = base(other).files.0.iter().find(|(other, _)| other == name);
                *content = file.map_or(Vec::new(), |(_, bytes)| bytes.clone());
            }
            2 => bytes::damage(random, content),
            _ if name.ends_with(".json") => {
                let mut value = serde_json::from_slice(content).unwrap_or_default();
                json::damage(random, &mut value);
                *content = value.to_string().into_bytes();
            }
            _ if name.ends_with(".csv") => {
                *content = table(random, &String::from_utf8_lossy(content)).into_bytes()
            }
            _ => bytes::damage(random, content),
        }
        if input.0.is_empty() {
            break;
        }
    }
    input.0.iter_mut().for_each(|(name, _)| *name = format!("{}/{name}", BASES[index].name));
    input
}

/// A table with lines, columns or cells that are others.
fn table(random: &mut Random, text: &str) -> String {
    let mut rows: Vec<Vec<String>> =
        text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
    if rows.is_empty() {
        return "run".to_owned();
    }
    let at = random.below(rows.len());
    let cell = random.below(rows[at].len());
    match random.below(6) {
        0 => drop(rows.remove(at)),
        1 => rows.insert(at, rows[at].clone()),
        2 => rows.iter_mut().filter(|row| row.len() > cell).for_each(|row| drop(row.remove(cell))),
        3 => rows.truncate(at),
        4 => rows[at].truncate(cell),
        _ => {
            let cells =
                ["", "NaN", "inf", "-1", "1e999", "text", "18446744073709551615", "\"", "main"];
            rows[at][cell] = random.pick(&cells).to_owned();
        }
    }
    rows.iter().map(|row| row.join(",") + "\n").collect()
}

fn examine(input: &Input, folder: &Path, answers: &mut Answers) -> Result<(), String> {
    let name = input.0.first().and_then(|(name, _)| name.split('/').next()).unwrap_or_default();
    let Some(index) = BASES.iter().position(|base| base.name == name) else {
        return Ok(());
    };
    input.write(folder).map_err(|error| error.to_string())?;
    let path = folder.join(name);
    if let Some(directory) = answers.note(RunDirectory::existing(&path)) {
        answers.note(EXPERIMENTS.report(&directory));
    }
    let outcome = run(&BASES[index].configuration(), &path, Existing::Resume, None, &mut answers.0);
    if answers.note(outcome).is_none() {
        return Ok(());
    }
    // What was computed from damaged parts is what an undamaged run computes, unless it is kept as it was found.
    let file = "arrays.safetensors";
    let arrays = |files: &Input| {
        files.0.iter().find(|(name, _)| name.ends_with(file)).map(|(_, bytes)| bytes.clone())
    };
    let now = std::fs::read(path.join(file)).ok();
    let was = arrays(input);
    match now == arrays(&base(index).finished) || (now.is_some() && now == was) {
        true => Ok(()),
        false => Err(format!("{name}: resumed from damaged files, the run ends in other arrays")),
    }
}
