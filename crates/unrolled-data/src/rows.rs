//! The rows of a matrix in a file, a block at a time: for data larger than memory.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use ndarray::{Array2, s};
use safetensors::Dtype;
use safetensors::tensor::Metadata;

use crate::arrays::numbers;
use crate::{DataError, read_matrix};

/// A matrix that is read by blocks of rows. A .safetensors file is never read as a whole; other formats
/// are.
#[derive(Debug)]
pub struct Rows {
    path: PathBuf,
    key: String,
    shape: [usize; 2],
    source: Source,
}

#[derive(Debug)]
enum Source {
    File { file: File, start: u64, dtype: Dtype },
    Memory(Array2<f64>),
}

impl Rows {
    /// Opens a matrix of a .safetensors, .npz or .pt file.
    pub fn open(path: &Path, key: &str) -> Result<Self, DataError> {
        if path.extension().is_some_and(|extension| extension == "safetensors") {
            return Self::open_safetensors(path, key);
        }
        let matrix = read_matrix(path, key)?;
        let (path, key, shape) =
            (path.to_owned(), key.to_owned(), [matrix.nrows(), matrix.ncols()]);
        Ok(Self { path, key, shape, source: Source::Memory(matrix) })
    }

    fn open_safetensors(path: &Path, key: &str) -> Result<Self, DataError> {
        let (path, key) = (path.to_owned(), key.to_owned());
        let unreadable = |error: std::io::Error| DataError::Unreadable {
            path: path.clone(),
            reason: error.to_string(),
        };
        let malformed = |reason: String| DataError::Malformed {
            path: path.clone(),
            format: "safetensors",
            reason,
        };
        let mut file = File::open(&path).map_err(unreadable)?;
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(unreadable)?;
        let length = u64::from_le_bytes(length);
        let size = file.metadata().map_err(unreadable)?.len();
        if length > size.min(100_000_000) {
            return Err(malformed("its header is longer than the file".to_owned()));
        }
        let mut header = Vec::new();
        file.by_ref().take(length).read_to_end(&mut header).map_err(unreadable)?;
        let metadata: Metadata =
            serde_json::from_slice(&header).map_err(|error| malformed(error.to_string()))?;
        let tensors = metadata.tensors();
        let Some(info) = tensors.get(&key) else {
            let held: Vec<_> = tensors.keys().map(|name| format!("`{name}`")).collect();
            return Err(DataError::Missing { path, key, held: held.join(", ") });
        };
        if ![Dtype::F32, Dtype::F64].contains(&info.dtype) {
            return Err(DataError::Dtype { path, key, dtype: format!("{:?}", info.dtype) });
        }
        let [rows, columns] = info.shape[..] else {
            let (shape, expected) = (info.shape.clone(), "[n, m]".to_owned());
            return Err(DataError::Shape { path, key, shape, expected });
        };
        let start = 8 + length + info.data_offsets.0 as u64;
        if 8 + length + info.data_offsets.1 as u64 > size {
            return Err(malformed("it is cut short".to_owned()));
        }
        let source = Source::File { file, start, dtype: info.dtype };
        Ok(Self { path, key, shape: [rows, columns], source })
    }

    /// n and m.
    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// Rows `from..to`, every entry finite.
    pub fn read(&mut self, from: usize, to: usize) -> Result<Array2<f64>, DataError> {
        let [_, columns] = self.shape;
        let (path, key) = (self.path.clone(), self.key.clone());
        let rows = match &mut self.source {
            Source::Memory(matrix) => matrix.slice(s![from..to, ..]).to_owned(),
            Source::File { file, start, dtype } => {
                let width = if *dtype == Dtype::F64 { 8 } else { 4 };
                let mut bytes = vec![0; (to - from) * columns * width];
                let offset = *start + (from * columns * width) as u64;
                file.seek(SeekFrom::Start(offset))
                    .and_then(|_| file.read_exact(&mut bytes))
                    .map_err(|error| DataError::Unreadable {
                        path: path.clone(),
                        reason: error.to_string(),
                    })?;
                let values = match width {
                    8 => numbers(&bytes, f64::from_le_bytes),
                    _ => numbers(&bytes, |b| f32::from_le_bytes(b).into()),
                };
                Array2::from_shape_vec((to - from, columns), values)
                    .expect("as many values were read as the shape says")
            }
        };
        match rows.indexed_iter().find(|(_, value)| !value.is_finite()) {
            None => Ok(rows),
            Some(((row, column), value)) => {
                Err(DataError::NotFinite { path, key, value: *value, row: from + row, column })
            }
        }
    }
}
