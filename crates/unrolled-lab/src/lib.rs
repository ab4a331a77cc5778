//! Experiments for [`unrolled`] from a TOML file: configuration, runs, progress, report.
//!
//! The command line is a thin layer over this crate: [`Configuration`] reads and checks,
//! [`experiment::named`] finds what to run, [`RunDirectory`] holds the files, [`report`] draws them.

mod check;
pub mod compare;
pub mod config;
pub mod devices;
pub mod encode;
mod error;
pub mod experiment;
mod files;
mod fit;
pub mod init;
pub mod learn;
pub mod memory;
pub mod progress;
pub mod report;
mod run_directory;
pub mod self_test;
mod statistics;
mod workers;

/// The version of Burn that the workspace pins.
pub const BURN_VERSION: &str = "0.22.1";

pub use check::{Estimate, describe};
pub use config::{Configuration, Overrides};
pub use error::Error;
pub use run_directory::{Existing, RunDirectory};
