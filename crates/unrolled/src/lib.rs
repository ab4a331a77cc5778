//! **unrolled**: unrolled sparse coding and dictionary learning on [Burn](https://burn.dev).
//!
//! A dictionary `D` (m features × p atoms, atoms are columns) explains data `x ≈ D z` with few
//! non-zero codes `z`. Unrolling `T` iterations of ISTA, `z ← prox(z − α Dᵀ(D z − x))`, turns
//! sparse coding into an encoder that can be differentiated; the decoder is `D` itself. *Which*
//! gradient of `D` you then take is a choice, and this crate makes it a value: see [`gradient`].
//!
//! Examples are rows: `X` is `[n, m]`, codes `Z` are `[n, p]`, and the reconstruction is `Z Dᵀ`.
//!
//! | module | what is in it |
//! |---|---|
//! | [`operator`] | linear operators between rows: a matrix, a mask, a composition `A ∘ D`, an untied pair, your own |
//! | [`dictionary`] | operators made of atoms: dense and convolutional dictionaries; initialisation, constraint |
//! | [`prox`] | proximal operators: soft threshold, learned bias, elastic net, groups, k largest, hard threshold |
//! | [`fit`] | data fits: least squares, powers, Huber |
//! | [`encoder`] | unrolled iterations, ISTA and FISTA ([`encoder::Unrolled`]), or the solution ([`encoder::Solved`]) |
//! | [`fused`] | who computes an unroll: the fused kernels, the adjoint by hand, or automatic differentiation |
//! | [`network`] | networks with an encoder, and batches |
//! | [`parameters`] | whatever has parameters: projections, sums of gradients |
//! | [`attributor`] | one layer and a softmax in the place of an encoder |
//! | [`explain`] | which training examples atoms and reconstructions are made of |
//! | [`one_layer`] | one layer that codes: what its rows learn |
//! | [`autoencoder`] | an operator and an encoder as one Burn module |
//! | [`denoiser`] | the same over images, measured in part or blurred |
//! | [`views`] | images and their shifted, padded copies |
//! | [`loss`] | reconstruction and lasso, or a closure of your own |
//! | [`gradient`] | the estimators, the references they are held against, finite differences |
//! | [`lasso`] | the lasso's codes to a given duality gap, by coordinate descent |
//! | [`metrics`] | errors of codes, gradients and dictionaries; duality gaps |
//! | [`optimizer`] | Adam, AdamW, gradient descent; schedules of the learning rate |
//! | [`random`] | reproducible streams of random numbers |
//! | [`scale`] | powers of two that bring numbers near 1 |
//! | [`task`] | dictionaries driven by a task: linear models on codes, and their losses |
//! | [`tensors`] | between tensors and float64 arrays |
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use unrolled::prelude::*;
//!
//! let device = Device::flex();
//! let dictionary = DenseDictionary::new(Tensor::from_data([[1.0, 0.6], [0.0, 0.8]], &device));
//! let encoder = Unrolled::ista(SoftThreshold::new(0.1, Sided::Two), 0.5, 50);
//! let network = Autoencoder::new(dictionary, encoder);
//! let x = Tensor::from_data([[1.0, 0.5]], &device);
//! let estimate = GAeLs.estimate(&network, &x);
//! assert_eq!(estimate.dictionary_gradient(&network).dims(), [2, 2]);
//! ```
//!
//! Nothing here knows of files, TOML or terminals.

pub mod attributor;
pub mod autoencoder;
pub mod denoiser;
pub mod dictionary;
pub mod encoder;
pub mod explain;
pub mod fit;
pub mod fused;
pub mod gradient;
pub mod lasso;
pub mod loss;
pub mod metrics;
pub mod network;
pub mod one_layer;
pub mod operator;
pub mod optimizer;
pub mod parameters;
mod product;
pub mod prox;
pub mod random;
mod registers;
pub mod scale;
pub mod task;
pub mod tensors;
pub mod views;

/// What most programs need.
pub mod prelude {
    pub use crate::autoencoder::Autoencoder;
    pub use crate::denoiser::{Denoiser, Measured};
    pub use crate::dictionary::{Constraint, ConvolutionalDictionary, DenseDictionary, Dictionary};
    pub use crate::encoder::{AnyEncoder, Encoder, Form, Solved, Unrolled};
    pub use crate::gradient::{
        Estimate, Estimator, GAeLasso, GAeLs, GDec, GImplicit, GNoodl, GTruncated,
    };
    pub use crate::loss::{Loss, Objective};
    pub use crate::network::{Batch, Network, SparseCoder};
    pub use crate::operator::{Composition, Identity, LinearOperator, Mask, Untied};
    pub use crate::prox::{
        ElasticNet, GroupSoftThreshold, HardThreshold, LearnedSoftThreshold, ProximalOperator,
        Sided, SoftThreshold, TopK,
    };
    pub use crate::tensors::Precision;
    pub use crate::views::Views;
}
