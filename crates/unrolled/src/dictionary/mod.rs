//! Dictionaries: synthesis `D z`, analysis `Dᵀ x`, spectral norm; initialisation; constraint.

mod constraint;
mod dense;
pub mod initialisation;

pub use constraint::Constraint;
pub use dense::{DenseDictionary, spectral_norm_squared};
