//! Attributor and dictionary as one network.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::Attribution;
use crate::parameters::Network;
use crate::product::product;

/// `x̂ = a(W x + b) Dᵀ`.
#[derive(Module, Debug)]
pub struct Attributor {
    /// D, `[m, k]`: a term's atom is a column.
    pub dictionary: Param<Tensor<2>>,
    /// W, `[k, m]`.
    pub weight: Param<Tensor<2>>,
    /// b, `[k]`.
    pub bias: Param<Tensor<1>>,
    /// a.
    #[module(skip)]
    pub attribution: Attribution,
}

impl Network for Attributor {}

impl Attributor {
    /// From D `[m, k]`, W `[k, m]` and b `[k]`, by softmax.
    ///
    /// # Panics
    /// Where the shapes do not belong together.
    pub fn new(dictionary: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>) -> Self {
        let [features, terms] = dictionary.dims();
        assert_eq!(weight.dims(), [terms, features], "W has a row for each atom");
        assert_eq!(bias.dims(), [terms], "b has a number for each atom");
        Self {
            dictionary: Param::from_tensor(dictionary),
            weight: Param::from_tensor(weight),
            bias: Param::from_tensor(bias),
            attribution: Attribution::Softmax,
        }
    }

    /// By another attribution.
    pub fn with_attribution(mut self, attribution: Attribution) -> Self {
        self.attribution = attribution;
        self
    }

    /// The shares `[n, k]` of examples `[n, m]`.
    pub fn shares(&self, x: &Tensor<2>) -> Tensor<2> {
        let scores = product(x.clone(), self.weight.val().transpose());
        self.attribution.shares(scores.add(self.bias.val().unsqueeze()))
    }

    /// x̂ `[n, m]` of shares `[n, k]`.
    pub fn reconstruct(&self, shares: Tensor<2>) -> Tensor<2> {
        product(shares, self.dictionary.val().transpose())
    }
}

/// Mean over examples of `−Σ a log a`, in nats: 0 where every example has one term, `log k` where all share alike.
pub(super) fn entropy(shares: &Tensor<2>) -> Tensor<1> {
    let [examples, _] = shares.dims();
    // 0 log 0 is 0, and the smallest share that is told from 0 is one of float32.
    let logarithm = shares.clone().clamp_min(1e-30).log();
    shares.clone().mul(logarithm).sum().mul_scalar(-1.0 / examples as f64)
}

/// `Σ_{i ≠ j} ⟨d_i, d_j⟩²` of atoms scaled to norm 1: 0 where they are orthogonal.
pub(super) fn coherence(dictionary: Tensor<2>) -> Tensor<1> {
    let [_, terms] = dictionary.dims();
    let squares = dictionary.clone().powi_scalar(2).sum_dim(0);
    let unit = dictionary.div(squares.clamp_min(1e-30).sqrt());
    let gram = product(unit.clone().transpose(), unit);
    gram.powi_scalar(2).sum().sub_scalar(terms as f64)
}
