//! Named arrays in a file.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use ndarray::Array2;

use crate::DataError;
use crate::fault::Fault;
use crate::npy_file::NpyFile;
use crate::npz::NpzFile;
use crate::numbers::Number;
use crate::pytorch::PytorchFile;
use crate::safetensors::SafetensorsFile;

/// The arrays of a file, by name.
pub type Arrays = BTreeMap<String, Array>;

/// An array as it lies in a file: float64 values in row-major order, or the name of a type that is
/// not read.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values, or what it holds instead of floats.
    pub values: Result<Vec<f64>, String>,
}

/// What the array of an .npy file, which has no name, is called; it answers to any.
const NPY_KEY: &str = "X";

/// Which types of numbers an array may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kinds {
    /// Floats.
    Floats,
    /// Integers too.
    Numbers,
}

impl Kinds {
    /// A type, where it is among them; else its name.
    pub fn take(self, number: Number, name: impl FnOnce() -> String) -> Result<Number, String> {
        let taken = self == Self::Numbers || number.is_float();
        if taken { Ok(number) } else { Err(name()) }
    }
}

/// Rows, as an array of two dimensions or of images has them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shaped {
    pub rows: usize,
    pub columns: usize,
    /// Channels, height and width of a row, where it is an image.
    pub image: Option<[usize; 3]>,
}

/// Of `[n, m]`, or of images `[n, channels, height, width]`.
pub(crate) fn shaped(shape: &[usize]) -> Option<Shaped> {
    match *shape {
        [rows, columns] => Some(Shaped { rows, columns, image: None }),
        [rows, channels, height, width] => {
            let columns = channels.saturating_mul(height).saturating_mul(width);
            Some(Shaped { rows, columns, image: Some([channels, height, width]) })
        }
        _ => None,
    }
}

/// Reads every array of a .safetensors, .npy, .npz, .pt or .pth file.
pub fn read_arrays(path: &Path) -> Result<Arrays, DataError> {
    let mut file = ArrayFile::open(path)?;
    file.names().into_iter().map(|name| Ok((name.clone(), file.array(&name)?))).collect()
}

/// An open file of arrays. Only what is asked for is read.
#[derive(Debug)]
pub(crate) struct ArrayFile {
    path: PathBuf,
    /// The format's.
    pub name: &'static str,
    pub format: Format,
}

#[derive(Debug)]
pub(crate) enum Format {
    Safetensors(SafetensorsFile),
    Npy(NpyFile),
    Npz(NpzFile),
    Pytorch(PytorchFile),
}

impl Format {
    /// The format's name, and the open file.
    fn open(path: &Path, file: File) -> Option<(&'static str, Result<Self, Fault>)> {
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
        match extension.to_ascii_lowercase().as_str() {
            "safetensors" => {
                Some(("safetensors", SafetensorsFile::open(file).map(Self::Safetensors)))
            }
            "npy" => Some(("npy", NpyFile::open(file).map(Self::Npy))),
            "npz" => Some(("npz", NpzFile::open(file).map(Self::Npz))),
            "pt" | "pth" => Some(("PyTorch", PytorchFile::open(path, file).map(Self::Pytorch))),
            _ => None,
        }
    }
}

impl ArrayFile {
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let unreadable = |reason| DataError::Unreadable { path: path.to_owned(), reason };
        let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
        if path.is_dir() {
            return Err(unreadable("it is a folder".to_owned()));
        }
        let Some((name, format)) = Format::open(path, file) else {
            return Err(DataError::UnknownFormat(path.to_owned()));
        };
        let format = format.map_err(|fault| fault.of_file(path, name))?;
        Ok(Self { path: path.to_owned(), name, format })
    }

    /// The names of the arrays.
    pub fn names(&self) -> Vec<String> {
        match &self.format {
            Format::Safetensors(file) => file.names(),
            Format::Npy(_) => vec![NPY_KEY.to_owned()],
            Format::Npz(file) => file.names(),
            Format::Pytorch(file) => file.names(),
        }
    }

    /// Reads one array of floats.
    pub fn array(&mut self, key: &str) -> Result<Array, DataError> {
        self.array_of(key, Kinds::Floats)
    }

    /// Reads one array.
    fn array_of(&mut self, key: &str, kinds: Kinds) -> Result<Array, DataError> {
        let array = match &mut self.format {
            Format::Safetensors(file) => file.read(key, kinds),
            Format::Npy(file) => file.read(kinds).map(Some),
            Format::Npz(file) => file.read(key, kinds),
            Format::Pytorch(file) => file.read(key, kinds),
        };
        array
            .map_err(|fault| fault.of_array(&self.path, self.name, key))?
            .ok_or_else(|| DataError::missing(&self.path, key, self.names()))
    }

    /// Reads one array and checks every entry: its shape and its values.
    pub fn floats(&mut self, key: &str) -> Result<(Vec<usize>, Vec<f64>), DataError> {
        let array = self.array(key)?;
        checked(&self.path, key.to_owned(), array)
    }

    /// Reads examples as rows, and the channels, the height and the width of each where they are images
    /// `[n, channels, height, width]`.
    pub fn rows(&mut self, key: &str) -> Result<(Array2<f64>, Option<[usize; 3]>), DataError> {
        let array = self.array(key)?;
        let found = shaped(&array.shape);
        let image = found.and_then(|found| found.image);
        let shape = found.map_or(array.shape, |found| vec![found.rows, found.columns]);
        let expected = "[n, m], or images [n, channels, height, width]";
        let x = self.as_matrix(key, Array { shape, values: array.values }, expected)?;
        Ok((x, image))
    }

    /// Reads one matrix and checks every entry. `expected` says its shape in words, `[n, m]`, for the
    /// message.
    pub fn matrix(&mut self, key: &str, expected: &str) -> Result<Array2<f64>, DataError> {
        let array = self.array(key)?;
        self.as_matrix(key, array, expected)
    }

    /// Reads labels of examples, floats or integers: `[n]`, which is `[n, 1]`, or `[n, k]`.
    pub fn labels(&mut self, key: &str) -> Result<Array2<f64>, DataError> {
        let array = self.array_of(key, Kinds::Numbers)?;
        let shape = match array.shape[..] {
            [n] => vec![n, 1],
            _ => array.shape,
        };
        self.as_matrix(key, Array { shape, ..array }, "[n] or [n, k], a row for each example")
    }

    fn as_matrix(&self, key: &str, array: Array, expected: &str) -> Result<Array2<f64>, DataError> {
        let (path, name) = (self.path.clone(), key.to_owned());
        let [rows, columns] = array.shape[..] else {
            if let Err(dtype) = array.values {
                return Err(DataError::Dtype { path, key: name, dtype });
            }
            let (shape, expected) = (array.shape, expected.to_owned());
            return Err(DataError::Shape { path, key: name, shape, expected });
        };
        let (_, values) = checked(&path, name, array)?;
        Array2::from_shape_vec((rows, columns), values).map_err(|error| DataError::Malformed {
            path,
            format: self.name,
            reason: error.to_string(),
        })
    }
}

/// The shape and the values of an array whose entries are finite floats.
fn checked(
    path: &Path,
    key: String,
    Array { shape, values }: Array,
) -> Result<(Vec<usize>, Vec<f64>), DataError> {
    let path = path.to_owned();
    let values = match values {
        Ok(values) => values,
        Err(dtype) => return Err(DataError::Dtype { path, key, dtype }),
    };
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok((shape, values)),
        Some(index) => {
            let columns = shape.last().copied().unwrap_or(1).max(1);
            let (row, column) = (index / columns, index % columns);
            Err(DataError::NotFinite { path, key, value: values[index], row, column })
        }
    }
}
