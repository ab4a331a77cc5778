//! `[[runs]]` and `[sweep]`: several runs in one file.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Value;

use super::document::{Node, Origin, key_path};
use super::paths::shown;
use super::reader::Problems;

/// How the runs of a file differ.
#[derive(Clone, Debug)]
pub(super) enum Variants {
    /// One run, called `main`.
    Single,
    /// `[[runs]]`: names and what they override.
    Listed(Vec<(String, Node)>),
    /// `[sweep]`: dotted keys and the values they take.
    Swept(Vec<(String, Vec<Value>, Origin)>),
}

/// More runs than this are taken for a mistake.
const MOST_RUNS: usize = 1000;

/// The name of a run becomes part of the names of files, which have 255 bytes at most.
const LONGEST_NAME: usize = 100;

impl Variants {
    /// Takes both keys out of a document, whose relative paths begin at a folder.
    pub fn take(document: &mut Node, text: &str, folder: &Path, problems: &Problems) -> Self {
        let (runs, sweep) = (document.take("runs"), document.take("sweep"));
        match (runs, sweep) {
            (None, None) => Self::Single,
            (Some(runs), Some(_)) => {
                problems.add_at(
                    runs.origin(),
                    "the file has both [[runs]] and [sweep]; keep one of them",
                );
                Self::Single
            }
            (Some(runs), None) => {
                // Those of the file know their lines.
                let listed = match runs.origin() {
                    Origin::Line(_) => Node::parse_array_of_tables(text, "runs"),
                    Origin::Option(_) => runs.entries(),
                };
                Self::listed(&runs, listed, folder, problems)
            }
            (None, Some(sweep)) => Self::swept(&sweep, problems),
        }
    }

    fn listed(runs: &Node, mut listed: Vec<Node>, folder: &Path, problems: &Problems) -> Self {
        if listed.is_empty() || !matches!(runs.to_value(), Value::Array(_)) {
            problems.add_at(
                runs.origin(),
                "`runs` is not a list of tables; write each as [[runs]] with a `name`",
            );
        }
        let mut named: Vec<(String, Node)> = Vec::new();
        for run in &mut listed {
            run.anchor(folder);
            let origin = run.origin().clone();
            let name = match run.take("name").map(|name| name.to_value()) {
                Some(Value::String(name)) => name,
                _ => {
                    problems.add_at(&origin, "this run has no `name`; give it one");
                    continue;
                }
            };
            let length = name.chars().count();
            if length > LONGEST_NAME {
                problems.add_at(
                    &origin,
                    format!("the name of this run has {length} characters; write {LONGEST_NAME} or fewer"),
                );
            } else if !valid(&name) {
                problems.add_at(
                    &origin,
                    format!("this run is named \"{name}\"; use letters, digits and . _ - = ,"),
                );
            }
            if named.iter().any(|(other, _)| *other == name) {
                problems.add_at(&origin, format!("a second run is named \"{name}\"; rename it"));
            }
            named.push((name, run.clone()));
        }
        Self::Listed(named)
    }

    fn swept(sweep: &Node, problems: &Problems) -> Self {
        let mut keys = Vec::new();
        for (path, value, origin) in sweep.leaves() {
            let key = path.join(".");
            if let Err(message) = key_path(&key) {
                problems.add_at(&origin, format!("[sweep]: {message}"));
                continue;
            }
            match value {
                Value::Array(values) if !values.is_empty() => {
                    let repeated = values.iter().enumerate().any(|(i, v)| values[..i].contains(v));
                    if repeated {
                        let message =
                            format!("[sweep] lists a value of `{key}` twice; list it once");
                        problems.add_at(&origin, message);
                    }
                    // The same key may come quoted from the file and dotted from the command line.
                    keys.retain(|(other, _, _)| *other != key);
                    keys.push((key, values, origin));
                }
                _ => problems.add_at(
                    &origin,
                    format!(
                        "[sweep] has `{key}` without a list of values; write \"{key}\" = [ …, … ]"
                    ),
                ),
            }
        }
        let mut lengths = keys.iter().map(|(_, values, _)| values.len());
        let runs = lengths.try_fold(1usize, |runs, length| runs.checked_mul(length));
        if runs.is_none_or(|runs| runs > MOST_RUNS) {
            let runs = runs.map_or("too many".to_owned(), |runs| runs.to_string());
            let message = format!("[sweep] asks for {runs} runs; ask for {MOST_RUNS} or less");
            problems.add_at(sweep.origin(), message);
        }
        Self::Swept(keys)
    }

    /// Gives a key of the command line the last word.
    pub fn pin(&mut self, path: &[String], node: &Node) {
        match self {
            Self::Single => {}
            Self::Listed(runs) => {
                for (_, overrides) in runs {
                    overrides.set_if_there(path, node);
                }
            }
            Self::Swept(keys) => keys.retain(|(key, _, _)| *key != path.join(".")),
        }
    }

    /// Every run: its name and the document with its overrides laid over it.
    pub fn expand(&self, document: &Node) -> Vec<(String, Node)> {
        match self {
            Self::Single => vec![("main".to_owned(), document.clone())],
            Self::Listed(runs) => runs
                .iter()
                .map(|(name, overrides)| {
                    let mut document = document.clone();
                    document.merge(overrides.clone());
                    (name.clone(), document)
                })
                .collect(),
            Self::Swept(keys) if keys.is_empty() => vec![("main".to_owned(), document.clone())],
            Self::Swept(keys) => {
                let mut runs = vec![Varied { document: document.clone(), ..Varied::default() }];
                for (key, values, origin) in keys {
                    let vary = |run: &Varied| -> Vec<Varied> {
                        values.iter().map(|value| run.vary(key, value, origin)).collect()
                    };
                    runs = runs.iter().flat_map(vary).collect();
                }
                named(runs)
            }
        }
    }
}

/// A run of a sweep.
#[derive(Default)]
struct Varied {
    /// `penalty=0.1` or, behind other keys, `noise=0.05,penalty=0.1`.
    name: String,
    /// The values in full.
    values: String,
    document: Node,
}

impl Varied {
    fn vary(&self, key: &str, value: &Value, origin: &Origin) -> Self {
        let path: Vec<String> = key.split('.').map(str::to_owned).collect();
        let last = path.last().cloned().unwrap_or_default();
        let text = value.to_string();
        let allowed = |text: &str| -> String { text.chars().filter(|c| is_allowed(*c)).collect() };
        // The key may be none that is known, which is said only once the run is read.
        let (last, shown) = (allowed(&last), allowed(&shown(key, value).to_string()));
        let separator = if self.name.is_empty() { "" } else { "," };
        let mut document = self.document.clone();
        document.set(&path, Node::value(value.clone(), origin.clone()));
        Self {
            name: format!("{}{separator}{last}={shown}", self.name),
            values: format!("{}{key}={text}\n", self.values),
            document,
        }
    }
}

/// Runs by name. Values may differ in what a name cannot show, or make it too long: then it ends in a checksum of the
/// values, which does not depend on the order they are listed in.
fn named(runs: Vec<Varied>) -> Vec<(String, Node)> {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for run in &runs {
        *count.entry(run.name.clone()).or_default() += 1;
    }
    let name = |run: &Varied| {
        if count[&run.name] == 1 && run.name.len() <= LONGEST_NAME {
            return run.name.clone();
        }
        // Every character that is allowed is one byte.
        let start = &run.name[..run.name.len().min(LONGEST_NAME - 9)];
        format!("{start}-{:08x}", crc32fast::hash(run.values.as_bytes()))
    };
    runs.iter().map(|run| (name(run), run.document.clone())).collect()
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._-=,".contains(c)
}

fn valid(name: &str) -> bool {
    !name.is_empty() && name.chars().all(is_allowed) && !name.starts_with('.')
}
