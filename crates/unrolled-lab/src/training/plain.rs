//! What training a network without iterations comes to: a few products for each example.

use burn::tensor::Device;

use super::course::Course;
use super::lesson::Lesson;
use super::step::Training;
use crate::Error;
use crate::check::Estimate;
use crate::config::{Config, Run};

/// How such a network is trained on a device.
#[derive(Clone, Debug)]
pub struct Plain<'a> {
    /// Batches and steps.
    pub course: Course<'a>,
    /// The device, ready.
    pub device: Device,
    config: &'a Config,
    /// m and p.
    sizes: [usize; 2],
    /// Examples in a block of a step.
    pub block: usize,
    /// Whether a block is spread over the threads by itself.
    spreads_blocks: bool,
}

/// A block with fewer numbers than this in its codes and examples together is not worth another thread.
const LEAST: usize = 1 << 17;

impl<'a> Plain<'a> {
    /// Of m features and p codes; `spreads_blocks`: whether a block is spread over the threads by itself.
    pub fn new(
        config: &'a Config,
        course: Course<'a>,
        [m, p]: [usize; 2],
        spreads_blocks: bool,
    ) -> Result<Self, Error> {
        let device = config.open_device()?.device;
        let batch = course.batch;
        // Never a matter of threads.
        let block = match config.is_on_cpu() && !spreads_blocks {
            true => (LEAST / (m + p)).max(batch.div_ceil(2).min(4096)).clamp(1, batch),
            false => batch,
        };
        Ok(Self { course, device, config, sizes: [m, p], block, spreads_blocks })
    }

    /// How a lesson is trained so.
    pub fn training<'p, L: Lesson>(
        &'p self,
        run: &'p Run,
        lesson: &'p L,
        fingerprint: u32,
    ) -> Training<'p, L> {
        Training {
            name: &run.name,
            lesson,
            config: self.config,
            device: self.device.clone(),
            train: self.course.train,
            optimizer: self.course.optimizer,
            identity: run.identity(fingerprint),
            steps: self.course.steps,
            block: self.block,
            spreads_blocks: self.spreads_blocks,
        }
    }

    /// Adds what the run will take with so many bytes of data; `probe` takes the gradient of one block.
    pub fn estimate(
        &self,
        threads: usize,
        data: u64,
        estimate: &mut Estimate,
        probe: &mut dyn FnMut(),
    ) {
        let [m, p] = self.sizes;
        let Course { batch, steps, .. } = self.course;
        let blocks = batch.div_ceil(self.block);
        let workers = if self.spreads_blocks { 1 } else { threads.min(blocks) };
        let of_block = 8 * self.config.precision.bytes() * self.block * (m + p);
        let of_network = 80 * m * p;
        match self.config.is_on_cpu() {
            true => estimate.include(data + (workers * of_block + of_network) as u64, None),
            false => estimate.include(data, Some((of_block + of_network) as u64)),
        }
        estimate.batch = Some([batch, self.block]);
        estimate.operations += 12.0 * (m * p * batch) as f64 * steps as f64;
        let mut seconds = 0.0;
        for _ in 0..2 {
            let started = std::time::Instant::now();
            probe();
            // A failure shows when the run begins.
            let _ = self.device.sync();
            seconds = started.elapsed().as_secs_f64();
        }
        estimate.seconds += seconds * blocks.div_ceil(workers) as f64 * steps as f64;
    }
}
