//! Filters, or matrices, of their own in every iteration.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::{ConvolutionView, LinearOperator, Untied};
use crate::parameters::Network;

/// A decoder D, and for the encoder pairs of a synthesis `B_t` and an analysis `A_t` of their own:
/// `z ← prox(z − α A_tᵀ(B_t z − x))`, `x̂ = D z_T`.
///
/// | pairs | |
/// |---|---|
/// | none | tied: `A_t = B_t = D` |
/// | one | untied, the same in all iterations: A, B and C of D. Simon, M. Elad, *Rethinking the CSC Model for Natural Images*, NeurIPS 2019 |
/// | T | untied by layer: N. Janjušević, A. Khalilian-Gourtani, Y. Wang, *CDLNet*, IEEE OJSP 2022 |
#[derive(Module, Debug)]
pub struct Layers<D> {
    /// D, the decoder.
    pub dictionary: D,
    /// `B_t` and `A_t`: none, one for all iterations, or one for each.
    pub pairs: Vec<Untied<D, D>>,
    /// Whose iteration it is; `None` for the decoder.
    #[module(skip)]
    iteration: Option<usize>,
}

impl<D: LinearOperator> Layers<D> {
    /// The decoder in every iteration.
    pub fn tied(dictionary: D) -> Self {
        Self { dictionary, pairs: Vec::new(), iteration: None }
    }

    /// With pairs for the iterations: one for all of them, or one for each.
    ///
    /// # Panics
    /// When a shape differs from the decoder's.
    pub fn untied(dictionary: D, pairs: Vec<Untied<D, D>>) -> Self {
        let fits = pairs.iter().all(|pair| pair.shape() == dictionary.shape());
        assert!(fits, "a pair differs from the decoder in shape");
        Self { dictionary, pairs, iteration: None }
    }

    /// Every dictionary changed in the same way.
    pub fn map_dictionaries(self, change: impl Fn(D) -> D) -> Self {
        let pair = |pair: Untied<D, D>| Untied {
            synthesis: change(pair.synthesis),
            analysis: change(pair.analysis),
        };
        Self {
            dictionary: change(self.dictionary),
            pairs: self.pairs.into_iter().map(pair).collect(),
            iteration: self.iteration,
        }
    }

    /// The pair of this iteration; `None` for the decoder.
    fn pair(&self) -> Option<&Untied<D, D>> {
        let last = self.pairs.len().checked_sub(1)?;
        self.iteration.map(|iteration| &self.pairs[iteration.min(last)])
    }
}

impl<D: LinearOperator> LinearOperator for Layers<D> {
    fn shape(&self) -> [usize; 2] {
        self.dictionary.shape()
    }

    fn forward(&self, z: Tensor<2>) -> Tensor<2> {
        match self.pair() {
            Some(pair) => pair.forward(z),
            None => self.dictionary.forward(z),
        }
    }

    fn adjoint(&self, x: Tensor<2>) -> Tensor<2> {
        match self.pair() {
            Some(pair) => pair.adjoint(x),
            None => self.dictionary.adjoint(x),
        }
    }

    fn at_iteration(&self, iteration: usize) -> Option<Self> {
        let untied = !self.pairs.is_empty();
        untied.then(|| Self { iteration: Some(iteration), ..self.clone() })
    }

    fn as_convolution(&self) -> Option<ConvolutionView> {
        let decoder = self.dictionary.as_convolution().filter(|_| self.iteration.is_none())?;
        let pair = |pair: &Untied<D, D>| pair.as_convolution()?.pairs.pop();
        let pairs = self.pairs.iter().map(pair).collect::<Option<Vec<_>>>()?;
        Some(match pairs.is_empty() {
            true => decoder,
            false => ConvolutionView { pairs, ..decoder },
        })
    }

    fn weight_gradient(&self, x: &Tensor<2>, z: &Tensor<2>) -> GradientsParams {
        match self.pair() {
            Some(pair) => pair.weight_gradient(x, z),
            None => self.dictionary.weight_gradient(x, z),
        }
    }

    fn pull_back_forward(&self, cotangent: Tensor<2>) -> Tensor<2> {
        match self.pair() {
            Some(pair) => pair.pull_back_forward(cotangent),
            None => self.dictionary.pull_back_forward(cotangent),
        }
    }

    fn pull_back_adjoint(&self, cotangent: Tensor<2>) -> Tensor<2> {
        match self.pair() {
            Some(pair) => pair.pull_back_adjoint(cotangent),
            None => self.dictionary.pull_back_adjoint(cotangent),
        }
    }

    fn adjoint_weight_gradient(&self, z: &Tensor<2>, x: &Tensor<2>) -> GradientsParams {
        match self.pair() {
            Some(pair) => pair.adjoint_weight_gradient(z, x),
            None => self.dictionary.adjoint_weight_gradient(z, x),
        }
    }
}

impl<D: Network> Network for Layers<D> {
    fn project(self) -> Self {
        Self {
            dictionary: self.dictionary.project(),
            pairs: self.pairs.into_iter().map(Network::project).collect(),
            iteration: self.iteration,
        }
    }
}
