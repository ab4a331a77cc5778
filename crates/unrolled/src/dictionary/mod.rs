//! Dictionaries: linear operators made of atoms, dense and convolutional; spectral norm; initialisation; constraint.

mod any;
mod constraint;
mod convolutional;
mod dense;
mod filter_constraint;
pub mod initialisation;

pub use any::AnyDictionary;
pub use constraint::Constraint;
pub(crate) use constraint::norms;
pub use convolutional::ConvolutionalDictionary;
pub use dense::{DenseDictionary, quick_spectral_norm_squared, spectral_norm_squared};
pub use filter_constraint::FilterConstraint;

use burn::tensor::Tensor;

use crate::operator::LinearOperator;
use crate::parameters::Network;

/// A linear operator made of atoms, each of which can be looked at, replaced and kept in a set.
pub trait Dictionary: LinearOperator + Network {
    /// p, the number of atoms.
    fn atoms(&self) -> usize;

    /// The atoms, `[p, entries]`, without a graph.
    fn atom_rows(&self) -> Tensor<2>;

    /// The same dictionary with other atoms, `[p, entries]`.
    fn with_atom_rows(self, rows: Tensor<2>) -> Self;
}
