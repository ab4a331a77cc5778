//! T iterations of ISTA and their adjoint on graphics cards: one launch for all of them.
//!
//! With `M = I − α DᵀD` and `c = α X D` (rows are examples) an iteration is `z_{t+1} = prox(z_t M + c)` and its adjoint,
//! for `q = ∂ loss / ∂ z_{t+1}`, is `s = [z_{t+1} ≠ 0] ⊙ q` for the argument of prox and `s M` for z_t. A framework
//! launches two kernels or more in every iteration, which reads and writes the codes each time; here an example's codes
//! stay on one multiprocessor from the first iteration to the last.
//!
//! - [`dense`]: few atoms. A thread is an atom; its column of M stays in its registers, the codes in shared memory.
//!
//! Arrays are of float32, in row-major order, in buffers of one client. The crate knows nothing of Burn.
#![cfg(feature = "kernels")]

pub mod dense;
mod prox;

pub use prox::{Kind, Prox};
