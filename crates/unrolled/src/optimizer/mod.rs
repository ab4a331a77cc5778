//! Optimisers, as implementations of Burn's [`Optimizer`].
//!
//! Burn's own keep their constants in float32 and scale Adam's epsilon another way; these keep them in
//! float64 and follow PyTorch's conventions, so that published runs can be repeated digit by digit.
//! Each takes one tensor at a time and works under Burn's `ModuleOptimizer` too.

mod adam;
mod schedule;
mod sgd;

pub use adam::Adam;
pub use schedule::Schedule;
pub use sgd::Sgd;

use burn::optim::{Optimizer, RecordState, StateSink, StateSource};
use burn::tensor::{Device, Tensor};

/// What an optimiser remembers of one parameter.
#[derive(Clone, Debug)]
pub struct Moments<const D: usize> {
    /// Steps taken.
    pub time: usize,
    /// Running averages, each of the parameter's shape.
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
}

impl AnyOptimizer {
    /// How many running averages it keeps of a parameter.
    pub fn averages(&self) -> usize {
        match self {
            Self::Adam(_) => Adam::AVERAGES,
            Self::Sgd(sgd) => sgd.averages(),
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
        }
    }

    fn to_device<const D: usize>(state: Moments<D>, device: &Device) -> Moments<D> {
        state.moved_to(device)
    }
}
