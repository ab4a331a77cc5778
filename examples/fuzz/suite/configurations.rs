//! Configurations, with options of the command line.

use std::path::Path;
use std::sync::OnceLock;

use unrolled_lab::{Configuration, EXPERIMENTS, Overrides};

use super::random::Random;
use super::toml_lines::{self, Assignment};
use super::{Answers, Input, Target, bytes, repository};

pub const TARGET: Target = Target { name: "configurations", share: 40, make, examine };

/// The files of an input: the configuration, and an option in each line.
pub const FILE: &str = "config.toml";
pub const OPTIONS: &str = "options.txt";

/// Texts to begin with, and what they assign.
pub struct Seeds {
    pub texts: Vec<String>,
    pub known: Vec<Assignment>,
}

/// The shipped configurations, the templates, and those of the corpus.
pub fn seeds() -> &'static Seeds {
    static SEEDS: OnceLock<Seeds> = OnceLock::new();
    SEEDS.get_or_init(|| {
        let mut paths = Vec::new();
        for folder in ["configs", "tests/fixtures/fuzz/seeds"] {
            let entries =
                std::fs::read_dir(repository(folder)).expect("the repository has configurations");
            paths.extend(entries.flatten().map(|entry| entry.path()));
        }
        paths.sort();
        let mut texts: Vec<String> = paths.iter().flat_map(std::fs::read_to_string).collect();
        for name in EXPERIMENTS.names() {
            texts.extend(EXPERIMENTS.template(name).map(str::to_owned));
        }
        let known = toml_lines::assignments(&texts);
        Seeds { texts, known }
    })
}

fn make(random: &mut Random) -> Input {
    let Seeds { texts, known } = seeds();
    // Over the least of a configuration, most of what is laid fits.
    let shortest = texts.iter().map(String::len).min().unwrap_or(0);
    let least: Vec<&str> =
        texts.iter().map(String::as_str).filter(|t| t.len() < shortest + 9).collect();
    let text = if random.one_in(4) { random.pick(&least) } else { random.of(texts) };
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.retain(|line| !line.starts_with('#'));
    if !random.one_in(6) {
        (0..random.few(5)).for_each(|_| toml_lines::damage(random, &mut lines, known));
    }
    if random.one_in(3) {
        lines.extend(several(random, known));
    }
    let mut text = lines.join("\n").into_bytes();
    if random.one_in(10) {
        bytes::damage(random, &mut text);
    }
    let count = if random.one_in(3) { random.few(4) } else { 0 };
    let options: Vec<String> = (0..count).map(|_| option(random, known)).collect();
    Input(vec![(FILE.to_owned(), text), (OPTIONS.to_owned(), options.join("\n").into_bytes())])
}

/// A `[sweep]`, or some `[[runs]]`.
fn several(random: &mut Random, known: &[Assignment]) -> Vec<String> {
    if random.one_in(2) {
        let mut lines = vec!["[sweep]".to_owned()];
        for _ in 0..random.few(5) {
            let key = random.of(known).dotted();
            let alike: Vec<&Assignment> =
                known.iter().filter(|other| other.dotted() == key).collect();
            let mut values: Vec<String> =
                (0..random.below(5)).map(|_| random.of(&alike).value.clone()).collect();
            if random.one_in(4) {
                values.push(toml_lines::value(random, known));
            }
            lines.push(format!("\"{key}\" = [{}]", values.join(", ")));
        }
        return lines;
    }
    let mut lines = Vec::new();
    for _ in 0..random.few(5) {
        let long = "n".repeat(300);
        let names = ["a", "b", "a b", "ab", "Dé", "Dè", "main", "", ".", "a/b", "..", &long];
        lines.extend(["[[runs]]".to_owned(), format!("name = \"{}\"", random.pick(&names))]);
        for _ in 0..random.below(4) {
            let assignment = random.of(known);
            let value = match random.one_in(3) {
                true => toml_lines::value(random, known),
                false => assignment.value.clone(),
            };
            lines.push(format!("{} = {value}", assignment.dotted()));
        }
    }
    lines
}

/// What stands behind `--set`.
fn option(random: &mut Random, known: &[Assignment]) -> String {
    let assignment = random.of(known);
    let key = match random.below(12) {
        0 => {
            let parts = *random.of(&[3, 50, 1000, 100_000]);
            vec!["a"; parts].join(".")
        }
        1 => {
            let keys = [
                "runs",
                "sweep",
                "sweep.seed",
                "runs.name",
                "",
                ".",
                "a..b",
                "\"a.b\"",
                "encoder",
                "data",
                "x",
            ];
            random.pick(&keys).to_owned()
        }
        2 => format!("{}.{}", assignment.dotted(), random.of(known).key),
        _ => assignment.dotted(),
    };
    let value = match random.below(3) {
        0 => toml_lines::value(random, known).replace('\n', " "),
        _ => assignment.value.clone(),
    };
    let equals = if random.one_in(30) { "" } else { "=" };
    format!("{key}{equals}{value}")
}

/// Reads a configuration as it would stand in a folder.
pub fn parse(input: &Input) -> Result<Configuration, unrolled_lab::Error> {
    let options = input.text(OPTIONS);
    let overrides = Overrides { set: options.lines().map(str::to_owned).collect(), device: None };
    EXPERIMENTS.parse(&input.text(FILE), Path::new("/fuzz/given.toml"), &overrides)
}

fn examine(input: &Input, _: &Path, answers: &mut Answers) -> Result<(), String> {
    let Some(given) = answers.note(parse(input)) else {
        return Ok(());
    };
    // As it stands in the directory of its run.
    let effective = given.effective();
    let path = Path::new("/elsewhere/run/config.toml");
    let again = EXPERIMENTS
        .parse(&effective, path, &Overrides::default())
        .map_err(|error| format!("the effective configuration is refused: {error}"))?;
    let runs = |configuration: &Configuration| -> Vec<String> {
        let run = |run: &unrolled_lab::config::Run| format!("{}: {:?}", run.name, run.config);
        configuration.runs.iter().map(run).collect()
    };
    let (before, after) = (runs(&given), runs(&again));
    if before != after {
        let differ = before.iter().zip(&after).find(|(a, b)| a != b);
        let shown = differ.map_or_else(
            || format!("{} runs, then {}", before.len(), after.len()),
            |(before, after)| difference(before, after),
        );
        return Err(format!("the effective configuration gives another run: {shown}"));
    }
    match again.effective() == effective {
        true => Ok(()),
        false => Err("the effective configuration changes when it is read again".to_owned()),
    }
}

/// Where two texts differ, with a little around it.
fn difference(a: &str, b: &str) -> String {
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let part = |text: &str| text.chars().skip(same.saturating_sub(40)).take(90).collect::<String>();
    format!("…{}… became …{}…", part(a), part(b))
}
