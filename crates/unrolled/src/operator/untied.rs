//! A pair whose analysis is not the adjoint of its synthesis.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::{ConvolutionView, LinearOperator};
use crate::parameters::Network;

/// Synthesis `D` and analysis `Wᵀ` with parameters of their own: an iteration is
/// `z ← prox(z − α Wᵀ(D z − x))`, and a gradient names both.
///
/// `adjoint` is the adjoint of `W`, not of `D`; the pull-backs are those of each.
#[derive(Module, Debug)]
pub struct Untied<D, W> {
    /// D, `[m, q]`.
    pub synthesis: D,
    /// W, `[m, q]`.
    pub analysis: W,
}

impl<D: LinearOperator, W: LinearOperator> Untied<D, W> {
    /// From both.
    ///
    /// # Panics
    /// When their shapes differ.
    pub fn new(synthesis: D, analysis: W) -> Self {
        assert_eq!(synthesis.shape(), analysis.shape(), "synthesis and analysis differ in shape");
        Self { synthesis, analysis }
    }
}

impl<D: LinearOperator, W: LinearOperator> LinearOperator for Untied<D, W> {
    fn shape(&self) -> [usize; 2] {
        self.synthesis.shape()
    }

    fn forward(&self, z: Tensor<2>) -> Tensor<2> {
        self.synthesis.forward(z)
    }

    fn adjoint(&self, x: Tensor<2>) -> Tensor<2> {
        self.analysis.adjoint(x)
    }

    fn as_convolution(&self) -> Option<ConvolutionView> {
        let (synthesis, analysis) =
            (self.synthesis.as_convolution()?, self.analysis.as_convolution()?);
        let pair = [synthesis.decoder.clone(), analysis.decoder];
        (synthesis.weights.is_none() && analysis.weights.is_none())
            .then(|| ConvolutionView { pairs: vec![pair], ..synthesis })
    }

    fn weight_gradient(&self, x: &Tensor<2>, z: &Tensor<2>) -> GradientsParams {
        self.synthesis.weight_gradient(x, z)
    }

    fn pull_back_forward(&self, cotangent: Tensor<2>) -> Tensor<2> {
        self.synthesis.pull_back_forward(cotangent)
    }

    fn pull_back_adjoint(&self, cotangent: Tensor<2>) -> Tensor<2> {
        self.analysis.pull_back_adjoint(cotangent)
    }

    fn adjoint_weight_gradient(&self, z: &Tensor<2>, x: &Tensor<2>) -> GradientsParams {
        self.analysis.adjoint_weight_gradient(z, x)
    }
}

impl<A: Network, D: Network> Network for Untied<A, D> {
    fn project(self) -> Self {
        Self { synthesis: self.synthesis.project(), analysis: self.analysis.project() }
    }
}
