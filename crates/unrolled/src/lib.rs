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
//! | [`dictionary`] | the dense dictionary, its initialisation and its constraint |
//! | [`prox`] | proximal operators: soft threshold, learned bias, hard threshold |
//! | [`encoder`] | unrolled iterations: [`encoder::Ista`] |
//! | [`fused`] | who computes an unroll: the fused kernels, or Burn's automatic differentiation |
//! | [`loss`] | reconstruction and lasso |
//! | [`gradient`] | the estimators, the references they are held against, finite differences |
//! | [`autoencoder`] | dictionary and encoder as one Burn module |
//! | [`metrics`] | errors of codes, gradients and dictionaries |
//! | [`optimizer`] | Adam, AdamW, gradient descent; schedules of the learning rate |
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use unrolled::prelude::*;
//!
//! let device = Device::flex();
//! let dictionary = DenseDictionary::new(Tensor::from_data([[1.0, 0.6], [0.0, 0.8]], &device));
//! let encoder = Ista::new(SoftThreshold::new(0.1, Sided::Two), 0.5, 50);
//! let network = Autoencoder::new(dictionary, encoder);
//! let x = Tensor::from_data([[1.0, 0.5]], &device);
//! let estimate = GAeLs.estimate(&network, &x);
//! assert_eq!(estimate.dictionary_gradient(&network).dims(), [2, 2]);
//! ```
//!
//! Nothing here knows of files, TOML or terminals.

pub mod autoencoder;
pub mod dictionary;
pub mod encoder;
pub mod fused;
pub mod gradient;
pub mod lasso;
pub mod loss;
pub mod metrics;
pub mod optimizer;
pub mod prox;
pub mod random;
pub mod tensors;

/// What most programs need.
pub mod prelude {
    pub use crate::autoencoder::Autoencoder;
    pub use crate::dictionary::{Constraint, DenseDictionary};
    pub use crate::encoder::{AnyEncoder, Encoder, Fista, Form, Ista};
    pub use crate::gradient::{Estimate, Estimator, GAeLasso, GAeLs, GDec, GNoodl, GTruncated};
    pub use crate::loss::Loss;
    pub use crate::prox::{
        HardThreshold, LearnedSoftThreshold, ProximalOperator, Sided, SoftThreshold,
    };
    pub use crate::tensors::Precision;
}
