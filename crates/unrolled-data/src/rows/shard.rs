//! The rows of one file.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ndarray::{Array2, s};
use npyz::Order;

use crate::DataError;
use crate::arrays::{ArrayFile, Format, Kinds};
use crate::fault::Fault;
use crate::idx::header;
use crate::numbers::{Number, extent};
use crate::safetensors::number;

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
        /// Its length and when it was written last.
        state: State,
        /// Where the matrix begins.
        start: u64,
        number: Number,
        /// What a number is multiplied by.
        unit: f64,
        order: Order,
    },
    /// Of a packed file, all of it.
    Memory(Array2<f64>),
}

/// Whether a file's name is one of a format of which rows are read.
pub(super) fn is_readable_name(path: &Path) -> bool {
    let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    !is_hidden && (is_idx(path) || ["npy", "safetensors"].contains(&&*extension))
}

/// As MNIST's files are called, `train-images-idx3-ubyte`, or `.idx`.
fn is_idx(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
    name.ends_with("ubyte") || name.ends_with(".idx")
}

/// Where a matrix lies in a file.
struct Found {
    format: &'static str,
    file: File,
    start: u64,
    shape: Vec<usize>,
    number: Result<Number, String>,
    unit: f64,
    order: Order,
}

impl Shard {
    /// `keep`: whether the file stays open.
    pub fn open(path: &Path, key: &str, keep: bool) -> Result<Self, DataError> {
        let found = match is_idx(path) && !path.is_dir() {
            true => idx(path)?,
            false => {
                let mut file = ArrayFile::open(path)?;
                match file.format {
                    Format::Safetensors(file) => {
                        let Some(info) = file.info(key).cloned() else {
                            return Err(DataError::missing(path, key, file.names()));
                        };
                        let (from, number) =
                            (info.data_offsets.0, number(info.dtype, Kinds::Floats));
                        let (file, start) = file.into_parts();
                        let start = start + from as u64;
                        let (shape, order, unit) = (info.shape, Order::C, 1.0);
                        Found { format: "safetensors", file, start, shape, number, unit, order }
                    }
                    Format::Npy(array)
                        if array.header.order == Order::C || array.header.shape.len() == 2 =>
                    {
                        let header = &array.header;
                        let (start, shape, order) =
                            (header.length, header.shape.clone(), header.order);
                        let name = || header.name.clone();
                        let number = header.number.clone();
                        let number = number.and_then(|number| Kinds::Floats.take(number, name));
                        let file = array.into_file();
                        Found { format: "npy", file, start, shape, number, unit: 1.0, order }
                    }
                    _ => {
                        let (matrix, image) = file.rows(key)?;
                        let (rows, columns) = matrix.dim();
                        let content = Content::Memory(matrix);
                        let (path, key, format) = (path.to_owned(), key.to_owned(), file.name);
                        return Ok(Self { path, key, format, rows, columns, image, content });
                    }
                }
            }
        };
        Self::of(path, key, found, keep)
    }

    fn of(path: &Path, key: &str, found: Found, keep: bool) -> Result<Self, DataError> {
        let (path, key) = (path.to_owned(), key.to_owned());
        let Found { format, file, start, shape, number, unit, order } = found;
        let (rows, columns, image) = match shape[..] {
            [rows, columns] => (rows, columns, None),
            [rows, height, width] if format == "IDX" => {
                (rows, height.saturating_mul(width), Some([1, height, width]))
            }
            [rows, channels, height, width] => {
                let pixels = channels.saturating_mul(height).saturating_mul(width);
                (rows, pixels, Some([channels, height, width]))
            }
            _ => {
                let expected = "[n, m], or images [n, channels, height, width]".to_owned();
                return Err(DataError::Shape { path, key, shape, expected });
            }
        };
        let number = match number {
            Ok(number) => number,
            Err(dtype) => return Err(DataError::Dtype { path, key, dtype }),
        };
        if columns == 0 {
            let expected = "[n, m] with at least one column".to_owned();
            return Err(DataError::Shape { path, key, shape, expected });
        }
        let state = match file.metadata() {
            Ok(metadata) => (metadata.len(), metadata.modified().ok()),
            Err(error) => return Err(DataError::Unreadable { path, reason: error.to_string() }),
        };
        let file = keep.then(|| Mutex::new(file));
        let content = Content::File { file, state, start, number, unit, order };
        Ok(Self { path, key, format, rows, columns, image, content })
    }

    /// The name of its type of numbers, where it is read as it is needed.
    pub fn dtype(&self) -> Option<&'static str> {
        match &self.content {
            Content::File { number, .. } => Some(number.name()),
            Content::Memory(_) => None,
        }
    }

    /// Appends some rows, every entry finite.
    pub fn append(&self, range: Range<usize>, values: &mut Vec<f64>) -> Result<(), DataError> {
        let from = values.len();
        match &self.content {
            Content::Memory(matrix) => values.extend(matrix.slice(s![range.clone(), ..])),
            Content::File { file, state, start, number, unit, order } => {
                let mut read = |file: &mut File| match order {
                    Order::C => self.append_rows((file, *start), *number, &range, values),
                    Order::Fortran => self.append_columns((file, *start), *number, &range, values),
                };
                let rows = match file {
                    Some(file) => read(&mut file.lock().unwrap_or_else(PoisonError::into_inner)),
                    None => self.reopened(*state).and_then(|mut file| read(&mut file)),
                };
                rows.map_err(|fault| fault.of_array(&self.path, self.format, &self.key))?;
                if *unit != 1.0 {
                    values[from..].iter_mut().for_each(|value| *value *= unit);
                }
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
    fn reopened(&self, state: State) -> Result<File, Fault> {
        let file = File::open(&self.path)?;
        let metadata = file.metadata()?;
        match (metadata.len(), metadata.modified().ok()) == state {
            true => Ok(file),
            false => Err("it has changed since it was looked at first".into()),
        }
    }

    fn append_rows(
        &self,
        (file, start): (&mut File, u64),
        number: Number,
        range: &Range<usize>,
        values: &mut Vec<f64>,
    ) -> Result<(), Fault> {
        let width = number.width();
        file.seek(SeekFrom::Start(start + (range.start * self.columns * width) as u64))?;
        let mut left = range.len() * self.columns * width;
        let mut buffer = [0; 1 << 16];
        while left > 0 {
            let piece = left.min(buffer.len());
            file.read_exact(&mut buffer[..piece])?;
            number.append(&buffer[..piece], values);
            left -= piece;
        }
        Ok(())
    }

    /// Where each column is kept together, a piece of each.
    fn append_columns(
        &self,
        (file, start): (&mut File, u64),
        number: Number,
        range: &Range<usize>,
        values: &mut Vec<f64>,
    ) -> Result<(), Fault> {
        let (width, count, from) = (number.width(), range.len(), values.len());
        values.resize(from + count * self.columns, 0.0);
        let (mut bytes, mut piece) = (vec![0; count * width], Vec::with_capacity(count));
        for column in 0..self.columns {
            let entry = column * self.rows + range.start;
            file.seek(SeekFrom::Start(start + (entry * width) as u64))?;
            file.read_exact(&mut bytes)?;
            piece.clear();
            number.append(&bytes, &mut piece);
            let entries = values[from + column..].iter_mut().step_by(self.columns);
            entries.zip(&piece).for_each(|(entry, value)| *entry = *value);
        }
        Ok(())
    }
}

fn idx(path: &Path) -> Result<Found, DataError> {
    let unreadable = |error: std::io::Error| DataError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let mut file = BufReader::new(file);
    let found = header(&mut file).and_then(|shape| {
        let start = 4 + 4 * shape.len() as u64;
        match extent(&shape, 1) {
            Some((_, bytes)) if size.checked_sub(start) == Some(bytes) => Ok((shape, start)),
            _ => Err(Fault::from(format!(
                "it has too few or too many bytes for the shape {shape:?}"
            ))),
        }
    });
    let (shape, start) = found.map_err(|fault| fault.of_file(path, "IDX"))?;
    let (file, number, unit) = (file.into_inner(), Ok(Number::U8), 1.0 / 255.0);
    Ok(Found { format: "IDX", file, start, shape, number, unit, order: Order::C })
}
