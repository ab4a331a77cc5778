//! The network.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::{Activation, Rounding};
use crate::dictionary::Constraint;
use crate::parameters::Network;
use crate::product::product;

/// `z = φ(W x + b)`, `x̂ = D z`.
#[derive(Module, Debug)]
pub struct OneLayer {
    /// W, `[p, m]`.
    pub weight: Param<Tensor<2>>,
    /// b, `[p]`, where there is one.
    pub bias: Option<Param<Tensor<1>>>,
    /// D, `[m, p]`, where it is not Wᵀ.
    pub dictionary: Option<Param<Tensor<2>>>,
    /// φ.
    #[module(skip)]
    pub activation: Activation,
    /// Where the rows of W lie.
    #[module(skip)]
    pub constraint: Constraint,
    /// The format that all is kept in, where it is not the precision itself.
    #[module(skip)]
    pub rounding: Option<Rounding>,
}

impl Network for OneLayer {
    /// Rows of W go back into their constraint, and parameters to the format they are kept in.
    fn project(mut self) -> Self {
        let Self { constraint, rounding, .. } = self;
        self.weight = self.weight.map(|weight| {
            let projected = constraint.project_in_place(weight.transpose()).transpose();
            rounded(rounding, projected)
        });
        self.bias = self.bias.map(|bias| bias.map(|bias| rounded(rounding, bias)));
        self.dictionary =
            self.dictionary.map(|dictionary| dictionary.map(|d| rounded(rounding, d)));
        self
    }
}

fn rounded<const R: usize>(rounding: Option<Rounding>, tensor: Tensor<R>) -> Tensor<R> {
    match rounding {
        Some(format) => format.round(tensor),
        None => tensor,
    }
}

impl OneLayer {
    /// Of W `[p, m]`, with `D = Wᵀ` and no bias.
    pub fn new(weight: Tensor<2>, activation: Activation) -> Self {
        Self {
            weight: Param::from_tensor(weight),
            bias: None,
            dictionary: None,
            activation,
            constraint: Constraint::None,
            rounding: None,
        }
    }

    /// With b `[p]`.
    ///
    /// # Panics
    /// Where W has another number of rows.
    pub fn with_bias(mut self, bias: Tensor<1>) -> Self {
        assert_eq!(bias.dims()[0], self.weight.val().dims()[0], "b has a number for each row of W");
        self.bias = Some(Param::from_tensor(bias));
        self
    }

    /// With an output layer D `[m, p]` of its own.
    ///
    /// # Panics
    /// Where it is not of the shape of Wᵀ.
    pub fn with_dictionary(mut self, dictionary: Tensor<2>) -> Self {
        let [atoms, features] = self.weight.val().dims();
        assert_eq!(dictionary.dims(), [features, atoms], "D has the shape of W transposed");
        self.dictionary = Some(Param::from_tensor(dictionary));
        self
    }

    /// With the rows of W in a constraint.
    pub fn with_constraint(mut self, constraint: Constraint) -> Self {
        self.constraint = constraint;
        self
    }

    /// With parameters, examples, codes and gradients rounded to a format; products are summed in the precision itself.
    pub fn with_rounding(mut self, rounding: Option<Rounding>) -> Self {
        self.rounding = rounding;
        self
    }

    /// Values in the format they are kept in.
    pub fn kept<const R: usize>(&self, tensor: Tensor<R>) -> Tensor<R> {
        rounded(self.rounding, tensor)
    }

    /// D, `[m, p]`.
    pub fn decoder(&self) -> Tensor<2> {
        match &self.dictionary {
            Some(dictionary) => dictionary.val(),
            None => self.weight.val().transpose(),
        }
    }

    /// `W x + b`, `[n, p]`, of examples `[n, m]`.
    pub fn scores(&self, x: &Tensor<2>) -> Tensor<2> {
        let scores = product(x.clone(), self.weight.val().transpose());
        match &self.bias {
            Some(bias) => scores.add(bias.val().unsqueeze()),
            None => scores,
        }
    }

    /// z `[n, p]` of examples `[n, m]`.
    pub fn encode(&self, x: &Tensor<2>) -> Tensor<2> {
        self.activation.apply(self.scores(x))
    }

    /// `D z`, `[n, m]`, of codes `[n, p]`.
    pub fn reconstruct(&self, codes: Tensor<2>) -> Tensor<2> {
        product(codes, self.decoder().transpose())
    }
}
