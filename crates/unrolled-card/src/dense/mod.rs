//! Few atoms: a thread for each, with its column of G in registers.
//!
//! A cube (a thread block) takes [`EXAMPLES`] examples through all iterations. Every iteration is p fused
//! multiply-adds of a vector over the examples, read from shared memory by all threads at once, and one barrier: what is
//! written is the other half of a double buffer. On the way back a second group of threads adds `z_tᵀ s` up in the
//! registers that hold columns of G in the first. Nothing goes to memory but the iterates.

mod backward;
mod forward;

pub use backward::{Backward, Cotangents, backward};
pub use forward::{Codes, Forward, forward};

use cubecl::prelude::*;


/// How many examples a cube holds: one load of shared memory serves as many multiply-adds.
pub const EXAMPLES: usize = 4;

/// The most atoms that a thread's registers hold a column for.
pub const MOST_ATOMS: usize = 128;

/// The shapes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// n.
    pub examples: usize,
    /// T.
    pub iterations: usize,
    /// Through how many of the last iterations it goes back; their iterates are kept.
    pub window: usize,
}

impl Sizes {
    /// How many cubes there are.
    pub fn cubes(&self) -> usize {
        self.examples.div_ceil(EXAMPLES)
    }

    /// The first iterate that is kept. z₀ = 0 never is.
    fn first_kept(&self) -> usize {
        (self.iterations - self.window).max(1)
    }

    /// How many numbers the kept iterates are.
    fn kept(&self, atoms: usize) -> usize {
        match self.window {
            0 => 0,
            _ => (self.iterations + 1 - self.first_kept()) * self.cubes() * atoms * EXAMPLES,
        }
    }
}

/// Whether a device runs these kernels for that many atoms.
pub fn serves(client: &Client, atoms: usize) -> bool {
    let hardware = &client.properties().hardware;
    // Two groups of threads, and two double buffers.
    let threads = 2 * threads(atoms);
    let shared = 4 * atoms * EXAMPLES * size_of::<f32>();
    (1..=MOST_ATOMS).contains(&atoms)
        && threads <= hardware.max_cube_dim.0
        && threads <= hardware.max_units_per_cube
        && shared <= hardware.max_shared_memory_size
}

/// Threads of a group: whole planes.
fn threads(atoms: usize) -> u32 {
    atoms.next_multiple_of(32) as u32
}
