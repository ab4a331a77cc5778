//! Steps of training: what they leave behind, and who takes them.

use unrolled::dictionary::quick_spectral_norm_squared;
use unrolled::tensors::to_array;

use super::batches::Batches;
use super::measure::Costly;
use super::on_device::DeviceTrainer;
use super::on_host::HostTrainer;
use super::plan::Plan;
use super::state::State;
use crate::Error;
use crate::config::Step;

/// The figures of one step.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    /// Which step, from 1 on.
    pub step: usize,
    /// Time since the run began, over all resumptions.
    pub seconds: f64,
    /// The loss that is descended, on this step's batch.
    pub loss: f64,
    /// Reconstruction on this step's batch.
    pub reconstruction: f64,
    /// Mean ‖z_T − z*‖ on this step's batch.
    pub code_error: Option<f64>,
    /// After the step.
    pub dictionary_error: Option<f64>,
    /// η.
    pub learning_rate: f64,
    /// Every `measure_every` steps.
    pub costly: Option<Costly>,
    /// What the user should know.
    pub warning: Option<String>,
}

/// Who takes the steps of a run.
pub(super) trait Trainer {
    /// Takes one step or several and adds a row for each; it stops wherever the host has to look at the
    /// state. On an error the state is that after the last row.
    fn advance(&mut self, state: &mut State, rows: &mut Vec<Row>) -> Result<(), Error>;
}

/// The trainer for a plan's device.
pub(super) fn trainer<'a>(plan: &'a Plan<'a>, threads: usize) -> Box<dyn Trainer + 'a> {
    match plan.run.config.is_on_cpu() {
        true => Box::new(HostTrainer::new(plan, threads)),
        false => Box::new(DeviceTrainer::new(plan)),
    }
}

/// Steps of training between two automatic steps of the encoder: D moves little in between, and the
/// range of ISTA is twice as wide as the step asks for.
pub(super) const AUTO_STEP_EVERY: usize = 10;

/// Takes the encoder's automatic step anew before training step `step`, where it is due.
pub(super) fn renew_encoder_step(plan: &Plan, state: &mut State, step: usize) {
    let encoder = &plan.run.config.encoder;
    if encoder.step == Step::Auto && (step - 1).is_multiple_of(AUTO_STEP_EVERY) {
        let norm = quick_spectral_norm_squared(&to_array(&state.dictionary.value));
        state.encoder_step = encoder.step_for(norm);
    }
}

/// Why training stopped at a step: `what` is the loss or the gradient, `first` an example of its batch.
pub(super) fn not_finite(plan: &Plan, what: &str, step: usize, first: usize) -> Error {
    let epoch = Batches::epoch_of(step, plan.training, plan.batch);
    Error::NotFinite(format!(
        "run `{}`: {what} is not finite at step {step} (epoch {epoch}, the batch that begins with \
         example {first}); the state before that step is kept; a smaller learning rate or encoder step \
         keeps it finite",
        plan.run.name
    ))
}
