//! α of an encoder whose dictionary is trained.

use serde::{Deserialize, Serialize};
use unrolled::dictionary::AnyDictionary;
use unrolled::encoder::{AnyEncoder, Encoder};
use unrolled::metrics::frobenius;
use unrolled::tensors::{is_on_cpu, to_array};

use crate::config::{EncoderConfig, Step};

/// Steps of training between two automatic steps of the encoder, at most: D moves little in between, and the range of
/// ISTA is twice as wide as the step asks for. Where D moves more, the step is taken anew before it could diverge.
const EVERY: usize = 10;

/// The step of the encoder, and what must be known to take it anew as D moves.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EncoderStep {
    /// α: the configuration's, or taken anew as D moves.
    pub encoder_step: f64,
    /// ‖D‖² when it was taken last, and how far D has moved since: ‖D‖ has grown by that much at most.
    norm_squared: f64,
    moved: f64,
    /// Whether the user knows that the encoder's step has become too large.
    warned_of_step: bool,
}

/// Whether α is taken anew as D moves. A matrix's codes that are solved for by coordinates have none, unless a gradient goes
/// through iterations from there.
fn follows(config: &EncoderConfig, dictionary: &AnyDictionary, through: bool) -> bool {
    let on_cpu = matches!(dictionary, AnyDictionary::Dense(dense) if is_on_cpu(&dense.matrix.val().device()));
    config.step == Step::Auto && (through || !(on_cpu && config.is_by_coordinates()))
}

impl EncoderStep {
    /// Before the first step of training.
    pub fn new(encoder_step: f64) -> Self {
        Self { encoder_step, norm_squared: 0.0, moved: 0.0, warned_of_step: false }
    }

    /// Takes an automatic step anew where it is time to, before a step of training, counted from 1; `through`: whether
    /// gradients go through the encoder.
    pub fn follow(
        &mut self,
        config: &EncoderConfig,
        encoder: &AnyEncoder,
        dictionary: &AnyDictionary,
        (step, through): (usize, bool),
    ) {
        if !follows(config, dictionary, through) {
            return;
        }
        let bound = (self.norm_squared.sqrt() + self.moved).powi(2);
        let diverges = self.encoder_step > encoder.step_limits(bound).refuse_above;
        if diverges || (step - 1).is_multiple_of(EVERY) {
            let norm = dictionary.norm_squared(true);
            self.encoder_step = config.step_for(norm);
            (self.norm_squared, self.moved) = (norm, 0.0);
        }
    }

    /// Notes that D has moved.
    pub fn moved(
        &mut self,
        config: &EncoderConfig,
        [before, after]: [&AnyDictionary; 2],
        through: bool,
    ) {
        if follows(config, after, through) {
            let [before, now] = [before, after].map(|dictionary| to_array(&dictionary.columns()));
            self.moved_by(after.norm_growth(frobenius(&(now - before))));
        }
    }

    /// Notes by how much ‖D‖ may have grown.
    pub fn moved_by(&mut self, growth: f64) {
        self.moved += growth;
    }

    /// Says once that the encoder's step has come beyond the range in which it converges.
    pub fn warning(
        &mut self,
        step: usize,
        encoder: &AnyEncoder,
        norm_squared: f64,
    ) -> Option<String> {
        let limit = encoder.step_limits(norm_squared).refuse_above;
        if self.encoder_step <= limit || self.warned_of_step {
            return None;
        }
        self.warned_of_step = true;
        Some(format!(
            "at step {step} the encoder's step {} has come beyond {limit:.4}, where it diverges for this \
             dictionary; choose a smaller one or \"auto\"",
            self.encoder_step
        ))
    }
}
