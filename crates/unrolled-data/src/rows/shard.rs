//! The rows of one file.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ndarray::{Array2, s};

use super::locate::{Held, Located, locate};
use super::matrix::Matrix;
use crate::DataError;
use crate::fault::Fault;

/// A matrix of which any rows can be read.
#[derive(Debug)]
pub(super) struct Shard {
    pub path: PathBuf,
    key: String,
    format: &'static str,
    pub rows: usize,
    pub columns: usize,
    /// Channels, height and width of a row, where the file says that rows are images.
    pub image: Option<[usize; 3]>,
    content: Content,
}

/// Length and time of the last change.
type State = (u64, Option<std::time::SystemTime>);

#[derive(Debug)]
enum Content {
    /// Read from the file as it is needed. It is not mapped into memory: a file that is cut short meanwhile would end
    /// the process.
    File {
        /// Kept open; where there are many files, each is opened as it is read.
        file: Option<Mutex<File>>,
        state: State,
        matrix: Matrix,
    },
    Memory(Array2<f64>),
}

fn state(file: &File) -> std::io::Result<State> {
    let metadata = file.metadata()?;
    Ok((metadata.len(), metadata.modified().ok()))
}

impl Shard {
    /// `keep`: whether the file stays open.
    pub fn open(path: &Path, key: &str, keep: bool) -> Result<Self, DataError> {
        let Located { format, image, content } = locate(path, key)?;
        let (path, key) = (path.to_owned(), key.to_owned());
        let (rows, columns, content) = match content {
            Held::InMemory(matrix) => (matrix.nrows(), matrix.ncols(), Content::Memory(matrix)),
            Held::InFile(file, matrix) => {
                let (rows, columns) = (matrix.rows, matrix.columns);
                let state = match state(&file) {
                    Ok(state) => state,
                    Err(error) => {
                        return Err(DataError::Unreadable { path, reason: error.to_string() });
                    }
                };
                let file = keep.then(|| Mutex::new(file));
                (rows, columns, Content::File { file, state, matrix })
            }
        };
        Ok(Self { path, key, format, rows, columns, image, content })
    }

    /// The name of its type of numbers, where it is read as it is needed.
    pub fn dtype(&self) -> Option<&'static str> {
        match &self.content {
            Content::File { matrix, .. } => Some(matrix.number.name()),
            Content::Memory(_) => None,
        }
    }

    /// Appends some rows, every entry finite.
    pub fn append(&self, range: Range<usize>, values: &mut Vec<f64>) -> Result<(), DataError> {
        let from = values.len();
        match &self.content {
            Content::Memory(matrix) => values.extend(matrix.slice(s![range.clone(), ..])),
            Content::File { file, state, matrix } => {
                let rows = match file {
                    Some(file) => {
                        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                        matrix.append(&mut file, &range, values)
                    }
                    None => {
                        let file = self.reopened(*state);
                        file.and_then(|mut file| matrix.append(&mut file, &range, values))
                    }
                };
                rows.map_err(|fault| fault.of_array(&self.path, self.format, &self.key))?;
            }
        }
        match values[from..].iter().position(|value| !value.is_finite()) {
            None => Ok(()),
            Some(index) => Err(DataError::NotFinite {
                path: self.path.clone(),
                key: self.key.clone(),
                value: values[from + index],
                row: range.start + index / self.columns,
                column: index % self.columns,
            }),
        }
    }

    /// The file, opened again as it was.
    fn reopened(&self, before: State) -> Result<File, Fault> {
        let file = File::open(&self.path)?;
        match state(&file)? == before {
            true => Ok(file),
            false => Err("it has changed since it was looked at first".into()),
        }
    }
}
