//! What kernels are given and leave.

use cubecl::prelude::*;
use cubecl::server::Handle;

/// What the iterations are made of.
#[derive(Clone, Debug)]
pub struct Forward {
    /// `G = α DᵀD`, `[p, p]`.
    pub gram: Handle,
    /// `c = α X D`, `[n, p]`.
    pub correlations: Handle,
    /// Thresholds: one, or by iteration, by atom, or `[T, p]`.
    pub thresholds: Handle,
    /// How many they are.
    pub threshold_count: usize,
}

/// What comes of them.
#[derive(Clone, Debug)]
pub struct Codes {
    /// z_T, `[n, p]`.
    pub codes: Handle,
    /// The last iterates, for the way back of the same kind alone: by iteration, then as the kind keeps them.
    pub iterates: Handle,
}

/// A buffer of so many vectors, or numbers.
///
/// # Safety
/// The buffer must have been made with as many.
pub(crate) unsafe fn buffer(handle: &Handle, count: usize) -> BufferArg {
    // SAFETY: as above.
    unsafe { BufferArg::from_raw_parts(handle.clone(), count) }
}
