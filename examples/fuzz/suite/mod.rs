//! Inputs nobody would write, and what must hold of each: no panic, an answer in time and within memory, and where it
//! is refused, a sentence.
//!
//! An input is made from a seed, the name of its target and its index alone.

mod archive;
mod bytes;
mod checkpoints;
mod configurations;
mod idx;
mod json;
pub mod judge;
mod npz;
mod pytorch;
pub mod random;
mod run_directories;
mod runs;
mod safetensors;
mod tensors;
mod tiny_runs;
mod toml_lines;
pub mod watch;

use std::path::{Path, PathBuf};

use random::Random;

/// Files by name, in a folder of their own.
#[derive(Clone, Debug, Default)]
pub struct Input(pub Vec<(String, Vec<u8>)>);

impl Input {
    pub fn of(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self(vec![(name.to_owned(), bytes.into())])
    }

    /// The bytes of a file, as text; empty where there is none.
    pub fn text(&self, name: &str) -> String {
        let found = self.0.iter().find(|(file, _)| file == name);
        found.map_or(String::new(), |(_, bytes)| String::from_utf8_lossy(bytes).into_owned())
    }

    /// Writes the files into a folder.
    pub fn write(&self, folder: &Path) -> std::io::Result<()> {
        self.0.iter().try_for_each(|(name, bytes)| {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
            std::fs::write(path, bytes)
        })
    }

    /// Reads the files of a folder and of the folders in it.
    pub fn read(folder: &Path) -> std::io::Result<Self> {
        let (mut files, mut folders) = (Vec::new(), vec![PathBuf::new()]);
        while let Some(inner) = folders.pop() {
            for entry in std::fs::read_dir(folder.join(&inner))? {
                let name = inner.join(entry?.file_name());
                match folder.join(&name).is_dir() {
                    true => folders.push(name),
                    false => {
                        let bytes = std::fs::read(folder.join(&name))?;
                        files.push((name.to_string_lossy().into_owned(), bytes));
                    }
                }
            }
        }
        files.sort();
        Ok(Self(files))
    }
}

/// What is tried.
pub struct Target {
    pub name: &'static str,
    /// Its part of a number of inputs, in a hundred: what is slow takes few.
    pub share: u64,
    pub make: fn(&mut Random) -> Input,
    /// Reads an input in an empty folder, and notes what was answered. An error is a finding.
    pub examine: fn(&Input, &Path, &mut Answers) -> Result<(), String>,
}

/// What was answered to an input: the messages of what was refused, none where all was accepted.
#[derive(Debug, Default)]
pub struct Answers(pub Vec<String>);

impl Answers {
    /// Notes a refusal; the value where there is one.
    pub fn note<T, E: std::fmt::Display>(&mut self, answer: Result<T, E>) -> Option<T> {
        answer.map_err(|error| self.0.push(error.to_string())).ok()
    }
}

pub const TARGETS: [Target; 8] = [
    configurations::TARGET,
    safetensors::TARGET,
    npz::TARGET,
    pytorch::TARGET,
    idx::TARGET,
    checkpoints::TARGET,
    run_directories::TARGET,
    runs::TARGET,
];

impl Target {
    /// Input `index` of a seed.
    pub fn input(&self, seed: u64, index: u64) -> Input {
        (self.make)(&mut Random::new(seed, self.name, index))
    }
}

/// A folder in the repository.
pub fn repository(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder)
}

/// A folder for scratch files, in memory where the system has one there.
pub fn scratch() -> std::io::Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    match tempfile::tempdir_in(memory) {
        Ok(folder) => Ok(folder),
        Err(_) => tempfile::tempdir(),
    }
}
