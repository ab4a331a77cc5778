//! The command line as a user types it.

mod adversary;
mod browser;
mod configs;
mod disk;
mod encode;
mod errors;
mod golden;
mod gpu;
mod interruption;
mod kills;
mod learning;
mod learning_resumed;
mod readme;
mod reproducibility;
#[path = "../same_run.rs"]
mod same_run;
mod support;
mod usage;
