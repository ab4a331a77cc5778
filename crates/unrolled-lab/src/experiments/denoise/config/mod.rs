//! The sections of an experiment on images.

mod data;
mod encoder;
mod measurement;

pub use data::{ImagesConfig, Noise, Remove};
pub use encoder::{ImageEncoderConfig, Untied};
pub use measurement::MeasurementConfig;

use serde::Serialize;
use unrolled::prelude::Denoiser;

use crate::config::{FiltersConfig, OptimizerConfig, Problems, Reader, TrainConfig};

/// All that `denoise` reads beside the common keys.
#[derive(Clone, Debug, Serialize)]
pub struct Sections {
    pub data: ImagesConfig,
    pub dictionary: FiltersConfig,
    pub encoder: ImageEncoderConfig,
    pub measurement: MeasurementConfig,
    pub train: ImageTrainConfig,
    pub optimizer: OptimizerConfig,
}

/// `[train]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImageTrainConfig {
    /// "clean" or "noisy".
    target: &'static str,
    #[serde(flatten)]
    pub train: TrainConfig,
}

const TARGETS: [&str; 2] = ["clean", "noisy"];

impl ImageTrainConfig {
    fn read(mut reader: Reader) -> Self {
        let problems = reader.problems();
        let target = TARGETS[reader.choice("target", &TARGETS)];
        let train = TrainConfig::read_with_steps(reader, 0);
        problems.require(train.validation == 0.0, "train.validation", || {
            "`train.validation` is a fraction of rows; name images to validate on with `data.validation`"
                .to_owned()
        });
        problems.require(train.keeps_dead_atoms(), "train.dead_atoms", || {
            "`train.dead_atoms` is not for filters yet; remove it".to_owned()
        });
        problems.require(train.batch_count().is_some(), "train.batch_size", || {
            "`train.batch_size` is \"full\", but crops are drawn without end; write a number"
                .to_owned()
        });
        Self { target, train }
    }

    /// Whether reconstructions are held against clean images.
    pub fn against_clean(&self) -> bool {
        self.target == "clean"
    }
}

impl Sections {
    /// Reads them and checks what concerns several.
    pub fn read(reader: &mut Reader) -> Self {
        let sections = Self {
            data: ImagesConfig::read(reader.table("data")),
            dictionary: FiltersConfig::read(reader.table("dictionary")),
            encoder: ImageEncoderConfig::read(reader.table("encoder")),
            measurement: MeasurementConfig::read(reader.table("measurement")),
            train: ImageTrainConfig::read(reader.table("train")),
            optimizer: OptimizerConfig::read(reader.table("optimizer")),
        };
        sections.check(reader.problems());
        sections
    }

    fn check(&self, problems: &Problems) {
        let Self { data, dictionary, encoder, measurement, train, .. } = self;
        train.train.check_estimator::<Denoiser>(&encoder.encoder, problems);
        let trains = train.train.steps != Some(0);
        problems.require(!trains || !data.train.is_empty(), "data", || {
            "`data.train` is missing; name a folder of images, or set `train.steps = 0` to evaluate alone"
                .to_owned()
        });
        let [height, width] = dictionary.size;
        problems.require(data.crop == 0 || data.crop >= height.max(width), "data.crop", || {
            format!(
                "`data.crop` is {}, smaller than a filter of {height} × {width}; write {} or more",
                data.crop,
                height.max(width)
            )
        });
        problems.require(encoder.split == 1 || measurement.is_all(), "encoder.split", || {
            "`encoder.split` averages shifted copies of images that are measured all; remove it, or `[measurement]`"
                .to_owned()
        });
        problems.require(measurement.is_all() || data.remove == Remove::Nothing, "data.remove", || {
            "`data.remove` takes from images what a `[measurement]` does not know; write \"nothing\"".to_owned()
        });
        problems.require(measurement.is_all() || train.against_clean(), "train.target", || {
            "`train.target` is \"noisy\", which does not say what is missing from a measurement; write \"clean\""
                .to_owned()
        });
        problems.require(encoder.untied == Untied::No || !encoder.encoder.is_solved(), "encoder.untied", || {
            "`encoder.untied` is of iterations, and `kind = \"solved\"` has a problem to solve in place of them; write \
             false, or kind = \"ista\""
                .to_owned()
        });
        let gradient_of_pairs =
            !["g_dec", "g_noodl", "g_implicit"].contains(&train.train.estimator.name());
        problems.require(encoder.untied == Untied::No || gradient_of_pairs, "train.estimator", || {
            format!(
                "`train.estimator` is \"{}\", which has no gradient for the filters of the iterations; choose \
                 \"g_ae_ls\" or \"g_ae_lasso\", or `encoder.untied = false`",
                train.train.estimator.name()
            )
        });
    }
}
