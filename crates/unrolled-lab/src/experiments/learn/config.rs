//! The sections of a learning run.

use serde::Serialize;

use super::Network;
use crate::config::{
    DataConfig, DictionaryConfig, EncoderConfig, OptimizerConfig, Problems, Reader, TrainConfig,
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
        let data = DataConfig::read(reader.table("data"));
        let dictionary = DictionaryConfig::read(reader.table("dictionary"));
        let encoder = EncoderConfig::read(reader.table("encoder"));
        let mut train = reader.table("train");
        let optimizer = OptimizerConfig::read_with_those_of_atoms(reader.table("optimizer"));
        if optimizer.is_online() {
            // The only one that it goes with.
            train.default_to("estimator", "g_dec");
        }
        let train = TrainConfig::read_with_objective(train, least);
        let sections = Self { data, dictionary, encoder, train, optimizer };
        sections.encoder.prox.check_without_noise(reader.problems());
        let resamples = !sections.train.keeps_dead_atoms();
        let filters = sections.dictionary.is_convolutional();
        reader.problems().require(!(filters && resamples), "train.dead_atoms", || {
            "`train.dead_atoms` replaces atoms by examples, which filters are not; remove it"
                .to_owned()
        });
        let measured = sections.train.objective_gap.is_some();
        reader.problems().require(!(filters && measured), "train.objective_gap", || {
            "`train.objective_gap` solves for the codes of a matrix, which filters are not; remove it"
                .to_owned()
        });
        let is_lasso = sections.encoder.fit.is_squared() && sections.encoder.prox.is_soft();
        reader.problems().require(!measured || is_lasso, "train.objective_gap", || {
            "`train.objective_gap` is of the lasso, least squares with the penalty of kind \"soft\", which `encoder.fit` \
             and `encoder.prox` are not; remove it"
                .to_owned()
        });
        let penalty = sections.encoder.prox.penalty();
        reader.problems().require(!measured || penalty > 0.0, "train.objective_gap", || {
            "`train.objective_gap` needs `encoder.prox.penalty` above 0; without λ there is no lasso".to_owned()
        });
        sections.check_online(reader.problems());
        sections.train.check_estimator::<Network>(&sections.encoder, reader.problems());
        sections
    }

    /// What the online optimiser asks for.
    fn check_online(&self, problems: &Problems) {
        let Self { dictionary, encoder, train, optimizer, .. } = self;
        if !optimizer.is_online() {
            return;
        }
        let estimator = train.estimator.name();
        problems.require(estimator == "g_dec", "train.estimator", || {
            format!(
                "`train.estimator` is \"{estimator}\", but `optimizer.kind = \"online\"` minimises over atoms with \
                 the codes held fixed; write \"g_dec\", or choose kind = \"preconditioned\""
            )
        });
        problems.require(encoder.fit.is_squared(), "encoder.fit", || {
            "`encoder.fit` is not \"squared\", but `optimizer.kind = \"online\"` is of least squares; remove it, or \
             choose \"adam\""
                .to_owned()
        });
        problems.require(!dictionary.ties_atoms(), "dictionary.constraint", || {
            "`dictionary.constraint` is \"unit-frobenius\", which ties the atoms together, but `optimizer.kind = \
             \"online\"` moves one at a time; write \"unit-sphere\", \"unit-ball\" or \"none\""
                .to_owned()
        });
        problems.require(train.clip_norm.is_none(), "train.clip_norm", || {
            "`train.clip_norm` bounds gradient steps, and `optimizer.kind = \"online\"` takes none; remove it".to_owned()
        });
    }
}
