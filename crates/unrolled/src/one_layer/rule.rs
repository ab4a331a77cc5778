//! Which gradient is taken.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::OneLayer;
use crate::gradient::{Estimate, Estimator, Reach};
use crate::loss::{Loss, Losses};
use crate::network::Batch;
use crate::product::product;

/// A gradient of ½ mean over examples of ‖D z − x‖², or what stands for one. With r = D z − x:
///
/// | rule | ∂D, with the codes held fixed | and through the codes |
/// |---|---|---|
/// | [`Rule::Dec`] `g_dec` | mean r zᵀ | |
/// | [`Rule::AeLs`] `g_ae_ls` | mean r zᵀ | ∂W = mean δ xᵀ, ∂b = mean δ with δ = (Dᵀ r) φ′(W x + b) |
/// | [`Rule::Noodl`] `g_noodl` | mean r sign(z)ᵀ | |
/// | [`Rule::Unbiased`] `g_unbiased` | mean r sign(z)ᵀ − D (G ⊙ M) | |
///
/// Where `D = Wᵀ`, W is moved by the sum of both columns; else D by the first and W by the second.
///
/// `g_noodl` is the update of S. Arora, R. Ge, T. Ma and A. Moitra, *Simple, Efficient, and Neural Algorithms for Sparse
/// Coding* (COLT 2015, arXiv 1503.00778), their neurally plausible rule, and ends near the truth but not at it: every atom is pulled by
/// what the crosstalk of the others leaves in r. `g_unbiased` takes that out, as their unbiased rule does: for atom i the
/// other codes are those of x without atom i, z_j − ⟨d_j, d_i⟩ z_i, which adds −Σ_{j ≠ i} d_j ⟨d_j, d_i⟩ mean(|z_i| [z_j ≠ 0]):
/// G = DᵀD and M_{ji} = mean [z_j ≠ 0] |z_i|, both without their diagonals. It asks for codes that are scores where they are
/// not 0, those of a hard threshold, and for atoms of norm 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The codes held fixed.
    Dec,
    /// Through the codes.
    AeLs,
    /// The codes held fixed, and their signs in place of them.
    Noodl,
    /// The same without its bias.
    Unbiased,
}

impl Rule {
    /// The rule of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.called() == name)
    }

    /// All of them.
    pub const ALL: [Self; 4] = [Self::Dec, Self::AeLs, Self::Noodl, Self::Unbiased];

    /// Its name.
    pub fn called(self) -> &'static str {
        match self {
            Self::Dec => "g_dec",
            Self::AeLs => "g_ae_ls",
            Self::Noodl => "g_noodl",
            Self::Unbiased => "g_unbiased",
        }
    }

    /// The gradient of D at codes `[n, p]` and residuals r `[n, m]`, `[m, p]`.
    fn of_decoder(self, network: &OneLayer, codes: &Tensor<2>, residual: &Tensor<2>) -> Tensor<2> {
        let examples = codes.dims()[0] as f64;
        let against = match self {
            Self::Dec | Self::AeLs => codes.clone(),
            Self::Noodl | Self::Unbiased => codes.clone().sign(),
        };
        let gradient = product(residual.clone().transpose(), against).div_scalar(examples);
        if self != Self::Unbiased {
            return gradient;
        }
        let sizes = codes.clone().abs();
        let active = sizes.clone().sign();
        let together = product(active.transpose(), sizes).div_scalar(examples);
        let decoder = network.decoder();
        let atoms = decoder.dims()[1];
        let gram = product(decoder.clone().transpose(), decoder.clone());
        let others = Tensor::<2>::eye(atoms, &gram.device()).cast(gram.dtype()).equal_elem(1.0);
        let crosstalk = gram.mul(together).mask_fill(others, 0.0);
        gradient.sub(product(decoder, crosstalk))
    }
}

impl Estimator<OneLayer> for Rule {
    fn name(&self) -> &'static str {
        self.called()
    }

    fn descends(&self) -> Option<Loss> {
        Some(Loss::LeastSquares)
    }

    fn reach(&self) -> Reach {
        match self {
            Self::AeLs => Reach::All,
            _ => Reach::Codes,
        }
    }

    /// # Panics
    /// Where it goes through the codes and these are signs.
    fn estimate_batch(&self, network: &OneLayer, batch: &Batch) -> Estimate {
        let network = network.valid();
        let x = network.kept(batch.x.clone().inner());
        let target = network.kept(batch.target().clone().inner());
        let scores = network.scores(&x);
        let codes = network.kept(network.activation.apply(scores.clone()));
        let residual = network.kept(network.reconstruct(codes.clone()).sub(target));
        let examples = x.dims()[0] as f64;
        let loss = residual.clone().powi_scalar(2).sum().mul_scalar(0.5 / examples);
        let of_decoder = self.of_decoder(&network, &codes, &residual);
        let delta = (*self == Self::AeLs).then(|| {
            let delta = product(residual, network.decoder());
            let delta = network.activation.pull_back(&scores, delta);
            network.kept(delta.expect("signs have no derivative to go through"))
        });
        let through = delta
            .as_ref()
            .map(|delta| product(delta.clone().transpose(), x.clone()).div_scalar(examples));
        let mut gradients = GradientsParams::new();
        let mut put = |id, gradient: Option<Tensor<2>>| {
            if let Some(gradient) = gradient {
                gradients.register(id, network.kept(gradient));
            }
        };
        match &network.dictionary {
            Some(dictionary) => {
                put(dictionary.id, Some(of_decoder));
                put(network.weight.id, through);
            }
            None => {
                let of_decoder = of_decoder.transpose();
                let whole = match through {
                    Some(through) => of_decoder.add(through),
                    None => of_decoder,
                };
                put(network.weight.id, Some(whole));
            }
        }
        if let (Some(bias), Some(delta)) = (&network.bias, delta) {
            let gradient = delta.sum_dim(0).div_scalar(examples).squeeze_dim::<1>(0);
            gradients.register(bias.id, network.kept(gradient));
        }
        let losses = Losses { reconstruction: loss.clone(), lasso: loss.clone() };
        Estimate { codes, loss, losses, gradients, trouble: None }
    }
}
