//! T iterations of ISTA and their adjoint on graphics cards: one launch for all of them.
//!
//! With `G = α DᵀD` and `c = α X D` (rows are examples) an iteration is `z_{t+1} = prox(z_t − z_t G + c)` and its adjoint,
//! for `q = ∂ loss / ∂ z_{t+1}`, is `s = [z_{t+1} ≠ 0] ⊙ q` for the argument of prox and `s − s G` for z_t. A framework
//! launches two kernels or more in every iteration, which reads and writes the codes each time; here an example's codes
//! stay on one multiprocessor from the first iteration to the last.
//!
//! - [`dense`]: few atoms. A thread is an atom; its column of G stays in its registers, the codes in shared memory.
//! - [`gathered`]: many atoms, few of them active. An example is a thread block; it adds up the rows of G of its active
//!   atoms, which is a fiftieth of the dense product's arithmetic where one atom in fifty is active.
//!
//! Arrays are of float32, in row-major order, in buffers of one client. The crate knows nothing of Burn.
#![cfg(feature = "kernels")]

mod call;
pub mod dense;
pub mod gathered;
mod prox;
mod settings;

pub use call::{Codes, Forward};
pub use prox::{Kind, Prox};
pub use settings::Settings;
