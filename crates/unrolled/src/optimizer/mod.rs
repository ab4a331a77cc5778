//! Optimisers, as implementations of Burn's [`Optimizer`].
//!
//! Burn's own keep their constants in float32 and scale Adam's epsilon another way; these keep them in
//! float64 and follow PyTorch's conventions, so that published runs can be repeated digit by digit.
//! Each takes one tensor at a time and works under Burn's `ModuleOptimizer` too.
//!
//! Two know that what they move are atoms: [`Online`] and [`Preconditioned`] are told beside the gradient what they ask for
//! of the codes, in [`AnyOptimizer::step_of_atoms`].

mod adam;
mod atoms;
mod filters;
mod online;
mod preconditioned;
mod schedule;
mod sgd;

pub use adam::Adam;
pub use atoms::{Atoms, OfAtoms};
pub use filters::Filters;
pub use online::{Online, Surrogate};
pub use preconditioned::Preconditioned;
pub use schedule::Schedule;
pub use sgd::Sgd;

use burn::optim::{Optimizer, RecordState, StateSink, StateSource};
use burn::tensor::{Device, Tensor};

/// What an optimiser remembers of one parameter.
#[derive(Clone, Debug)]
pub struct Moments<const D: usize> {
    /// Steps taken.
    pub time: usize,
    /// Running averages, each of the parameter's shape; of an optimiser of atoms, of its own.
    pub averages: Vec<Tensor<D>>,
}

impl<const D: usize> Moments<D> {
    fn zeros(count: usize, like: &Tensor<D>) -> Self {
        Self { time: 0, averages: vec![like.zeros_like(); count] }
    }

    fn moved_to(mut self, device: &Device) -> Self {
        self.averages = self.averages.into_iter().map(|a| a.to_device(device)).collect();
        self
    }
}

impl<const D: usize> RecordState for Moments<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        out.push_scalar(prefix, "time", self.time.into());
        for (index, average) in self.averages.iter().enumerate() {
            out.push_tensor(prefix, &format!("averages.{index}"), average.to_data());
        }
    }

    fn state_unflatten(prefix: &str, src: &mut StateSource, device: &Device) -> Option<Self> {
        let time = src.take_scalar(prefix, "time")?.try_into().ok()?;
        let take = |index| src.take_tensor(prefix, &format!("averages.{index}"));
        let averages = (0..)
            .map_while(take)
            .map(|data| {
                let dtype = data.dtype();
                Tensor::from_data(data, (device, dtype))
            })
            .collect();
        Some(Self { time, averages })
    }
}

/// Every optimiser that a configuration can name.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyOptimizer {
    /// See [`Adam`].
    Adam(Adam),
    /// See [`Sgd`].
    Sgd(Sgd),
    /// See [`Online`].
    Online(Online),
    /// See [`Preconditioned`].
    Preconditioned(Preconditioned),
}

impl AnyOptimizer {
    /// How many numbers there are in each of the running averages that it keeps of a parameter of so many, `atoms` where it
    /// holds them.
    pub fn averages(&self, entries: usize, atoms: Option<&Atoms>) -> Vec<usize> {
        match (self, atoms) {
            (Self::Adam(_), _) => vec![entries; Adam::AVERAGES],
            (Self::Sgd(sgd), _) => vec![entries; sgd.averages()],
            (Self::Online(_), Some(atoms)) => vec![atoms.products(), entries],
            (Self::Preconditioned(_), Some(atoms)) => vec![atoms.count()],
            (Self::Online(_) | Self::Preconditioned(_), None) => Vec::new(),
        }
    }
}

impl Optimizer for AnyOptimizer {
    type State<const D: usize> = Moments<D>;

    fn step<const D: usize>(
        &self,
        rate: f64,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Moments<D>>,
    ) -> (Tensor<D>, Option<Moments<D>>) {
        match self {
            Self::Adam(adam) => adam.step(rate, parameter, gradient, state),
            Self::Sgd(sgd) => sgd.step(rate, parameter, gradient, state),
            Self::Online(_) | Self::Preconditioned(_) => {
                Sgd::default().step(rate, parameter, gradient, state)
            }
        }
    }

    fn to_device<const D: usize>(state: Moments<D>, device: &Device) -> Moments<D> {
        state.moved_to(device)
    }
}
