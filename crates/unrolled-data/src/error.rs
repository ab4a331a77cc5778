//! What can be wrong with data, each in one sentence with its remedy.

use std::path::PathBuf;

/// A data file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The file cannot be read at all.
    #[error("{path}: cannot be read ({reason}); check the path and its permissions")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// No IDX files in a folder.
    #[error(
        "{folder}: has neither {name} nor {name}.gz; get the four files of MNIST (from \
         yann.lecun.com/exdb/mnist or a mirror) or of Fashion-MNIST (Debian package \
         dataset-fashion-mnist) and name their folder"
    )]
    NoImages {
        /// The folder.
        folder: PathBuf,
        /// The file.
        name: String,
    },
    /// A class that no image has.
    #[error("{path}: no image has class {class}; choose among the classes that are there")]
    UnknownClass {
        /// The file of labels.
        path: PathBuf,
        /// The class.
        class: u8,
    },
    /// The name has neither of the endings that are understood.
    #[error(
        "{0}: only .safetensors, .npz, .pt and .pth files are read; convert the data to one of them"
    )]
    UnknownFormat(PathBuf),
    /// The file is not what its ending says.
    #[error("{path}: is not a valid {format} file ({reason}); write it again")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// "safetensors" or "npz".
        format: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// An array is missing.
    #[error("{path}: has no array `{key}`; it holds {held}; name the right one")]
    Missing {
        /// The file.
        path: PathBuf,
        /// The array asked for.
        key: String,
        /// The arrays that are there.
        held: String,
    },
    /// An array is not a matrix.
    #[error("{path}: `{key}` has shape {shape:?}; expected a matrix {expected}")]
    Shape {
        /// The file.
        path: PathBuf,
        /// The array.
        key: String,
        /// Its shape.
        shape: Vec<usize>,
        /// What it should be.
        expected: String,
    },
    /// An array has numbers of a kind that is not read.
    #[error("{path}: `{key}` holds {dtype}; save it as float32 or float64")]
    Dtype {
        /// The file.
        path: PathBuf,
        /// The array.
        key: String,
        /// What it holds.
        dtype: String,
    },
    /// An array has an entry that is not a finite number.
    #[error(
        "{path}: `{key}` holds {value} at row {row}, column {column} (counted from 0); \
         remove or replace such examples"
    )]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The array.
        key: String,
        /// The entry.
        value: f64,
        /// Its row.
        row: usize,
        /// Its column.
        column: usize,
    },
}
