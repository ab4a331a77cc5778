//! The Gram form: `v = z + N z + α Dᵀx` with `N = −α DᵀD`.
//!
//! With `q` = dL/dz_{t+1} and `s = q` where `z_{t+1} ≠ 0`, else 0, an iteration contributes `z_t ⊗ s` to the
//! gradient of N and `s` to that of `α Dᵀx`, and hands on dL/dz_t = s + N s. All iterations together:
//! `dL/dD = α X Σsᵀ − α D (G + Gᵀ)` with `G = Σ z ⊗ s`.

mod adjoint;
mod dense;
mod merge;
mod panels;
mod tail;
mod trace;

pub(crate) use adjoint::Adjoint;
pub(crate) use dense::Dense;
pub(crate) use merge::Merge;
pub(crate) use panels::Panels;
pub(crate) use tail::{Reached, Tail};
pub(crate) use trace::Trace;
