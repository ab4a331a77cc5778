//! What a task-driven run will do, checked.

use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use ndarray::Array2;
use unrolled::gradient::Estimator;
use unrolled::network::Batch;
use unrolled::prelude::Precision;
use unrolled::tensors::to_tensor;

use super::config::Sections;
use super::data::{Prepared, Shelf};
use super::lesson::Driven;
use super::{Network, estimator};
use crate::Error;
use crate::check::Estimate;
use crate::config::{Config, Run};
use crate::training::{Coding, CodingSections, Lesson, Training};

/// A run that can begin.
pub(super) struct Plan<'a> {
    pub run: &'a Run,
    shelf: Arc<Shelf>,
    pub coding: Coding<'a>,
    pub estimator: Box<dyn Estimator<Network>>,
}

impl<'a> Plan<'a> {
    /// Reads the data and checks all that depends on them.
    pub fn new(run: &'a Run, shelf: Arc<Shelf>) -> Result<Self, Error> {
        let config = &run.config;
        let Sections { dictionary, encoder, task, train, optimizer, .. } = config.sections();
        config.open_device()?;
        let Prepared { data, start, training, .. } = shelf.prepared(config)?;
        config.check_range(&data)?;
        let estimator = estimator::build(&train.estimator, task.loss())
            .map_err(|message| Error::at("train.estimator", message))?;
        let start = dictionary.build(&start, data.image, Precision::Float64, &Device::flex());
        let coding = Coding::new(
            config,
            CodingSections { dictionary, encoder, train, optimizer },
            &start,
            [data.examples(), training],
            estimator.differentiates_encoder(),
        )?;
        Ok(Self { run, shelf, coding, estimator })
    }

    pub fn config(&self) -> &'a Config {
        &self.run.config
    }

    pub fn sections(&self) -> &'a Sections {
        self.run.config.sections()
    }

    /// The lesson, with its data.
    pub fn lesson(&self, threads: usize) -> Result<Driven<'_>, Error> {
        Ok(Driven::new(self, self.shelf.prepared(self.config())?, threads))
    }

    /// How the lesson is trained.
    pub fn training<'p>(&'p self, lesson: &'p Driven<'p>) -> Training<'p, Driven<'p>> {
        self.coding.training(self.run, lesson, lesson.prepared.fingerprint)
    }

    /// A matrix in the run's precision on its device.
    pub fn tensor(&self, array: &Array2<f64>) -> Tensor<2> {
        to_tensor(array, self.config().precision, &self.coding.device)
    }

    /// Examples as a network takes them.
    pub fn batch(
        &self,
        x: &Array2<f64>,
        target: Option<&Array2<f64>>,
        label: &Array2<f64>,
    ) -> Batch {
        Batch::new(self.tensor(x))
            .with_target(target.map(|target| self.tensor(target)))
            .with_label(Some(self.tensor(label)))
    }

    /// Adds what the run will take.
    pub fn estimate(&self, threads: usize, estimate: &mut Estimate) -> Result<(), Error> {
        let lesson = self.lesson(threads)?;
        let network = lesson.start().0;
        let rows = lesson.source().rows(1, 0..self.coding.block)?;
        let label = rows.label.as_ref().expect("every example has a label");
        let batch = self.batch(&rows.x, rows.target.as_ref(), label);
        self.coding.estimate(&self.run.name, threads, estimate, &mut || {
            let _ = self.estimator.estimate_batch(&network, &batch);
        });
        Ok(())
    }
}
