//! What a learning run will do, checked.

use std::sync::Arc;

use burn::tensor::Device;
use unrolled::gradient::Estimator;
use unrolled::network::Batch;
use unrolled::prelude::Precision;

use super::Network;
use super::config::Sections;
use super::data::{Prepared, Shelf};
use super::lesson::Learning;
use crate::Error;
use crate::check::Estimate;
use crate::config::{Config, Run};
use crate::training::{Coding, CodingSections, Lesson, Training, host_bytes};

/// A run that can begin.
pub(in crate::experiments) struct Plan<'a> {
    pub run: &'a Run,
    sections: &'a Sections,
    shelf: Arc<Shelf>,
    pub coding: Coding<'a>,
    pub estimator: Box<dyn Estimator<Network>>,
}

impl<'a> Plan<'a> {
    /// Reads or draws the data and checks all that depends on them.
    pub fn new(run: &'a Run, sections: &'a Sections, shelf: Arc<Shelf>) -> Result<Self, Error> {
        let config = &run.config;
        let Sections { data, dictionary, encoder, train, optimizer } = sections;
        config.open_device()?;
        if let Some(sizes) = data.sizes() {
            // What cannot be held is refused before it is drawn.
            let bytes = host_bytes(sizes, sizes[1] * sizes[2]);
            Estimate { bytes, ..Estimate::default() }.affordable()?;
        }
        let prepared = shelf.prepared(config, sections)?;
        let examples = prepared.examples();
        let Prepared { data, start, .. } = &prepared;
        let held_out = (train.validation * examples as f64).round() as usize;
        let training = examples - held_out;
        if training == 0 {
            let message = match examples {
                0 => "the data have no examples; give some".to_owned(),
                _ => format!(
                    "`train.validation` is {}, which leaves none of the {examples} examples to train on; write a \
                     smaller fraction",
                    train.validation
                ),
            };
            let at = if examples == 0 { "data" } else { "train.validation" };
            return Err(Error::at(at, message));
        }
        prepared.check_range(config)?;
        prepared.check_rows(sections)?;
        if train.objective_gap.is_some() && data.target.is_some() {
            let message = "`train.objective_gap` reconstructs the examples, and these data have a target to \
                           reconstruct instead; remove it";
            return Err(Error::at("train.objective_gap", message));
        }
        let estimator =
            train.estimator.build::<Network>().expect("the configuration names a known estimator");
        let start = dictionary.build(start, data.image, Precision::Float64, &Device::flex());
        let coding = Coding::new(
            config,
            CodingSections { dictionary, encoder, train, optimizer },
            &start,
            [prepared.held(train.batch(training)), training],
            estimator.differentiates_encoder(),
        )?;
        let coding = match data.true_codes {
            None => coding.without_true_codes(),
            Some(_) => coding,
        };
        Ok(Self { run, sections, shelf, coding, estimator })
    }

    pub fn config(&self) -> &'a Config {
        &self.run.config
    }

    pub fn sections(&self) -> &'a Sections {
        self.sections
    }

    /// The lesson, with its data.
    pub fn lesson(&self) -> Result<Learning<'_>, Error> {
        Ok(Learning::new(self, self.shelf.prepared(self.config(), self.sections)?))
    }

    /// How the lesson is trained.
    pub fn training<'p>(&'p self, lesson: &'p Learning<'p>) -> Training<'p, Learning<'p>> {
        self.coding.training(self.run, lesson, lesson.prepared.fingerprint)
    }

    /// Adds what the run will take.
    pub fn estimate(&self, threads: usize, estimate: &mut Estimate) -> Result<(), Error> {
        let lesson = self.lesson()?;
        let network = lesson.start().0;
        let rows = lesson.source().rows(1, 0..self.coding.block)?;
        let target = rows.target.as_ref().map(|target| self.tensor(target));
        let batch = Batch::new(self.tensor(&rows.x)).with_target(target);
        self.coding.estimate(&self.run.name, threads, estimate, &mut || {
            let _ = self.estimator.estimate_batch(&network, &batch);
        });
        Ok(())
    }
}
