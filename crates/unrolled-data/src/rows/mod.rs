//! The rows of a matrix in a file, or in many, some at a time: for data larger than memory.

mod list;
mod locate;
mod matrix;
mod shard;
mod survey;

use std::ops::Range;
use std::path::{Path, PathBuf};

use ndarray::Array2;

use crate::DataError;
use crate::fault::Fault;
use crate::memory::reserve;
pub use list::INCOMPLETE;
use shard::Shard;
pub use survey::Survey;

/// Files that stay open: systems allow a process about a thousand.
const KEPT_OPEN: usize = 256;

/// A matrix `[n, m]` of which the rows lie in one file or in several shards, one after the other. Of .npy,
/// .safetensors and raw IDX files (a byte b is b/255) only what is asked for is read; the array of an .npz or .pt file
/// is held whole.
#[derive(Debug)]
pub struct Rows {
    shards: Vec<Shard>,
    /// The first row of each, and n.
    starts: Vec<usize>,
}

impl Rows {
    /// Opens the array of this name (an .npy and an IDX file have but one) in a file, in the .npy, .safetensors and IDX
    /// files of a folder, or in those whose names fit a pattern with `*`, `?` or `[…]`; in the order of their names, byte
    /// by byte.
    ///
    /// An error where there is no such file, one is damaged, or they differ in the width or shape of a row or in the type
    /// of numbers.
    pub fn open(path: &Path, key: &str) -> Result<Self, DataError> {
        let files = list::files(path)?;
        let keep = files.len() <= KEPT_OPEN;
        let shards = files.iter().map(|file| Shard::open(file, key, keep));
        let shards: Vec<Shard> = shards.collect::<Result<_, _>>()?;
        let (first, mut starts) = (&shards[0], vec![0]);
        for shard in &shards {
            let differ = |what: &dyn Fn(&Shard) -> String, remedy: &str| DataError::Shards {
                path: shard.path.clone(),
                difference: format!(
                    "`{key}` {}, but that of {} {}; {remedy}",
                    what(shard),
                    first.path.display(),
                    what(first)
                ),
            };
            if shard.columns != first.columns {
                let remedy = "give shards of one width, or name some of them with a pattern";
                return Err(differ(&|shard| format!("has {} columns", shard.columns), remedy));
            }
            if shard.image != first.image {
                let shape = |shard: &Shard| match shard.image {
                    Some(image) => format!("holds images of shape {image:?}"),
                    None => "holds rows".to_owned(),
                };
                return Err(differ(&shape, "give shards of one shape"));
            }
            if let (Some(a), Some(b)) = (shard.dtype(), first.dtype())
                && a != b
            {
                let dtype = |shard: &Shard| format!("holds {}", shard.dtype().unwrap_or_default());
                return Err(differ(&dtype, "write all shards with one type of numbers"));
            }
            starts.push(starts[starts.len() - 1] + shard.rows);
        }
        Ok(Self { shards, starts })
    }

    /// n and m.
    pub fn shape(&self) -> [usize; 2] {
        [self.starts[self.shards.len()], self.shards[0].columns]
    }

    /// Channels, height and width of a row, where the files say that rows are images.
    pub fn image(&self) -> Option<[usize; 3]> {
        self.shards[0].image
    }

    /// How many files there are.
    pub fn files(&self) -> usize {
        self.shards.len()
    }

    /// The file that a row lies in, and which of its rows it is.
    pub fn place(&self, row: usize) -> (&Path, usize) {
        let (shard, row) = self.find(row);
        (&self.shards[shard].path, row)
    }

    /// All files, in their order.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.shards.iter().map(|shard| &shard.path)
    }

    fn find(&self, row: usize) -> (usize, usize) {
        let shard = self.starts.partition_point(|start| *start <= row) - 1;
        (shard, row - self.starts[shard])
    }

    /// Rows `from..to`, every entry finite.
    ///
    /// # Panics
    /// Where there are not so many rows.
    pub fn read(&self, from: usize, to: usize) -> Result<Array2<f64>, DataError> {
        let [n, columns] = self.shape();
        assert!(from <= to && to <= n, "rows {from}..{to} of {n}");
        let values = (to - from).checked_mul(columns).ok_or(Fault::TooLarge(u64::MAX));
        let mut values = values
            .and_then(reserve)
            .map_err(|fault| fault.of_array(&self.shards[0].path, "", "all rows of the files"))?;
        self.append(from..to, &mut values)?;
        Ok(Array2::from_shape_vec((to - from, columns), values).expect("rows have m entries"))
    }

    /// Appends some rows, every entry finite.
    ///
    /// # Panics
    /// Where there are not so many rows.
    pub fn append(&self, range: Range<usize>, values: &mut Vec<f64>) -> Result<(), DataError> {
        let mut from = range.start;
        while from < range.end {
            let (shard, row) = self.find(from);
            let count = (range.end - from).min(self.shards[shard].rows - row);
            self.shards[shard].append(row..row + count, values)?;
            from += count;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
