//! The command line as a user types it.

mod adversary;
mod browser;
mod configs;
mod encode;
mod encode_extremes;
mod errors;
mod golden;
mod gpu;
mod interruption;
mod learning;
mod learning_resumed;
mod readme;
mod reproducibility;
mod support;
mod usage;
