//! The command line as a user types it.

mod adversary;
mod browser;
mod configs;
mod data_files;
mod encode;
mod encode_extremes;
mod errors;
mod golden;
mod gpu;
mod init;
mod interruption;
mod learning;
mod learning_resumed;
mod limits;
mod paths;
mod readme;
mod reports;
mod reproducibility;
mod signals;
mod support;
mod usage;
