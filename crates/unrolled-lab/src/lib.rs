//! Experiments for [`unrolled`] from a TOML file: configuration, runs, progress, report.
//!
//! The command line is a thin layer over this crate: [`EXPERIMENTS`] reads and checks a configuration, plans and
//! runs it and draws its report; [`RunDirectory`] holds the files.

pub mod arrays;
mod check;
pub mod config;
pub mod devices;
pub mod encode;
mod error;
pub mod experiment;
mod experiments;
pub mod explanation;
mod figure_files;
mod files;
pub mod gallery;
mod linear_model;
mod lock;
pub mod memory;
mod memory_plan;
mod principal;
pub mod progress;
pub mod report;
pub mod restore;
mod run_directory;
pub mod self_test;
mod statistics;
pub mod training;
pub mod words;
mod workers;

/// The version of Burn that the workspace pins.
pub const BURN_VERSION: &str = "0.22.1";

pub use check::{Estimate, describe};
pub use config::{Configuration, Overrides};
pub use error::Error;
pub use experiments::EXPERIMENTS;
pub use run_directory::{Existing, RunDirectory, results};
