//! What can go wrong, in one sentence with the remedy.

use std::path::{Path, PathBuf};

/// Why a command ended without its result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Problems of a configuration, one sentence each.
    #[error("{}", .0.join("\n"))]
    Config(Vec<String>),
    /// A problem with the key at a path, not yet located in a file.
    #[error("{message}")]
    At {
        /// The dotted key.
        path: String,
        /// What is wrong, and the remedy.
        message: String,
    },
    /// A device that is not there.
    #[error("{0}")]
    Device(String),
    /// A device that failed while it was at work.
    #[error("{0}")]
    DeviceLost(String),
    /// A run directory that cannot be used.
    #[error("{0}")]
    RunDirectory(String),
    /// A file that could not be written or read.
    #[error("{path}: {reason}; {remedy}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A computation left the range of finite numbers.
    #[error("{0}")]
    NotFinite(String),
    /// Data that could not be read any more while a run was at work.
    #[error("{0}")]
    Data(String),
    /// A check of the device failed.
    #[error("{0}")]
    SelfTest(String),
    /// A duality gap that was asked for and not reached; the codes are written all the same.
    #[error("{0}")]
    GapNotReached(String),
    /// Ctrl-C or SIGTERM.
    #[error("{0}")]
    Interrupted(String),
}

impl Error {
    /// A problem with a key.
    pub fn at(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::At { path: path.into(), message: message.into() }
    }

    /// A file that could not be written.
    pub fn writing(path: &Path, error: &std::io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            reason: format!("cannot be written ({error})"),
            remedy: "check the permissions and the free space",
        }
    }

    /// A file that could not be read.
    pub fn reading(path: &Path, error: &dyn std::fmt::Display) -> Self {
        Self::Io {
            path: path.to_owned(),
            reason: format!("cannot be read ({error})"),
            remedy: "check that it is a run directory of this version",
        }
    }

    /// A file of a run directory that does not hold what a run writes.
    pub fn damaged(path: &Path, what: &dyn std::fmt::Display) -> Self {
        let (shown, what) = (path.display().to_string(), what.to_string());
        // Some messages begin with the file.
        let what = what.strip_prefix(&shown).unwrap_or(&what).trim_start_matches([':', ' ']);
        Self::RunDirectory(format!(
            "{shown}: is damaged ({what}); do the run again with `unrolled run … --overwrite`"
        ))
    }

    /// The exit status: 1 for a failure while running, 2 for input that cannot be used, 3 for codes that were written
    /// but did not reach the gap asked for, 130 for an interruption.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Config(_) | Self::At { .. } => 2,
            Self::Device(_) | Self::RunDirectory(_) => 2,
            Self::Io { .. } | Self::NotFinite(_) | Self::SelfTest(_) | Self::DeviceLost(_) => 1,
            Self::Data(_) => 1,
            Self::GapNotReached(_) => 3,
            Self::Interrupted(_) => 130,
        }
    }
}
