//! Gradient descent.

use burn::optim::Optimizer;
use burn::tensor::{Device, Tensor};

use super::Moments;

/// `v ← μ v + (g + w θ)`, `θ ← θ − η v`: plain gradient descent for momentum μ = 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sgd {
    /// μ.
    pub momentum: f64,
    /// w.
    pub weight_decay: f64,
}

impl Sgd {
    /// The velocity, where there is one.
    pub(super) fn averages(&self) -> usize {
        usize::from(self.momentum > 0.0)
    }
}

impl Optimizer for Sgd {
    type State<const D: usize> = Moments<D>;

    fn step<const D: usize>(
        &self,
        rate: f64,
        parameter: Tensor<D>,
        mut gradient: Tensor<D>,
        state: Option<Moments<D>>,
    ) -> (Tensor<D>, Option<Moments<D>>) {
        if self.weight_decay > 0.0 {
            gradient = gradient + parameter.clone().mul_scalar(self.weight_decay);
        }
        let mut state = state.unwrap_or_else(|| Moments::zeros(self.averages(), &parameter));
        state.time += 1;
        if let Some(velocity) = state.averages.pop() {
            gradient = velocity.mul_scalar(self.momentum) + gradient;
            state.averages.push(gradient.clone());
        }
        (parameter - gradient.mul_scalar(rate), Some(state))
    }

    fn to_device<const D: usize>(state: Moments<D>, device: &Device) -> Moments<D> {
        state.moved_to(device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensors::{Precision, to_values};

    #[test]
    fn momentum_accumulates() {
        let device = Device::flex();
        let tensor = |v: f64| Tensor::<1>::from_data([v], (&device, Precision::Float64.dtype()));
        let plain = Sgd::default().step(0.5, tensor(1.0), tensor(0.2), None).0;
        assert!((to_values(&plain)[0] - 0.9).abs() < 1e-15);
        let sgd = Sgd { momentum: 0.5, weight_decay: 0.0 };
        let (first, state) = sgd.step(1.0, tensor(0.0), tensor(1.0), None);
        let (second, _) = sgd.step(1.0, first, tensor(1.0), state);
        assert!((to_values(&second)[0] + 2.5).abs() < 1e-15);
    }
}
