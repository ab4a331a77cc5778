//! The files that `unrolled encode` writes: one, or one after the other.

use std::path::{Path, PathBuf};

use ndarray::{Array2, s};
use unrolled_data::INCOMPLETE;

use super::Encode;
use super::output::Output;
use super::request::wrong;
use crate::Error;
use crate::files::{UNFINISHED, WholeFile, remove_all_unfinished, write_whole};

/// What the mark says to a person.
const STOPPED: &str = "`unrolled encode` is at work here, or was stopped: some shards of codes are missing. Encode again with \
    --overwrite.\n";

/// Codes in one file or in shards of so many rows, of which one at a time is open. Each appears under its name when it is
/// whole.
pub(super) struct Outputs<'a> {
    request: &'a Encode,
    atoms: usize,
    /// Rows of a file.
    each: usize,
    /// Rows that are still to come.
    left: usize,
    /// Files begun, and how many there will be.
    begun: usize,
    count: usize,
    /// The file that is open, and how many rows it still takes.
    open: Option<(Output, usize)>,
}

/// The name of a shard among so many: in the order of the bytes of the names.
fn name(index: usize, count: usize) -> String {
    let digits = count.saturating_sub(1).to_string().len().max(5);
    format!("codes-{index:0digits$}.safetensors")
}

/// Whether a file is called as a shard is, whole or not, or marks that some are missing.
fn is_shard(path: &Path) -> bool {
    if !path.is_file() {
        return false;
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
    if name == INCOMPLETE || name.starts_with(UNFINISHED) {
        return true;
    }
    let digits = name.strip_prefix("codes-").and_then(|rest| rest.strip_suffix(".safetensors"));
    digits.is_some_and(|digits| digits.len() >= 5 && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// The shards in a folder that may be written to; refused where there is something else in it.
pub(super) fn check_folder(request: &Encode) -> Result<Vec<PathBuf>, Error> {
    let out = &request.out;
    let shown = out.display();
    if out.symlink_metadata().is_err() {
        return Ok(Vec::new());
    }
    if !out.is_dir() {
        return wrong(format!(
            "{shown}: is not a folder, and --shard-rows writes several files; name a folder with --out"
        ));
    }
    let entries = std::fs::read_dir(out).map_err(|error| Error::reading(out, &error))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let paths: Result<Vec<PathBuf>, _> = paths.collect();
    let mut paths = paths.map_err(|error| Error::reading(out, &error))?;
    paths.sort();
    if let Some(other) = paths.iter().find(|path| !is_shard(path)) {
        return wrong(format!(
            "{shown}: holds {}, which is no shard of codes; name another folder with --out",
            other.file_name().unwrap_or_default().to_string_lossy()
        ));
    }
    if !paths.is_empty() && !request.overwrite {
        return wrong(format!(
            "{shown}: holds shards of codes already; choose another folder with --out, or replace them with --overwrite"
        ));
    }
    Ok(paths)
}

impl<'a> Outputs<'a> {
    /// Into a file that was begun.
    pub fn file(request: &'a Encode, file: WholeFile, shape: [usize; 2]) -> Result<Self, Error> {
        let [n, atoms] = shape;
        let output = Output::begin(request, request.out.clone(), file, shape)?;
        let open = Some((output, n));
        Ok(Self { request, atoms, each: n.max(1), left: n, begun: 1, count: 1, open })
    }

    /// Into shards of a folder, in which there are these already.
    pub fn shards(
        request: &'a Encode,
        each: usize,
        before: Vec<PathBuf>,
        [n, atoms]: [usize; 2],
    ) -> Result<Self, Error> {
        let writing = |error: std::io::Error| Error::writing(&request.out, &error);
        std::fs::create_dir_all(&request.out).map_err(writing)?;
        write_whole(&request.out.join(INCOMPLETE), STOPPED.as_bytes())?;
        remove_all_unfinished(&request.out);
        let is_whole = |path: &&PathBuf| path.exists() && !path.ends_with(INCOMPLETE);
        before.iter().filter(is_whole).try_for_each(std::fs::remove_file).map_err(writing)?;
        let count = n.div_ceil(each).max(1);
        let mut outputs = Self { request, atoms, each, left: n, begun: 0, count, open: None };
        outputs.begin_next()?;
        Ok(outputs)
    }

    fn begin_next(&mut self) -> Result<(), Error> {
        let path = self.request.out.join(name(self.begun, self.count));
        let rows = self.left.min(self.each);
        let file = WholeFile::begin(&path)?;
        let output = Output::begin(self.request, path, file, [rows, self.atoms])?;
        self.open = Some((output, rows));
        self.begun += 1;
        Ok(())
    }

    /// Writes the codes of the examples that come next, and their gaps.
    pub fn write(&mut self, codes: &Array2<f64>, gaps: &[f64]) -> Result<(), Error> {
        let mut from = 0;
        while from < gaps.len() {
            if self.open.as_ref().is_none_or(|(_, room)| *room == 0) {
                self.finish_open()?;
                self.begin_next()?;
            }
            let Some((output, room)) = &mut self.open else { break };
            let to = gaps.len().min(from + *room);
            output.write(&codes.slice(s![from..to, ..]), &gaps[from..to])?;
            *room -= to - from;
            self.left -= to - from;
            from = to;
        }
        Ok(())
    }

    fn finish_open(&mut self) -> Result<(), Error> {
        self.open.take().map_or(Ok(()), |(output, _)| output.finish())
    }

    /// Gives the last file its name; how many files there are.
    pub fn finish(mut self) -> Result<usize, Error> {
        self.finish_open()?;
        if self.request.shard_rows.is_some() {
            let mark = self.request.out.join(INCOMPLETE);
            std::fs::remove_file(&mark).map_err(|error| Error::writing(&mark, &error))?;
        }
        Ok(self.begun)
    }
}
