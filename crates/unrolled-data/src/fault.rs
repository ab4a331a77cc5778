//! What a reader finds wrong, before it is said of which file.

use std::path::Path;

use crate::DataError;

/// What a reader finds wrong.
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
