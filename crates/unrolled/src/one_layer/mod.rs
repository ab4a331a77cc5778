//! One layer that codes: `z = φ(W x + b)`, and `x̂ = D z` with an output layer of its own or `D = Wᵀ`.
//!
//! What does such a network learn of data `x = A h` with sparse h? With `D = Wᵀ` it is one iteration of ISTA from 0 with
//! step 1, so that codes are right only as far as rows of W are at right angles to the other atoms: `W A h = h + crosstalk`.
//! [`Rule`] says which gradient is taken; of those only [`Rule::Unbiased`] has A as a fixed point where supports and signs
//! are decoded rightly.

mod activation;
mod network;
mod rounding;
mod rule;

pub use activation::Activation;
pub use network::OneLayer;
pub use rounding::Rounding;
pub use rule::Rule;
