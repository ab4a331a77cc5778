//! The rows of a matrix in a file, a block at a time: for data larger than memory.

use std::path::{Path, PathBuf};

use ndarray::{Array2, s};

use crate::DataError;
use crate::arrays::{ArrayFile, Format, Kinds};
use crate::numbers::Number;
use crate::safetensors::{SafetensorsFile, number};

/// A matrix that is read by blocks of rows. A .safetensors file is never read as a whole; the matrix
/// of another format is.
#[derive(Debug)]
pub struct Rows {
    path: PathBuf,
    key: String,
    shape: [usize; 2],
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// The matrix begins at `offset` among the arrays.
    File {
        file: SafetensorsFile,
        offset: u64,
        number: Number,
    },
    Memory(Array2<f64>),
}

impl Rows {
    /// Opens a matrix of a .safetensors, .npz or .pt file.
    pub fn open(path: &Path, key: &str) -> Result<Self, DataError> {
        let mut file = ArrayFile::open(path)?;
        let (path, key) = (path.to_owned(), key.to_owned());
        let Format::Safetensors(file) = file.format else {
            let matrix = file.matrix(&key, "[n, m]")?;
            let shape = [matrix.nrows(), matrix.ncols()];
            return Ok(Self { path, key, shape, source: Source::Memory(matrix) });
        };
        let Some(info) = file.info(&key).cloned() else {
            return Err(DataError::missing(&path, &key, file.names()));
        };
        let number = match number(info.dtype, Kinds::Floats) {
            Ok(number) => number,
            Err(dtype) => return Err(DataError::Dtype { path, key, dtype }),
        };
        let [rows, columns] = info.shape[..] else {
            let expected = "[n, m]".to_owned();
            return Err(DataError::Shape { path, key, shape: info.shape, expected });
        };
        let source = Source::File { file, offset: info.data_offsets.0 as u64, number };
        Ok(Self { path, key, shape: [rows, columns], source })
    }

    /// n and m.
    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// Rows `from..to`, every entry finite.
    pub fn read(&mut self, from: usize, to: usize) -> Result<Array2<f64>, DataError> {
        let [_, columns] = self.shape;
        let rows = match &mut self.source {
            Source::Memory(matrix) => matrix.slice(s![from..to, ..]).to_owned(),
            Source::File { file, offset, number } => {
                let offset = *offset + (from * columns * number.width()) as u64;
                let values = file.numbers(offset, *number, (to - from) * columns);
                let rows = values.and_then(|values| {
                    let rows = Array2::from_shape_vec((to - from, columns), values);
                    rows.map_err(|error| error.to_string().into())
                });
                rows.map_err(|fault| fault.of_array(&self.path, "safetensors", &self.key))?
            }
        };
        match rows.indexed_iter().find(|(_, value)| !value.is_finite()) {
            None => Ok(rows),
            Some(((row, column), value)) => {
                let (path, key) = (self.path.clone(), self.key.clone());
                Err(DataError::NotFinite { path, key, value: *value, row: from + row, column })
            }
        }
    }
}
