//! Where the matrix of a file lies, in every format.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use ndarray::Array2;
use npyz::Order;

use super::matrix::Matrix;
use crate::DataError;
use crate::arrays::{ArrayFile, Format, Kinds, Shaped, shaped};
use crate::idx;
use crate::numbers::Number;
use crate::safetensors::number;

/// What a file holds.
pub(super) struct Located {
    /// The format's name.
    pub format: &'static str,
    /// Channels, height and width of a row, where the file says that rows are images.
    pub image: Option<[usize; 3]>,
    pub content: Held,
}

/// Where it holds it.
pub(super) enum Held {
    InFile(File, Matrix),
    /// Of a packed file, all of it.
    InMemory(Array2<f64>),
}

/// An array in a file, before it is known to be a matrix.
struct Found {
    format: &'static str,
    file: File,
    start: u64,
    shape: Vec<usize>,
    number: Result<Number, String>,
    order: Order,
}

/// Whether a file's name is one of a format of which rows are read as they are needed.
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

/// Finds the array of this name, which has rows and columns.
pub(super) fn locate(path: &Path, key: &str) -> Result<Located, DataError> {
    if is_idx(path) && !path.is_dir() {
        return of_bytes(path, key);
    }
    let mut file = ArrayFile::open(path)?;
    let found = match file.format {
        Format::Safetensors(file) => {
            let Some(info) = file.info(key).cloned() else {
                return Err(DataError::missing(path, key, file.names()));
            };
            let (from, number) = (info.data_offsets.0 as u64, number(info.dtype, Kinds::Floats));
            let ((file, start), shape) = (file.into_parts(), info.shape);
            let (format, order) = ("safetensors", Order::C);
            Found { format, file, start: start + from, shape, number, order }
        }
        Format::Npy(array) if array.header.order == Order::C || array.header.shape.len() == 2 => {
            let header = &array.header;
            let number = header.number.clone();
            let number =
                number.and_then(|number| Kinds::Floats.take(number, || header.name.clone()));
            let (start, shape, order) = (header.length, header.shape.clone(), header.order);
            Found { format: "npy", file: array.into_file(), start, shape, number, order }
        }
        _ => {
            let (matrix, image) = file.rows(key)?;
            return Ok(Located { format: file.name, image, content: Held::InMemory(matrix) });
        }
    };
    let wrong = |expected: &str| DataError::Shape {
        path: path.to_owned(),
        key: key.to_owned(),
        shape: found.shape.clone(),
        expected: expected.to_owned(),
    };
    let Some(Shaped { rows, columns, image }) = shaped(&found.shape) else {
        return Err(wrong("[n, m], or images [n, channels, height, width]"));
    };
    let number = match found.number {
        Ok(number) => number,
        Err(dtype) => {
            let (path, key) = (path.to_owned(), key.to_owned());
            return Err(DataError::Dtype { path, key, dtype });
        }
    };
    if columns == 0 {
        return Err(wrong("[n, m] with at least one column"));
    }
    let (start, order) = (found.start, found.order);
    let matrix = Matrix { start, rows, columns, number, unit: 1.0, order };
    Ok(Located { format: found.format, image, content: Held::InFile(found.file, matrix) })
}

/// Of an IDX file: a byte b is b/255.
fn of_bytes(path: &Path, key: &str) -> Result<Located, DataError> {
    let unreadable = |error: std::io::Error| DataError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let mut file = BufReader::new(file);
    let located = idx::locate(&mut file, size);
    let (shape, start) = located.map_err(|fault| fault.of_file(path, "IDX"))?;
    let (rows, columns, image) = match shape[..] {
        [rows, columns] => (rows, columns, None),
        [rows, height, width] => (rows, height * width, Some([1, height, width])),
        _ => {
            let (path, key) = (path.to_owned(), key.to_owned());
            let expected = "[n, m], or images [n, height, width]".to_owned();
            return Err(DataError::Shape { path, key, shape, expected });
        }
    };
    let (number, unit, order) = (Number::U8, 1.0 / 255.0, Order::C);
    let matrix = Matrix { start, rows, columns, number, unit, order };
    Ok(Located { format: "IDX", image, content: Held::InFile(file.into_inner(), matrix) })
}
