//! Dictionaries driven by a task: what codes are for decides about the atoms.
//!
//! J. Mairal, F. Bach, J. Ponce, *Task-driven dictionary learning*, IEEE TPAMI 2012. A [`TaskDriven`] network codes
//! examples and hands the codes to a [`LinearTask`]; a [`TaskLoss`] mixes what the task loses with the reconstruction. Any
//! estimator takes its gradient: [`crate::gradient::GImplicit`] and [`crate::gradient::GTruncated`] hold any loss. A task of
//! your own is a closure, see `examples/own_training_loop.rs`.

mod linear;
mod loss;
mod network;

pub use linear::{LinearTask, TaskKind};
pub use loss::TaskLoss;
pub use network::TaskDriven;
