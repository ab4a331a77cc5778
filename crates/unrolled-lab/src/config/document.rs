//! A TOML document whose every key remembers where it was written.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::paths;

/// Where a key was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A line of the configuration file, counted from 1.
    Line(usize),
    /// An option of the command line, as typed.
    Option(String),
}

/// A table or a value, with its origin.
#[derive(Clone, Debug)]
pub struct Node {
    origin: Origin,
    content: Content,
    /// Whether it is an inline table that was opened: laid over another table, it still replaces that.
    replaces: bool,
}

impl Default for Node {
    fn default() -> Self {
        Self { origin: Origin::Line(1), content: Content::Table(BTreeMap::new()), replaces: false }
    }
}

#[derive(Clone, Debug)]
enum Content {
    /// A table written with `[header]` or dotted keys: an override is merged into it.
    Table(BTreeMap<String, Node>),
    /// A value, or an inline table: an override replaces it.
    Value(Value),
}

/// Keys whose text stands for a table, and which key of it: `init = "random"` is `init = { method = "random" }`, before
/// anything is laid over it.
const SHORTHANDS: [(&str, &str); 4] =
    [("amplitude", "distribution"), ("init", "method"), ("prox", "kind"), ("schedule", "kind")];

/// More parts than this has no key of a configuration.
const MOST_PARTS: usize = 16;

/// A document that is not TOML.
#[derive(Debug)]
pub struct SyntaxError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl Node {
    /// Parses a document.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let line_of = |offset: usize| 1 + text[..offset].matches('\n').count();
        let table = DeTable::parse(text).map_err(|error| SyntaxError {
            line: error.span().map_or(1, |span| line_of(span.start.min(text.len()))),
            message: error.message().replace('\n', ", "),
        })?;
        Ok(Self {
            origin: Origin::Line(1),
            content: Content::Table(children(table.into_inner(), text, &line_of)),
            replaces: false,
        })
    }

    /// The node of one option `dotted.key=value`.
    pub fn parse_option(option: &str) -> Result<(Vec<String>, Self), String> {
        let origin = Origin::Option(format!("--set '{option}'"));
        let Some((key, value)) = option.split_once('=') else {
            return Err("has no `=`; write --set 'key=value', as in --set 'seed=1'".to_owned());
        };
        let path = key_path(key)?;
        let value = value.trim();
        let parsed: Table = toml::from_str(&format!("value = {value}")).map_err(|_| {
            format!(
                "`{value}` is not a TOML value; put text in double quotes, as in '{key}=\"auto\"'"
            )
        })?;
        let value = parsed["value"].clone();
        Ok((path, Self { origin, content: Content::Value(value), replaces: false }))
    }

    /// The entries of a list of tables that was written as a value, each a node of its own.
    pub fn entries(&self) -> Vec<Self> {
        let Content::Value(Value::Array(entries)) = &self.content else {
            return Vec::new();
        };
        let entry = |value: &Value| {
            let mut value = value.clone();
            expand("", &mut value);
            let mut node = Self::value(value, self.origin.clone());
            node.open();
            // A run is laid over the document, not put in its place.
            node.replaces = false;
            node
        };
        entries.iter().filter(|value| value.is_table()).map(entry).collect()
    }

    /// Makes relative paths begin at a folder, wherever a key that holds one is.
    pub fn anchor(&mut self, folder: &Path) {
        self.anchor_under("", folder);
    }

    /// As [`Self::anchor`], of the node at a path.
    pub fn anchor_as(&mut self, path: &[String], folder: &Path) {
        self.anchor_under(&path.join("."), folder);
    }

    fn anchor_under(&mut self, key: &str, folder: &Path) {
        match &mut self.content {
            Content::Value(value) => paths::anchor(key, value, folder),
            Content::Table(children) => {
                children
                    .iter_mut()
                    .for_each(|(name, child)| child.anchor_under(&paths::under(key, name), folder));
            }
        }
    }

    /// Replaces or inserts the node at a path, making tables on the way. Inline tables on the way are
    /// opened.
    pub fn set(&mut self, path: &[String], node: Self) {
        let Some((first, rest)) = path.split_first() else {
            *self = node;
            return;
        };
        let node = if rest.is_empty() { node.expanded(first) } else { node };
        self.open();
        let origin = node.origin.clone();
        if let Content::Table(children) = &mut self.content {
            let child = children.entry(first.clone()).or_insert_with(|| Self {
                origin,
                content: Content::Table(BTreeMap::new()),
                replaces: false,
            });
            child.set(rest, node);
        }
    }

    /// The node under a key, shorthands written out.
    fn expanded(mut self, key: &str) -> Self {
        if let Content::Value(value) = &mut self.content {
            expand(key, value);
        }
        self
    }

    /// As [`Self::set`], where something is written at that path already, or at a part of it.
    pub fn set_if_there(&mut self, path: &[String], node: &Self) {
        let found = path.iter().try_fold(&*self, |at, part| match &at.content {
            Content::Table(children) => children.get(part).ok_or(at.replaces),
            // An inline table replaces all that lies below it.
            Content::Value(_) => Err(true),
        });
        if !matches!(found, Err(false)) {
            self.set(path, node.clone());
        }
    }

    /// Lays `other` over this node: tables are merged, values and inline tables replace.
    pub fn merge(&mut self, other: Self) {
        match other.content {
            Content::Table(children) if !other.replaces => {
                self.open();
                let Content::Table(own) = &mut self.content else {
                    return;
                };
                for (key, child) in children {
                    match own.get_mut(&key) {
                        Some(existing) => existing.merge(child),
                        None => {
                            own.insert(key, child);
                        }
                    }
                }
            }
            _ => *self = other,
        }
    }

    /// Removes a child and returns it.
    pub fn take(&mut self, key: &str) -> Option<Self> {
        match &mut self.content {
            Content::Table(children) => children.remove(key),
            Content::Value(_) => None,
        }
    }

    /// The value as plain TOML.
    pub fn to_value(&self) -> Value {
        match &self.content {
            Content::Table(children) => {
                let entries = children.iter().map(|(key, child)| (key.clone(), child.to_value()));
                Value::Table(entries.collect())
            }
            Content::Value(value) => value.clone(),
        }
    }

    /// A value written at a place.
    pub fn value(value: Value, origin: Origin) -> Self {
        Self { origin, content: Content::Value(value), replaces: false }
    }

    /// Every value with its path and its place; an inline table counts as one value.
    pub fn leaves(&self) -> Vec<(Vec<String>, Value, Origin)> {
        match &self.content {
            Content::Value(value) => vec![(Vec::new(), value.clone(), self.origin.clone())],
            Content::Table(_) if self.replaces => {
                vec![(Vec::new(), self.to_value(), self.origin.clone())]
            }
            Content::Table(children) => children
                .iter()
                .flat_map(|(key, child)| {
                    child.leaves().into_iter().map(move |(mut path, value, origin)| {
                        path.insert(0, key.clone());
                        (path, value, origin)
                    })
                })
                .collect(),
        }
    }

    /// Every key, dotted: tables, inline ones too, and what is in them.
    pub fn keys(&self) -> BTreeSet<String> {
        fn add(path: &str, value: &Value, keys: &mut BTreeSet<String>) {
            for (key, value) in value.as_table().into_iter().flatten() {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                add(&path, value, keys);
                keys.insert(path);
            }
        }
        let mut keys = BTreeSet::new();
        add("", &self.to_value(), &mut keys);
        keys
    }

    /// Where the key at a dotted path was written, or its closest ancestor. `None` where nothing but
    /// the document itself is left.
    pub fn origin_of(&self, path: &str) -> Option<&Origin> {
        let mut node = self;
        let mut origin = None;
        for part in path.split('.') {
            let Content::Table(children) = &node.content else {
                break;
            };
            let Some(child) = children.get(part) else {
                break;
            };
            node = child;
            origin = Some(&node.origin);
        }
        origin
    }

    /// Where this node was written.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Turns an inline table into one that can be merged into.
    fn open(&mut self) {
        if let Content::Value(value) = &self.content {
            let origin = self.origin.clone();
            let children = match value {
                Value::Table(table) => table
                    .iter()
                    .map(|(key, value)| {
                        let content = Content::Value(value.clone());
                        (key.clone(), Self { origin: origin.clone(), content, replaces: false })
                    })
                    .collect(),
                _ => BTreeMap::new(),
            };
            self.replaces = matches!(value, Value::Table(_));
            self.content = Content::Table(children);
        }
    }

    /// The entries of an array of tables, `[[key]]`, each a node of its own.
    pub fn parse_array_of_tables(text: &str, key: &str) -> Vec<Self> {
        let line_of = |offset: usize| 1 + text[..offset].matches('\n').count();
        let Ok(table) = DeTable::parse(text) else {
            return Vec::new();
        };
        let Some((_, value)) =
            table.into_inner().into_iter().find(|(name, _)| name.get_ref() == key)
        else {
            return Vec::new();
        };
        match value.into_inner() {
            DeValue::Array(entries) => entries
                .into_iter()
                .map(|entry| node(entry, text, &line_of, None))
                .map(|mut entry| {
                    entry.open();
                    entry
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// The parts of a dotted key.
pub(super) fn key_path(key: &str) -> Result<Vec<String>, String> {
    let parts = key.split('.').count();
    if parts > MOST_PARTS {
        return Err(format!(
            "its key has {parts} parts, which no key has; write it as `encoder.step`"
        ));
    }
    let path: Vec<String> = key.split('.').map(|part| part.trim().to_owned()).collect();
    match path.iter().any(String::is_empty) {
        true => Err(format!("`{key}` is not a dotted key; write it as `encoder.step`")),
        false => Ok(path),
    }
}

/// Writes out shorthands in the value under a key.
fn expand(key: &str, value: &mut Value) {
    let tag = SHORTHANDS.iter().find(|(known, _)| *known == key).map(|(_, tag)| *tag);
    match (tag, &mut *value) {
        (Some(tag), Value::String(text)) => {
            let text = Value::String(std::mem::take(text));
            *value = Value::Table(Table::from_iter([(tag.to_owned(), text)]));
        }
        (_, Value::Table(table)) => {
            table.iter_mut().for_each(|(key, value)| expand(key, value));
        }
        _ => {}
    }
}

fn children(
    table: DeTable<'_>,
    text: &str,
    line_of: &impl Fn(usize) -> usize,
) -> BTreeMap<String, Node> {
    table
        .into_iter()
        .map(|(key, value)| {
            let line = line_of(key.span().start);
            let key = key.into_inner().into_owned();
            let node = node(value, text, line_of, Some(line)).expanded(&key);
            (key, node)
        })
        .collect()
}

fn node(
    value: Spanned<DeValue<'_>>,
    text: &str,
    line_of: &impl Fn(usize) -> usize,
    line: Option<usize>,
) -> Node {
    let span = value.span();
    let origin = Origin::Line(line.unwrap_or_else(|| line_of(span.start)));
    let inline = text[span.clone()].starts_with('{');
    let content = match value.into_inner() {
        DeValue::Table(table) if !inline => Content::Table(children(table, text, line_of)),
        other => Content::Value(plain(other)),
    };
    Node { origin, content, replaces: false }
}

fn plain(value: DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.into_owned()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            // Beyond 64 bits: as a float, so that the range checks see it.
            Err(_) => Value::Float(f64::INFINITY),
        },
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Value::Boolean(flag),
        DeValue::Datetime(datetime) => Value::Datetime(datetime),
        DeValue::Array(entries) => {
            Value::Array(entries.into_iter().map(|entry| plain(entry.into_inner())).collect())
        }
        DeValue::Table(table) => Value::Table(
            table
                .into_iter()
                .map(|(key, value)| (key.into_inner().into_owned(), plain(value.into_inner())))
                .collect(),
        ),
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "{line}"),
            Self::Option(option) => f.write_str(option),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "seed = 1\n[encoder]\nstep = 0.2\nprox = { kind = \"soft\", penalty = 0.2 }\n\
        [[runs]]\nname = \"a\"\nencoder.prox = { kind = \"hard\" }\n[[runs]]\nname = \"b\"\n\
        [runs.encoder]\nstep = 0.1\n";

    #[test]
    fn every_key_knows_its_line() {
        let document = Node::parse(TEXT).unwrap();
        assert_eq!(document.origin_of("seed"), Some(&Origin::Line(1)));
        assert_eq!(document.origin_of("encoder.step"), Some(&Origin::Line(3)));
        assert_eq!(document.origin_of("encoder.prox.penalty"), Some(&Origin::Line(4)));
        assert_eq!(document.origin_of("encoder.absent"), Some(&Origin::Line(2)));
        assert_eq!(document.origin_of("absent"), None);
    }

    #[test]
    fn an_inline_table_replaces_and_a_dotted_key_merges() {
        let runs = Node::parse_array_of_tables(TEXT, "runs");
        let merged = |run: &Node| {
            let mut document = Node::parse(TEXT).unwrap();
            document.merge(run.clone());
            document.to_value()["encoder"].clone()
        };
        assert_eq!(merged(&runs[0])["prox"].as_table().unwrap().len(), 1);
        assert_eq!(merged(&runs[0])["step"].as_float(), Some(0.2));
        assert_eq!(merged(&runs[1])["prox"].as_table().unwrap().len(), 2);
        assert_eq!(merged(&runs[1])["step"].as_float(), Some(0.1));
    }

    #[test]
    fn an_option_opens_inline_tables() {
        let mut document = Node::parse(TEXT).unwrap();
        let (path, node) = Node::parse_option("encoder.prox.penalty=0.5").unwrap();
        document.set(&path, node);
        let prox = &document.to_value()["encoder"]["prox"];
        assert_eq!((prox["kind"].as_str(), prox["penalty"].as_float()), (Some("soft"), Some(0.5)));
        assert!(matches!(document.origin_of("encoder.prox.penalty"), Some(Origin::Option(_))));
        assert!(Node::parse_option("seed").is_err());
        assert!(Node::parse_option("device=flex").is_err());
    }

    #[test]
    fn an_inline_table_of_a_run_replaces_whatever_an_option_lays_over_it() {
        let (path, node) = Node::parse_option("encoder.prox.threshold=0.3").unwrap();
        let mut run = Node::parse_array_of_tables(TEXT, "runs").remove(0);
        run.set_if_there(&path, &node);
        let mut document = Node::parse(TEXT).unwrap();
        document.merge(run);
        let prox = document.to_value()["encoder"]["prox"].as_table().unwrap().clone();
        assert_eq!((prox["kind"].as_str(), prox.len()), (Some("hard"), 2), "{prox:?}");
        // Nor does a second option forget it.
        let mut run = Node::parse_array_of_tables(TEXT, "runs").remove(0);
        for option in ["encoder.prox.threshold=0.3", "encoder.prox.penalty=0.1"] {
            let (path, node) = Node::parse_option(option).unwrap();
            run.set_if_there(&path, &node);
        }
        let mut document = Node::parse(TEXT).unwrap();
        document.merge(run);
        assert_eq!(document.to_value()["encoder"]["prox"].as_table().unwrap().len(), 3);
    }

    #[test]
    fn a_shorthand_is_not_forgotten_by_what_is_laid_over_it() {
        let mut document = Node::parse("[encoder]\nprox = \"hard\"\n").unwrap();
        let (path, node) = Node::parse_option("encoder.prox.penalty=0.5").unwrap();
        document.set(&path, node);
        let prox = document.to_value()["encoder"]["prox"].clone();
        assert_eq!((prox["kind"].as_str(), prox["penalty"].as_float()), (Some("hard"), Some(0.5)));
        let inline = Node::parse("optimizer = { schedule = \"step\" }\n").unwrap().to_value();
        assert_eq!(inline["optimizer"]["schedule"]["kind"].as_str(), Some("step"));
        let (path, node) = Node::parse_option("encoder.prox=\"soft\"").unwrap();
        document.set(&path, node);
        assert_eq!(document.to_value()["encoder"]["prox"]["kind"].as_str(), Some("soft"));
    }

    #[test]
    fn broken_toml_names_its_line() {
        assert_eq!(Node::parse("seed = 1\nstep = = 2\n").unwrap_err().line, 2);
    }
}
