//! What can be wrong with data, each in one sentence with its remedy.

use std::path::{Path, PathBuf};

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
        /// "safetensors", "npz", "PyTorch" or "IDX".
        format: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// An array, or images, for which there is no memory.
    #[error(
        "{path}: {what} would take {:.1} GB of memory, more than is free; write fewer \
         rows or use a machine with more memory",
        *.needed as f64 / 1e9
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// "`X`".
        what: String,
        /// Bytes.
        needed: u64,
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

impl DataError {
    /// There is no such array; these are there.
    pub(crate) fn missing(path: &Path, key: &str, mut names: Vec<String>) -> Self {
        names.sort();
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        let held = match names.is_empty() {
            true => "no arrays".to_owned(),
            false => names.join(", "),
        };
        Self::Missing { path: path.to_owned(), key: key.to_owned(), held }
    }
}

/// What a reader finds wrong, before it is said of which file.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The bytes are not those of the format.
    Malformed(String),
    /// There is no memory for so many bytes.
    TooLarge(u64),
}

impl Fault {
    /// Said of a file.
    pub fn of_file(self, path: &Path, format: &'static str) -> DataError {
        self.of(path, format, "the file".to_owned())
    }

    /// Said of an array in a file.
    pub fn of_array(self, path: &Path, format: &'static str, key: &str) -> DataError {
        let what = format!("`{key}`");
        match self {
            Self::Malformed(reason) => Self::Malformed(format!("{what}: {reason}")),
            too_large => too_large,
        }
        .of(path, format, what)
    }

    fn of(self, path: &Path, format: &'static str, what: String) -> DataError {
        let path = path.to_owned();
        match self {
            Self::Malformed(reason) => DataError::Malformed { path, format, reason },
            Self::TooLarge(needed) => DataError::TooLarge { path, what, needed },
        }
    }
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Self::Malformed(reason)
    }
}

impl From<&str> for Fault {
    fn from(reason: &str) -> Self {
        Self::Malformed(reason.to_owned())
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => "it is cut short".into(),
            _ => error.to_string().into(),
        }
    }
}
