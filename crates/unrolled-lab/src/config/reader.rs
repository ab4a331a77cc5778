//! Reads the sections of a configuration and collects everything that is wrong with them.

use std::cell::RefCell;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::document::Origin;
use crate::words::{list, nearest};

/// One thing wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The dotted path of the key.
    pub path: String,
    /// What is wrong, and the remedy. Follows "file:line: ".
    pub message: String,
    /// Where, for what is no longer in the document.
    pub origin: Option<Origin>,
}

/// The problems found so far.
#[derive(Debug, Default)]
pub struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    /// Notes one.
    pub fn add(&self, path: impl Into<String>, message: impl Into<String>) {
        let (path, message) = (path.into(), message.into());
        self.0.borrow_mut().push(Problem { path, message, origin: None });
    }

    /// Notes one at a place.
    pub fn add_at(&self, origin: &Origin, message: impl Into<String>) {
        let (message, origin) = (message.into(), Some(origin.clone()));
        self.0.borrow_mut().push(Problem { path: String::new(), message, origin });
    }

    /// Notes one unless a condition holds.
    pub fn require(&self, holds: bool, path: &str, message: impl FnOnce() -> String) {
        if !holds {
            self.add(path, message());
        }
    }

    /// All of them, in the order found.
    pub fn into_inner(self) -> Vec<Problem> {
        self.0.into_inner()
    }
}

/// One table of a configuration, read key by key.
pub struct Reader<'a> {
    table: Table,
    path: String,
    known: Vec<String>,
    /// Keys that a section shares with others and that do not belong in this one: no message offers them.
    refused: Vec<String>,
    problems: &'a Problems,
}

impl<'a> Reader<'a> {
    /// The whole document.
    pub fn new(table: Table, problems: &'a Problems) -> Self {
        Self { table, path: String::new(), known: Vec::new(), refused: Vec::new(), problems }
    }

    /// Where what is wrong is noted.
    pub fn problems(&self) -> &'a Problems {
        self.problems
    }

    /// The dotted path of a key of this table.
    pub fn path_of(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    /// Whether there is a text under `key` that is not empty.
    pub fn has_text(&self, key: &str) -> bool {
        self.table.get(key).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
    }

    /// Whether that text is under `key`.
    pub fn is(&self, key: &str, text: &str) -> bool {
        self.table.get(key).and_then(Value::as_str) == Some(text)
    }

    /// Whether there is anything under `key`.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Puts a value under `key` where there is none.
    pub fn default_to(&mut self, key: &str, value: impl Into<Value>) {
        self.table.entry(key).or_insert_with(|| value.into());
    }

    /// Takes out keys that do not belong here, and notes each.
    pub fn refuse(&mut self, keys: &[&str], message: impl Fn(&str) -> String) {
        self.refused.extend(keys.iter().map(|key| (*key).to_owned()));
        for key in keys {
            if self.table.remove(*key).is_some() {
                self.problems.add(self.path_of(key), message(key));
            }
        }
    }

    /// The table under `key`; empty where there is none.
    pub fn table(&mut self, key: &str) -> Reader<'a> {
        self.known.push(key.to_owned());
        let path = self.path_of(key);
        let table = match self.table.remove(key) {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(other) => {
                let message = format!("`{path}` is {}; write a table", describe(&other));
                self.problems.add(path.clone(), message);
                Table::new()
            }
        };
        Reader { table, path, known: Vec::new(), refused: Vec::new(), problems: self.problems }
    }

    /// The choice under `key`, as an index into `choices`; the first where there is none.
    pub fn choice(&mut self, key: &str, choices: &[&str]) -> usize {
        self.known.push(key.to_owned());
        let path = self.path_of(key);
        let found = match self.table.remove(key) {
            None => return 0,
            Some(Value::String(text)) => text,
            Some(other) => {
                let message = format!("`{path}` is {}; write {}", describe(&other), list(choices));
                self.problems.add(path, message);
                return 0;
            }
        };
        choices.iter().position(|choice| *choice == found).unwrap_or_else(|| {
            let remedy = match nearest(&found, choices) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("choose {}", list(choices)),
            };
            self.problems.add(path.clone(), format!("`{path}` is \"{found}\"; {remedy}"));
            0
        })
    }

    /// The value under `key`; the default where there is none.
    pub fn value<T: DeserializeOwned>(&mut self, key: &str, default: T) -> T {
        self.known.push(key.to_owned());
        let path = self.path_of(key);
        let Some(found) = self.table.remove(key) else { return default };
        found.try_into().unwrap_or_else(|error: toml::de::Error| {
            let message = format!("`{path}` {}", plain_words(error.message()));
            self.problems.add(path, message);
            default
        })
    }

    /// Everything left, as a struct whose defaults fill what is missing. Unknown keys and wrong types
    /// become problems.
    pub fn rest<T: DeserializeOwned + Default>(self) -> T {
        match serde_path_to_error::deserialize(Value::Table(self.table.clone())) {
            Ok(section) => section,
            Err(error) => {
                self.report(&error);
                T::default()
            }
        }
    }

    fn report(&self, error: &serde_path_to_error::Error<toml::de::Error>) {
        let inner = error.path().to_string();
        let message = error.inner().message();
        if let Some(rest) = message.strip_prefix("unknown field ") {
            let mut names = rest.split('`').skip(1).step_by(2);
            let unknown = names.next().unwrap_or_default();
            let expected: Vec<&str> = names
                .chain(self.known.iter().map(String::as_str))
                .filter(|name| !self.refused.iter().any(|refused| refused == name))
                .collect();
            let parent = inner.strip_suffix(unknown).unwrap_or(&inner).trim_end_matches('.');
            let parent = if parent == "." { "" } else { parent };
            let path = match parent {
                "" => self.path_of(unknown),
                parent => self.path_of(&format!("{parent}.{unknown}")),
            };
            let remedy = match nearest(unknown, &expected) {
                Some(near) => format!("did you mean `{near}`?"),
                None if expected.is_empty() => "this table has none".to_owned(),
                None => format!("known here: {}", expected.join(", ")),
            };
            self.problems.add(path.clone(), format!("`{path}` is not a known key; {remedy}"));
        } else if let Some(rest) = message.strip_prefix("missing field ") {
            let path = self.path_of(rest.trim_matches('`'));
            self.problems.add(path.clone(), format!("`{path}` is missing; add it"));
        } else {
            let path = if inner == "." { self.path.clone() } else { self.path_of(&inner) };
            let message = plain_words(message);
            self.problems.add(path.clone(), format!("`{path}` {message}"));
        }
    }
}

/// serde's words for a wrong type, in a person's.
fn plain_words(message: &str) -> String {
    let message = message.replace('\n', ", ");
    let Some((found, expected)) = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))
        .and_then(|rest| rest.split_once(", expected "))
    else {
        return format!("is wrong: {message}");
    };
    let words = |text: &str| match text {
        "usize" | "u64" => "a whole number, 0 or more".to_owned(),
        "f64" => "a number".to_owned(),
        "a string" => "text in double quotes".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        other => other.replace('`', ""),
    };
    let found = found
        .replace("floating point", "the number")
        .replace("integer", "the number")
        .replace("boolean", "the value")
        .replace("string", "the text")
        .replace("sequence", "a list")
        .replace("map", "a table")
        .replace('`', "");
    format!("is {found}; write {}", words(expected))
}

fn describe(value: &Value) -> String {
    match value {
        Value::Table(_) => "a table".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        other => other.to_string(),
    }
}
