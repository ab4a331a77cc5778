//! Dictionaries of a one-layer attributor: `x̂ = a(W x + b) Dᵀ`, where the *attribution* a turns scores into shares
//! that sum to 1.
//!
//! An encoder that is not unrolled: no dictionary decides about its codes, weights of its own do. A softmax has no zero among
//! its shares, so that it is not sparse, and with shares that sum to 1 reconstructions lie on the simplex between the
//! atoms; [`Attribution`] has others to compare with.

mod attribution;
mod estimator;
mod network;

pub use attribution::Attribution;
pub use estimator::MeanSquares;
pub use network::Attributor;
