//! One operator after another.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::{ConvolutionView, LinearOperator, Weights};
use crate::parameters::Network;
use crate::parameters::merge;

/// `A ∘ D`: a measurement of what a dictionary makes, `x ≈ A D z`. The encoder uses `A D` and `Dᵀ Aᵀ`.
#[derive(Module, Debug)]
pub struct Composition<A, D> {
    /// A, `[m, k]`.
    pub outer: A,
    /// D, `[k, q]`.
    pub inner: D,
}

impl<A: LinearOperator, D: LinearOperator> Composition<A, D> {
    /// `outer ∘ inner`.
    ///
    /// # Panics
    /// When `outer` does not take what `inner` gives.
    pub fn new(outer: A, inner: D) -> Self {
        let ([_, takes], [gives, _]) = (outer.shape(), inner.shape());
        assert_eq!(
            takes, gives,
            "the outer operator takes rows of {takes}, the inner gives {gives}"
        );
        Self { outer, inner }
    }
}

impl<A: LinearOperator, D: LinearOperator> LinearOperator for Composition<A, D> {
    fn shape(&self) -> [usize; 2] {
        [self.outer.shape()[0], self.inner.shape()[1]]
    }

    fn forward(&self, z: Tensor<2>) -> Tensor<2> {
        self.outer.forward(self.inner.forward(z))
    }

    fn adjoint(&self, x: Tensor<2>) -> Tensor<2> {
        self.inner.adjoint(self.outer.adjoint(x))
    }

    fn at_iteration(&self, iteration: usize) -> Option<Self> {
        let (outer, inner) =
            (self.outer.at_iteration(iteration), self.inner.at_iteration(iteration));
        (outer.is_some() || inner.is_some()).then(|| Self {
            outer: outer.unwrap_or_else(|| self.outer.clone()),
            inner: inner.unwrap_or_else(|| self.inner.clone()),
        })
    }

    fn as_convolution(&self) -> Option<ConvolutionView> {
        let inner = self.inner.as_convolution().filter(|inner| inner.weights.is_none())?;
        let weights = match self.outer.as_weights()? {
            Weights::Ones => None,
            Weights::Rows(weights) => Some(weights),
        };
        Some(ConvolutionView { weights, ..inner })
    }

    fn decode(&self, z: Tensor<2>) -> Tensor<2> {
        self.inner.decode(z)
    }

    fn weight_gradient(&self, x: &Tensor<2>, z: &Tensor<2>) -> GradientsParams {
        let measured = self.outer.pull_back_forward(x.clone());
        let gradients = self.inner.weight_gradient(&measured, z);
        let made = self.inner.forward(z.clone());
        merge(self, gradients, self.outer.weight_gradient(x, &made))
    }

    fn pull_back_forward(&self, cotangent: Tensor<2>) -> Tensor<2> {
        self.inner.pull_back_forward(self.outer.pull_back_forward(cotangent))
    }

    fn pull_back_adjoint(&self, cotangent: Tensor<2>) -> Tensor<2> {
        self.outer.pull_back_adjoint(self.inner.pull_back_adjoint(cotangent))
    }

    fn adjoint_weight_gradient(&self, z: &Tensor<2>, x: &Tensor<2>) -> GradientsParams {
        let gradients = self.inner.adjoint_weight_gradient(z, &self.outer.adjoint(x.clone()));
        let made = self.inner.pull_back_adjoint(z.clone());
        merge(self, gradients, self.outer.adjoint_weight_gradient(&made, x))
    }
}

impl<A: Network, D: Network> Network for Composition<A, D> {
    fn project(self) -> Self {
        Self { outer: self.outer.project(), inner: self.inner.project() }
    }
}
