//! The sections of a learning run.

use serde::Serialize;

use super::Network;
use crate::config::{
    DataConfig, DictionaryConfig, EncoderConfig, OptimizerConfig, Reader, TrainConfig,
};

/// All that `learn-dictionary` reads beside the common keys.
#[derive(Debug, Serialize)]
pub struct Sections {
    pub data: DataConfig,
    pub dictionary: DictionaryConfig,
    pub encoder: EncoderConfig,
    pub train: TrainConfig,
    pub optimizer: OptimizerConfig,
}

impl Sections {
    pub fn read(reader: &mut Reader) -> Self {
        Self::read_with_steps(reader, 1)
    }

    /// As [`Self::read`], where so many steps are the least that make sense.
    pub fn read_with_steps(reader: &mut Reader, least: usize) -> Self {
        let sections = Self {
            data: DataConfig::read(reader.table("data")),
            dictionary: DictionaryConfig::read(reader.table("dictionary")),
            encoder: EncoderConfig::read(reader.table("encoder")),
            train: TrainConfig::read_with_steps(reader.table("train"), least),
            optimizer: OptimizerConfig::read(reader.table("optimizer")),
        };
        sections.encoder.prox.check_without_noise(reader.problems());
        let resamples = !sections.train.keeps_dead_atoms();
        let filters = sections.dictionary.is_convolutional();
        reader.problems().require(!(filters && resamples), "train.dead_atoms", || {
            "`train.dead_atoms` replaces atoms by examples, which filters are not; remove it"
                .to_owned()
        });
        sections.train.check_estimator::<Network>(&sections.encoder, reader.problems());
        sections
    }
}
