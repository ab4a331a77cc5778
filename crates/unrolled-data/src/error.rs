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
    /// A folder without images.
    #[error("{folder}: has no .png, .jpg or .jpeg file; name a folder that has some, or one image")]
    NoImageFiles {
        /// The folder.
        folder: PathBuf,
    },
    /// A file that should be an image.
    #[error(
        "{path}: is neither a PNG nor a JPEG ({content}), whatever its ending; convert it to one \
         of them"
    )]
    NotPngOrJpeg {
        /// The file.
        path: PathBuf,
        /// What it is.
        content: &'static str,
    },
    /// An image with colours that are not read.
    #[error("{path}: has {colours}; convert it to grey or RGB with 8 bits a channel, or to a PNG")]
    Colours {
        /// The file.
        path: PathBuf,
        /// "CMYK colours".
        colours: String,
    },
    /// An image that shows what is behind it.
    #[error(
        "{path}: has an alpha channel that is not opaque everywhere; lay the image on a \
         background and write it without alpha"
    )]
    Translucent {
        /// The file.
        path: PathBuf,
    },
    /// An image of more pixels than are read.
    #[error(
        "{path}: has {width} × {height} pixels, more than the 268435456 that are read; cut it \
         into smaller images"
    )]
    TooManyPixels {
        /// The file.
        path: PathBuf,
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
    /// An array that should be an image.
    #[error(
        "an array is not an image ({reason}); give finite numbers of the shape [1 or 3, height, \
         width]"
    )]
    NotAnImage {
        /// What is wrong.
        reason: String,
    },
    /// The name has neither of the endings that are understood.
    #[error(
        "{0}: only .safetensors, .npy, .npz, .pt and .pth files are read; convert the data to one of them"
    )]
    UnknownFormat(PathBuf),
    /// The file is not what its ending says.
    #[error("{path}: is not a valid {format} file ({reason}); write it again")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// "safetensors", "npy", "npz", "PyTorch", "IDX", "PNG" or "JPEG".
        format: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// An array, or images, for which there is no memory.
    #[error(
        "{path}: {what} would take {:.1} GB of memory, more than is free; write fewer \
         rows or a smaller image, or use a machine with more memory",
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
    /// A folder or a pattern without rows.
    #[error(
        "{path}: {what}; name a file, a folder or a pattern of .npy, .safetensors or IDX files"
    )]
    NoShards {
        /// The folder or the pattern.
        path: PathBuf,
        /// What of it.
        what: String,
    },
    /// Shards of which some are missing.
    #[error(
        "{mark}: some shards are missing; encode again with --overwrite, or remove that file to take those that are there"
    )]
    Incomplete {
        /// The file that says so.
        mark: PathBuf,
    },
    /// Files that do not go together.
    #[error("{path}: {difference}")]
    Shards {
        /// The file.
        path: PathBuf,
        /// "`X` has 3 columns, but that of a.npy has 4; …".
        difference: String,
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
    #[error("{path}: `{key}` holds {dtype}; save it as float16, bfloat16, float32 or float64")]
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
         give a finite number there or, if the row is an example, leave it out"
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
