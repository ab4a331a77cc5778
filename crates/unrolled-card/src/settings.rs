//! What kernels are compiled for.

use cubecl::prelude::*;

use crate::Prox;

/// What a kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// p.
    pub atoms: usize,
    /// The proximal operator.
    pub prox: Prox,
    /// Whether every iteration has thresholds of its own.
    pub by_iteration: bool,
    /// Whether every atom has.
    pub by_atom: bool,
}

/// Where the threshold of an atom in an iteration lies.
#[cube]
pub(crate) fn place(iteration: usize, atom: usize, #[comptime] network: Settings) -> usize {
    match comptime!((network.by_iteration, network.by_atom)) {
        (true, true) => iteration * comptime!(network.atoms) + atom,
        (true, false) => iteration,
        (false, true) => atom,
        (false, false) => 0usize.runtime(),
    }
}
