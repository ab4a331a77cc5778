//! Adam and AdamW.

use burn::optim::Optimizer;
use burn::tensor::{Device, Tensor};

use super::Moments;

/// Adam (Kingma and Ba, 2015), with PyTorch's epsilon: with `m = β₁ m + (1 − β₁) g`,
/// `v = β₂ v + (1 − β₂) g²`, step `k = 1, 2, …` and rate η,
///
/// `θ ← θ − η · (m / (1 − β₁ᵏ)) / (√(v / (1 − β₂ᵏ)) + ε)`.
///
/// Decoupled weight decay (AdamW; Loshchilov and Hutter, 2019) first takes `θ ← (1 − η w) θ`; otherwise
/// the decay is added to the gradient, `g ← g + w θ`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// β₁.
    pub beta_1: f64,
    /// β₂.
    pub beta_2: f64,
    /// ε.
    pub epsilon: f64,
    /// w.
    pub weight_decay: f64,
    /// Whether the decay is decoupled.
    pub decoupled: bool,
}

impl Default for Adam {
    fn default() -> Self {
        Self { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, weight_decay: 0.0, decoupled: false }
    }
}

impl Adam {
    /// Of the gradient and of its square.
    pub(super) const AVERAGES: usize = 2;
}

impl Optimizer for Adam {
    type State<const D: usize> = Moments<D>;

    fn step<const D: usize>(
        &self,
        rate: f64,
        mut parameter: Tensor<D>,
        mut gradient: Tensor<D>,
        state: Option<Moments<D>>,
    ) -> (Tensor<D>, Option<Moments<D>>) {
        if self.weight_decay > 0.0 {
            match self.decoupled {
                true => parameter = parameter.mul_scalar(1.0 - rate * self.weight_decay),
                false => {
                    gradient = gradient + parameter.clone().mul_scalar(self.weight_decay);
                }
            }
        }
        let mut state = state.unwrap_or_else(|| Moments::zeros(Self::AVERAGES, &parameter));
        state.time += 1;
        let [second, first] = [state.averages.pop(), state.averages.pop()];
        let (first, second) = first.zip(second).expect("Adam keeps two averages");
        let first = first.mul_scalar(self.beta_1) + gradient.clone().mul_scalar(1.0 - self.beta_1);
        let second = second.mul_scalar(self.beta_2)
            + gradient.clone().mul(gradient).mul_scalar(1.0 - self.beta_2);
        let power = |beta: f64| 1.0 - libm::pow(beta, state.time as f64);
        let denominator = second
            .clone()
            .sqrt()
            .mul_scalar(1.0 / power(self.beta_2).sqrt())
            .add_scalar(self.epsilon);
        let delta = first.clone().mul_scalar(rate / power(self.beta_1)).div(denominator);
        state.averages = vec![first, second];
        (parameter - delta, Some(state))
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
    fn the_steps_are_those_of_the_definition() {
        let device = Device::flex();
        let tensor = |v: f64| Tensor::<1>::from_data([v], (&device, Precision::Float64.dtype()));
        let adam = Adam { epsilon: 1e-3, ..Adam::default() };
        let (mut theta, mut state) = (tensor(1.0), None);
        let (mut expected, mut m, mut v) = (1.0f64, 0.0, 0.0);
        for k in 1..=20 {
            let g = 0.3 * expected - 0.1 * k as f64;
            (theta, state) = adam.step(0.01, theta, tensor(g), state);
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g * g;
            let m_hat = m / (1.0 - 0.9f64.powi(k));
            let v_hat: f64 = v / (1.0 - 0.999f64.powi(k));
            expected -= 0.01 * m_hat / (v_hat.sqrt() + 1e-3);
            assert!((to_values(&theta)[0] - expected).abs() < 1e-13, "step {k}");
        }
    }

    #[test]
    fn decay_is_added_to_the_gradient_or_decoupled() {
        let device = Device::flex();
        let tensor = |v: f64| Tensor::<1>::from_data([v], (&device, Precision::Float64.dtype()));
        let decayed = |decoupled| {
            let adam = Adam { weight_decay: 0.5, decoupled, ..Adam::default() };
            to_values(&adam.step(0.1, tensor(2.0), tensor(0.0), None).0)[0]
        };
        assert!((decayed(true) - 1.9).abs() < 1e-12);
        // The first step of Adam has length η whatever the gradient.
        assert!((decayed(false) - 1.9).abs() < 1e-6);
    }
}
