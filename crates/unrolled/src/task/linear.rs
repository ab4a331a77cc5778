//! A linear model on codes.

use burn::module::{Module, Param};
use burn::tensor::activation::{log_sigmoid, log_softmax};
use burn::tensor::{Device, Tensor};

use crate::parameters::Network;
use crate::product::product;
use crate::tensors::{Precision, together};

/// What scores `s = z W + b` are held against, `y`; every loss is a mean over examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskKind {
    /// Two classes, y 0 or 1: `log(1 + eˢ) − y s`.
    Logistic,
    /// k classes, y a row of 0 and one 1: `−Σ y log softmax(s)`.
    Softmax,
    /// Values: `½‖s − y‖²`.
    Squared,
}

/// `s = z W + b` and its loss, with a ridge `½ ridge (‖W‖² + ‖b‖²)`.
#[derive(Module, Debug)]
pub struct LinearTask {
    /// W, `[q, k]`.
    pub weight: Param<Tensor<2>>,
    /// b, `[k]`.
    pub bias: Param<Tensor<1>>,
    /// The weight of the squares of W and b.
    pub ridge: f64,
    /// The loss.
    #[module(skip)]
    pub kind: TaskKind,
}

impl LinearTask {
    /// With W and b at 0, for codes of `width` numbers and `outputs` scores: 1 of [`TaskKind::Logistic`].
    pub fn new(
        kind: TaskKind,
        [width, outputs]: [usize; 2],
        ridge: f64,
        precision: Precision,
        device: &Device,
    ) -> Self {
        let target = (device, precision.dtype());
        Self {
            weight: Param::from_tensor(Tensor::zeros([width, outputs], target)),
            bias: Param::from_tensor(Tensor::zeros([outputs], target)),
            ridge,
            kind,
        }
    }

    /// `z W + b`, `[n, k]`, of codes `[n, q]`.
    pub fn scores(&self, codes: &Tensor<2>) -> Tensor<2> {
        let (codes, weight) = together(codes.clone(), self.weight.val());
        let [outputs] = self.bias.dims();
        let (scores, bias) = together(product(codes, weight), self.bias.val());
        scores.add(bias.reshape([1, outputs]))
    }

    /// The mean loss of scores against labels, both `[n, k]`, without the ridge; `[1]`.
    pub fn loss(&self, scores: Tensor<2>, labels: &Tensor<2>) -> Tensor<1> {
        let (scores, labels) = together(scores, labels.clone());
        let examples = scores.dims()[0] as f64;
        let sum = match self.kind {
            TaskKind::Logistic => {
                // log(1 + eˢ) = −log σ(−s), whose derivative is right at s = 0 too.
                let softplus = log_sigmoid(scores.clone().neg()).neg();
                softplus.sub(scores.mul(labels)).sum()
            }
            TaskKind::Softmax => log_softmax(scores, 1).mul(labels).sum().neg(),
            TaskKind::Squared => {
                let off = scores.sub(labels);
                off.clone().mul(off).sum().mul_scalar(0.5)
            }
        };
        sum.mul_scalar(1.0 / examples)
    }

    /// `½ ridge (‖W‖² + ‖b‖²)`, `[1]`.
    pub fn ridge(&self) -> Tensor<1> {
        let (weight, bias) = (self.weight.val(), self.bias.val());
        let squares = weight.clone().mul(weight).sum().add(bias.clone().mul(bias).sum());
        squares.mul_scalar(0.5 * self.ridge)
    }
}

impl Network for LinearTask {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensors::{to_scalar, to_values};

    /// Losses and their derivatives by the scores, at 0 and far from it.
    #[test]
    fn losses_and_slopes_are_those_of_the_equations() {
        let device = Device::flex();
        let task = |kind| LinearTask::new(kind, [2, 1], 0.0, Precision::Float64, &device);
        let tensor = |values: [[f64; 2]; 2]| {
            Tensor::<2>::from_data(values, (&device, Precision::Float64.dtype()))
        };
        let check = |kind, scores: [[f64; 2]; 2], labels, loss: f64, slopes: [f64; 4]| {
            let leaf = tensor(scores).autodiff().require_grad();
            let value = task(kind).loss(leaf.clone(), &tensor(labels));
            assert!((to_scalar(&value.clone().inner()) - loss).abs() < 1e-12, "{kind:?}");
            let found = to_values(&leaf.grad(&value.backward()).expect("a slope"));
            let near = found.iter().zip(slopes).all(|(a, b)| (a - b).abs() < 1e-12);
            assert!(near, "{kind:?}: {found:?} where it should be {slopes:?}");
        };
        let ln2 = 2f64.ln();
        let logistic = TaskKind::Logistic;
        check(logistic, [[0.0; 2]; 2], [[1.0, 0.0]; 2], 2.0 * ln2, [-0.25, 0.25, -0.25, 0.25]);
        check(logistic, [[800.0, -800.0]; 2], [[1.0, 0.0]; 2], 0.0, [0.0; 4]);
        check(
            logistic,
            [[-800.0, 0.0]; 2],
            [[1.0, 1.0]; 2],
            800.0 + ln2,
            [-0.5, -0.25, -0.5, -0.25],
        );
        let softmax = TaskKind::Softmax;
        check(softmax, [[0.0; 2]; 2], [[1.0, 0.0]; 2], ln2, [-0.25, 0.25, -0.25, 0.25]);
        check(softmax, [[900.0, 0.0]; 2], [[1.0, 0.0]; 2], 0.0, [0.0; 4]);
        let squared = TaskKind::Squared;
        check(squared, [[1.0, 2.0]; 2], [[0.0, 0.0]; 2], 2.5, [0.5, 1.0, 0.5, 1.0]);
    }
}
