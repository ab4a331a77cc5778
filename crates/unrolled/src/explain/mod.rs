//! Which training examples an atom, and a reconstruction, is made of.
//!
//! At a stationary point of `½‖X − Z Dᵀ‖² + λ‖Z‖₁ + ω/2 ‖D‖²` (sums over all examples, which are rows here) the dictionary is a
//! known function of the training data: `D = Xᵀ G⁻¹ Z` with `G = Z Zᵀ + ω I` (B. Tolooshams and D. Ba, *Stable and Interpretable
//! Unrolled Dictionary Learning*, TMLR 2022, arXiv 2106.00058, theorem II.4). So every atom is a weighted sum of training
//! examples, with the weights `G⁻¹ Z`, and so is every reconstruction `D ẑ` of a new example, with the weights `β = G⁻¹ Z ẑ`.
//!
//! G is as large as there are examples, and is never made: `G⁻¹ Z = Z (ZᵀZ + ω I)⁻¹` asks for a matrix of the size of a code.
//! The theorem holds at stationary points alone: [`Stationarity`] says how far from one a dictionary and its codes are, and
//! [`polish`] goes to one. For dictionaries that are not matrices, convolutions, [`Shares`] says the same of filters and patches.
//! What an entry of an example does to its code is its [`saliency`].

mod contributions;
mod normalised;
mod polish;
mod saliency;
mod shares;
mod stationarity;

pub use contributions::Contributions;
pub use normalised::Normalised;
pub use polish::{Polished, polish};
pub use saliency::saliency;
pub use shares::{Share, Shares};
pub use stationarity::Stationarity;
