//! Dictionaries: synthesis `D z`, analysis `Dᵀ x`, spectral norm; initialisation; constraint.

mod constraint;
mod dense;
pub mod initialisation;

pub use constraint::Constraint;
pub(crate) use constraint::norms;
pub use dense::{DenseDictionary, quick_spectral_norm_squared, spectral_norm_squared};
