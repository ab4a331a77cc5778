//! What can be asked of `unrolled encode`, and what is refused before any work is done.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::config::MOST_ITERATIONS;
use crate::files::{WholeFile, remove_unfinished};

/// What to encode, with what, and when to stop.
#[derive(Clone, Debug)]
pub struct Encode {
    /// A run directory, or a file with the dictionary.
    pub dictionary: PathBuf,
    /// The array `[m, p]` in the file, or the run in the directory.
    pub key: Option<String>,
    /// A file with the examples, a folder of such files, or a pattern of their names.
    pub data: PathBuf,
    /// The array `[n, m]`.
    pub data_key: String,
    /// λ.
    pub penalty: f64,
    /// Non-negative codes.
    pub one_sided: bool,
    /// When an example is done.
    pub until: Until,
    /// Whether the codes are written as index lists.
    pub sparse: bool,
    /// Where to.
    pub out: PathBuf,
    /// Rows of a file, where `out` is a folder that gets several.
    pub shard_rows: Option<usize>,
    /// Whether a file that is there is replaced.
    pub overwrite: bool,
    /// The device.
    pub device: String,
}

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Until {
    /// After so many iterations.
    Iterations(usize),
    /// When the relative duality gap of every example is at most this.
    Gap(f64),
}

impl Encode {
    /// Refuses what cannot be done, before anything is read.
    pub(super) fn check_numbers(&self) -> Result<(), Error> {
        if !(self.penalty.is_finite() && self.penalty >= 0.0) {
            return wrong(format!("--penalty is {}; write a number, 0 or more", self.penalty));
        }
        match self.until {
            Until::Gap(gap) if !(gap.is_finite() && gap > 0.0) => {
                wrong(format!("--gap is {gap}; write a number above 0, as in 1e-4"))
            }
            Until::Gap(_) if self.penalty == 0.0 => wrong(
                "--penalty 0 leaves no duality gap to stop at (no dual point exists); stop after --iterations, or \
                 give a penalty above 0"
                    .to_owned(),
            ),
            Until::Iterations(iterations) if iterations > MOST_ITERATIONS => {
                wrong(format!("--iterations is {iterations}; write {MOST_ITERATIONS} or less"))
            }
            _ => Ok(()),
        }
    }

    /// Refuses to write where an input is: onto it, or into its folder.
    pub(super) fn check_inputs<'p>(
        &self,
        mut rows: impl Iterator<Item = &'p PathBuf>,
    ) -> Result<(), Error> {
        let out = self.out.canonicalize().ok();
        let is_hit = |input: &Path| {
            let input = input.canonicalize().ok();
            let folder = input.as_deref().and_then(Path::parent);
            out.is_some() && (input == out || folder == out.as_deref())
        };
        let dictionary = Some(&self.dictionary).filter(|path| is_hit(path));
        match dictionary.or_else(|| rows.find(|path| is_hit(path))) {
            None => Ok(()),
            Some(input) => wrong(format!(
                "--out {} would replace {}, one of the inputs; name another place",
                self.out.display(),
                input.display()
            )),
        }
    }

    /// Begins the file to write, where one can be written.
    pub(super) fn begin_file(&self) -> Result<WholeFile, Error> {
        let out = &self.out;
        let shown = out.display();
        if out.is_dir() {
            return wrong(format!(
                "{shown}: is a folder; name a file to write, or write shards into it with --shard-rows"
            ));
        }
        let arrays = self.dictionary.join("arrays.safetensors");
        if [&self.data, &self.dictionary, &arrays].into_iter().any(|input| is_same(input, out)) {
            return wrong(format!("--out {shown} is one of the inputs; name another file"));
        }
        let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        if !folder.is_dir() {
            let (folder, there) = (folder.display(), folder.exists());
            let why =
                if there { "is not a folder" } else { "is not there; make that folder first" };
            return wrong(format!("{shown}: {folder} {why}, or name another file with --out"));
        }
        // What is not a regular file is refused for that, whatever it is called.
        let is_special = out.exists() && !out.is_file();
        if !is_special && out.extension().is_none_or(|extension| extension != "safetensors") {
            return wrong(format!(
                "{shown}: codes are written in the format safetensors; give --out a name that ends in .safetensors"
            ));
        }
        if !is_special && !self.overwrite && out.symlink_metadata().is_ok() {
            return wrong(format!(
                "{shown}: is there already; choose another file with --out, or replace it with --overwrite"
            ));
        }
        remove_unfinished(out);
        WholeFile::begin(out).map_err(|error| match error {
            Error::Io { reason, .. } => Error::Config(vec![format!(
                "{shown}: {reason}; name a file in a folder that you may write to"
            )]),
            other => other,
        })
    }
}

fn is_same(a: &Path, b: &Path) -> bool {
    a.canonicalize().is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b))
}

pub(super) fn wrong<T>(message: String) -> Result<T, Error> {
    Err(Error::Config(vec![message]))
}
