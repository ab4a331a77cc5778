//! What a run will do, checked.

use std::sync::Arc;

use burn::tensor::Tensor;
use ndarray::Array2;
use unrolled::dictionary::AnyDictionary;
use unrolled::network::Batch;
use unrolled::tensors::to_tensor;

use super::config::Sections;
use super::data::{Prepared, Shelf};
use super::lesson::Attributing;
use crate::Error;
use crate::check::Estimate;
use crate::config::{Config, Run};
use crate::training::{Course, Lesson, Plain, check_start, host_bytes, judge_step};

/// A run that can begin.
pub(super) struct Plan<'a> {
    pub run: &'a Run,
    shelf: Arc<Shelf>,
    pub plain: Plain<'a>,
    /// α of an encoder at the start, and what there is to say about it.
    pub step: f64,
    warning: Option<String>,
}

impl<'a> Plan<'a> {
    /// Reads or draws the data and checks all that depends on them.
    pub fn new(run: &'a Run, shelf: Arc<Shelf>) -> Result<Self, Error> {
        let config = &run.config;
        let Sections { encoder, attributor, train, optimizer, .. } = config.sections();
        config.open_device()?;
        let prepared = shelf.prepared(config)?;
        config.check_range(&prepared.data)?;
        let course = Course::new(train, optimizer, prepared.data.examples())?;
        let encodes = attributor.attribution().is_none();
        let kernels = encodes && encoder.uses_kernels(config.device_kind());
        let sizes = [prepared.data.features(), attributor.terms];
        let plain = Plain::new(config, course, sizes, kernels)?;
        let mut plan = Self { run, shelf, plain, step: 1.0, warning: None };
        if encodes {
            plan.check_encoder(&prepared)?;
        }
        Ok(plan)
    }

    /// Refuses an encoder that does not fit the dictionary it starts with.
    fn check_encoder(&mut self, prepared: &Prepared) -> Result<(), Error> {
        let encoder = &self.sections().encoder;
        encoder.check_device(self.config())?;
        encoder.prox.check_groups(self.sections().attributor.terms, false)?;
        let start = self.tensor(&prepared.dictionary);
        let start = AnyDictionary::Dense(unrolled::prelude::DenseDictionary::new(start));
        let norm = start.norm_squared(false);
        check_start(norm)?;
        self.step = encoder.step_for(norm);
        self.warning = judge_step(&self.encoder(self.step, 1, None), self.step, norm)?;
        Ok(())
    }

    pub fn config(&self) -> &'a Config {
        &self.run.config
    }

    pub fn sections(&self) -> &'a Sections {
        self.run.config.sections()
    }

    /// The lesson, with its data.
    pub fn lesson(&self) -> Result<Attributing<'_>, Error> {
        Ok(Attributing::new(self, self.shelf.prepared(self.config())?))
    }

    /// A matrix in the run's precision on its device.
    pub fn tensor(&self, array: &Array2<f64>) -> Tensor<2> {
        to_tensor(array, self.config().precision, &self.plain.device)
    }

    /// Adds what the run will take.
    pub fn estimate(&self, threads: usize, estimate: &mut Estimate) -> Result<(), Error> {
        let lesson = self.lesson()?;
        let network = lesson.start().0;
        let rows = lesson.source().rows(1, 0..self.plain.block)?;
        let batch = Batch::new(self.tensor(&rows.x));
        let (examples, terms) = (lesson.prepared.data.examples(), self.sections().attributor.terms);
        let features = lesson.prepared.data.features();
        let data = host_bytes([examples, features, 0], features * terms);
        self.plain.estimate(threads, data, estimate, &mut || {
            let _ = lesson.estimator().estimate_batch(&network, &batch);
        });
        estimate.warnings.extend(self.warning.iter().map(|warning| match self.run.name.as_str() {
            "main" => warning.clone(),
            name => format!("{name}: {warning}"),
        }));
        Ok(())
    }
}
