//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Unrolled sparse coding and dictionary learning: experiments from a TOML file.
#[derive(Debug, Parser)]
#[command(name = "unrolled", version, propagate_version = true, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run an experiment and write its report
    Run {
        #[command(flatten)]
        experiment: ExperimentArguments,
        /// The folder of the run [default: runs/NAME]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Go on with the run in the folder
        #[arg(long, conflicts_with = "overwrite")]
        resume: bool,
        /// Delete the run in the folder first
        #[arg(long)]
        overwrite: bool,
        /// Print nothing but errors
        #[arg(long, short)]
        quiet: bool,
    },
    /// Validate a configuration; print it in full, and what it will take
    Check {
        #[command(flatten)]
        experiment: ExperimentArguments,
    },
    /// Draw the report of a run again; several folders make one report
    Report {
        /// Folders that `unrolled run` has written
        #[arg(required = true, value_name = "RUN_DIR")]
        directories: Vec<PathBuf>,
        /// Where to write it [default: RUN_DIR/report.html; report.html for several]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// List the devices; prove the gradients on one
    Devices {
        /// Check codes, every gradient and training on a device: by finite differences, and against the CPU
        #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "flex")]
        self_test: Option<String>,
    },
    /// Apply a dictionary to a data file and write the codes
    Encode(EncodeArguments),
    /// Take the noise out of images with a network that `denoise` has trained
    Denoise(DenoiseArguments),
    /// Say which training examples the dictionary of a run, and its reconstructions, are made of
    Explain(ExplainArguments),
    /// Run every configuration of a list at a small size; make a page of their pictures
    Gallery(GalleryArguments),
    /// Print a commented configuration to start from
    Init {
        /// The kind of experiment, as in compare-gradients
        experiment: String,
        /// A .safetensors, .npy, .npz or .pt file with examples as rows, a folder of .npy, .safetensors or IDX files, or
        /// a pattern of their names in quotes: the configuration is made for it
        #[arg(long, value_name = "FILE|FOLDER|PATTERN")]
        data: Option<PathBuf>,
        /// The array of the examples
        #[arg(long, value_name = "NAME", default_value = "X", requires = "data")]
        data_key: String,
    },
}

#[derive(Args, Debug)]
pub struct EncodeArguments {
    /// A folder that `unrolled run` has written, or a .safetensors, .npz or .pt file
    #[arg(long, value_name = "RUN_DIR|FILE")]
    pub dictionary: PathBuf,
    /// The run in the folder [default: main], or the array in the file [default: dictionary]
    #[arg(long, value_name = "NAME")]
    pub key: Option<String>,
    /// A .safetensors, .npy, .npz or .pt file with examples as rows, a folder of .npy, .safetensors or IDX files, or a
    /// pattern of their names in quotes
    #[arg(long, value_name = "FILE|FOLDER|PATTERN")]
    pub data: PathBuf,
    /// The array of the examples
    #[arg(long, value_name = "NAME", default_value = "X")]
    pub data_key: String,
    /// λ of the lasso
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    pub penalty: f64,
    /// Non-negative codes
    #[arg(long)]
    pub one_sided: bool,
    /// Stop after so many iterations
    #[arg(long, value_name = "T", default_value_t = 100, conflicts_with = "gap")]
    pub iterations: usize,
    /// Stop when every example's relative duality gap is at most this, as in 1e-4
    #[arg(long, value_name = "GAP", allow_hyphen_values = true)]
    pub gap: Option<f64>,
    /// Write index lists (indptr, indices, values) instead of a dense array
    #[arg(long)]
    pub sparse: bool,
    /// The .safetensors file to write; with --shard-rows a folder
    #[arg(long, value_name = "FILE|FOLDER")]
    pub out: PathBuf,
    /// Write files of so many rows each, codes-00000.safetensors and so on, into a folder
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub shard_rows: Option<u32>,
    /// Replace the file, or the shards, if they are there
    #[arg(long)]
    pub overwrite: bool,
    /// Threads of the CPU [default: all]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// The device
    #[arg(long, value_name = "NAME", default_value = "flex")]
    pub device: String,
    /// Print nothing but errors
    #[arg(long, short)]
    pub quiet: bool,
}

#[derive(Args, Debug)]
pub struct ExplainArguments {
    /// A folder that `unrolled run` has written with `experiment = "learn-dictionary"`
    #[arg(value_name = "RUN_DIR")]
    pub directory: PathBuf,
    /// The run in it, where there are several
    #[arg(long, value_name = "NAME")]
    pub run: Option<String>,
    /// Examples to show, counted from 0: MNIST's test images, else training examples
    #[arg(long, value_name = "I", num_args = 1.., default_values_t = [0, 1, 2])]
    pub example: Vec<usize>,
    /// ω of the ridge on the dictionary
    #[arg(long, value_name = "NUMBER", default_value_t = 0.05, allow_hyphen_values = true)]
    pub ridge: f64,
    /// Rounds of exact steps towards a stationary point, at most
    #[arg(long, value_name = "ROUNDS", default_value_t = 0)]
    pub polish: usize,
    /// The folder to write to [default: RUN_DIR/explain]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Delete the explanation in the folder first
    #[arg(long)]
    pub overwrite: bool,
    /// Threads of the CPU [default: all]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Print nothing but errors
    #[arg(long, short)]
    pub quiet: bool,
}

#[derive(Args, Debug)]
pub struct GalleryArguments {
    /// The list, as in configs/gallery.toml
    #[arg(value_name = "LIST.toml")]
    pub list: PathBuf,
    /// The page
    #[arg(long, value_name = "FILE", default_value = "gallery.html")]
    pub out: PathBuf,
    /// The folder of the runs
    #[arg(long, value_name = "DIR", default_value = "runs/gallery")]
    pub runs: PathBuf,
    /// Replace the runs that are in it
    #[arg(long)]
    pub overwrite: bool,
    /// Threads of the CPU [default: all]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Print nothing but errors
    #[arg(long, short)]
    pub quiet: bool,
}

#[derive(Args, Debug)]
pub struct DenoiseArguments {
    /// A folder that `unrolled run` has written with `experiment = "denoise"`, or its arrays.safetensors
    #[arg(long, value_name = "RUN_DIR|FILE")]
    pub model: PathBuf,
    /// The run in it, where there are several
    #[arg(long, value_name = "NAME")]
    pub run: Option<String>,
    /// The standard deviation of the noise, on 0–255 [default: estimated for each image]
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    pub noise: Option<f64>,
    /// PNG and JPEG files, and folders of them
    #[arg(required = true, value_name = "IMAGE")]
    pub images: Vec<PathBuf>,
    /// The folder to write to, a PNG for each image
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Replace the files that are there
    #[arg(long)]
    pub overwrite: bool,
    /// Cut images into parts of so many pixels on a side, without what they overlap
    #[arg(long, value_name = "PIXELS", hide = true, value_parser = clap::value_parser!(u32).range(1..))]
    pub tile: Option<u32>,
    /// Threads of the CPU [default: all]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// The device
    #[arg(long, value_name = "NAME", default_value = "flex")]
    pub device: String,
    /// Print nothing but errors
    #[arg(long, short)]
    pub quiet: bool,
}

#[derive(Args, Debug)]
pub struct ExperimentArguments {
    /// The configuration
    #[arg(value_name = "CONFIG.toml")]
    pub config: PathBuf,
    /// The device, as in flex or wgpu:1
    #[arg(long, value_name = "NAME")]
    pub device: Option<String>,
    /// Threads of the CPU [default: all]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Set a key, as in --set 'encoder.prox.penalty=0.1'; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}
