//! A linear model on codes.

use burn::module::{Module, Param};
use burn::tensor::activation::{log_softmax, relu};
use burn::tensor::{Device, Tensor};

use crate::parameters::Network;
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
        let (scores, bias) = together(codes.matmul(weight), self.bias.val());
        scores.add(bias.reshape([1, outputs]))
    }

    /// The mean loss of scores against labels, both `[n, k]`, without the ridge; `[1]`.
    pub fn loss(&self, scores: Tensor<2>, labels: &Tensor<2>) -> Tensor<1> {
        let (scores, labels) = together(scores, labels.clone());
        let examples = scores.dims()[0] as f64;
        let sum = match self.kind {
            TaskKind::Logistic => {
                let small = scores.clone().abs().neg().exp().log1p();
                relu(scores.clone()).add(small).sub(scores.mul(labels)).sum()
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
