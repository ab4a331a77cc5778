//! The command line as a user types it.

mod adversary;
mod attributor;
mod browser;
mod configs;
mod convolutional;
mod data_files;
mod denoise;
mod disk;
mod encode;
mod encode_extremes;
mod errors;
mod explain;
mod gallery;
mod golden;
mod gpu;
mod implicit;
mod init;
mod interruption;
mod kills;
mod learning;
mod learning_resumed;
mod limits;
mod one_layer;
mod online;
mod paths;
mod readme;
mod reports;
mod reproducibility;
#[path = "../same_run.rs"]
mod same_run;
mod signals;
mod streaming;
mod support;
mod task;
mod theory;
mod usage;
