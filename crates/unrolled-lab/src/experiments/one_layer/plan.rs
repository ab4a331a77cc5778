//! What a run will do, checked.

use std::sync::Arc;

use burn::tensor::Tensor;
use ndarray::Array2;
use unrolled::network::Batch;
use unrolled::one_layer::Rule;
use unrolled::prelude::Precision;
use unrolled::tensors::to_tensor;

use super::config::Sections;
use super::data::Shelf;
use super::lesson::Learning;
use crate::Error;
use crate::check::Estimate;
use crate::config::{Config, Run};
use crate::training::{Course, Lesson, Plain, host_bytes};

/// A run that can begin.
pub(super) struct Plan<'a> {
    pub run: &'a Run,
    shelf: Arc<Shelf>,
    pub plain: Plain<'a>,
    pub rule: Rule,
}

impl<'a> Plan<'a> {
    /// Reads or draws the data and checks all that depends on them.
    pub fn new(run: &'a Run, shelf: Arc<Shelf>) -> Result<Self, Error> {
        let config = &run.config;
        let sections: &Sections = config.sections();
        let Sections { data, layer, train, optimizer } = sections;
        config.open_device()?;
        if let Some(sizes) = data.data.sizes() {
            // What cannot be held is refused before it is drawn.
            let bytes = host_bytes(sizes, sizes[1] * sizes[2]);
            Estimate { bytes, ..Estimate::default() }.affordable()?;
        }
        if layer.rounding().is_some() && !config.is_on_cpu() {
            return Err(Error::at(
                "layer.rounding",
                "`layer.rounding` is computed on the CPU alone; write `device = \"flex\"`",
            ));
        }
        let prepared = shelf.prepared(config)?;
        config.check_range(&prepared.data)?;
        let examples = match data.fresh() {
            // There is no end of them.
            Some(_) => train.batch(prepared.data.examples()).max(prepared.data.examples()),
            None => prepared.data.examples(),
        };
        let course = Course::new(train, optimizer, examples)?;
        let (units, features) = prepared.weight.dim();
        let plain = Plain::new(config, course, [features, units], false)?;
        Ok(Self { run, shelf, plain, rule: sections.rule() })
    }

    pub fn config(&self) -> &'a Config {
        &self.run.config
    }

    pub fn sections(&self) -> &'a Sections {
        self.run.config.sections()
    }

    /// The lesson, with its data.
    pub fn lesson(&self) -> Result<Learning<'_>, Error> {
        Ok(Learning::new(self, self.shelf.prepared(self.config())?))
    }

    /// A matrix in the run's precision on its device.
    pub fn tensor(&self, array: &Array2<f64>) -> Tensor<2> {
        to_tensor(array, self.config().precision, &self.plain.device)
    }

    /// A matrix to judge with: in float32 where training was of fewer digits.
    pub fn judging(&self, array: &Array2<f64>) -> Tensor<2> {
        let rounded = self.sections().layer.rounding().is_some();
        let precision = if rounded { Precision::Float32 } else { self.config().precision };
        to_tensor(array, precision, &self.plain.device)
    }

    /// Adds what the run will take.
    pub fn estimate(&self, threads: usize, estimate: &mut Estimate) -> Result<(), Error> {
        let lesson = self.lesson()?;
        let network = lesson.start().0;
        let (units, features) = lesson.prepared.weight.dim();
        let data = host_bytes([lesson.prepared.data.examples(), features, units], features * units);
        let rows = lesson.source().rows(1, 0..self.plain.block)?;
        self.plain.estimate(threads, data, estimate, &mut || {
            let _ = lesson.estimator().estimate_batch(&network, &Batch::new(self.tensor(&rows.x)));
        });
        Ok(())
    }
}
