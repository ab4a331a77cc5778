//! Few atoms: a thread for each, with its column of G in registers.
//!
//! A cube (a thread block) takes [`EXAMPLES`] examples through all iterations. Every iteration is p fused
//! multiply-adds of a vector over the examples, read from shared memory by all threads at once, and one barrier: what is
//! written is the other half of a double buffer. On the way back a second group of threads adds `z_tᵀ s` up in the
//! registers that hold columns of G in the first. Nothing goes to memory but the iterates.

mod backward;
mod forward;

pub use backward::{Backward, Cotangents, backward};
pub use forward::forward;

use cubecl::prelude::*;

/// How many examples a cube holds: one load of shared memory serves as many multiply-adds.
pub const EXAMPLES: usize = 4;

/// The most cubes on the way back: each leaves a matrix of sums.
const MOST_CUBES: usize = 256;

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
    /// How many groups of examples there are.
    fn groups(&self) -> usize {
        self.examples.div_ceil(EXAMPLES)
    }

    /// How many cubes leave sums of products.
    pub fn cubes(&self) -> usize {
        self.groups().min(MOST_CUBES)
    }

    /// The first iterate that is kept. z₀ = 0 never is.
    fn first_kept(&self) -> usize {
        (self.iterations - self.window).max(1)
    }

    /// How many numbers the kept iterates are.
    pub fn kept(&self, atoms: usize) -> usize {
        match self.window {
            0 => 0,
            _ => (self.iterations + 1 - self.first_kept()) * self.groups() * atoms * EXAMPLES,
        }
    }
}

/// Whether a device runs these kernels for that many atoms.
pub fn serves(client: &Client, atoms: usize, sizes: Sizes) -> bool {
    let hardware = &client.properties().hardware;
    // Two groups of threads, and two double buffers.
    let threads = 2 * threads(atoms);
    let shared = 4 * atoms * EXAMPLES * size_of::<f32>();
    let kept = (sizes.kept(atoms) * size_of::<f32>()) as u64;
    (1..=MOST_ATOMS).contains(&atoms)
        && sizes.groups() <= hardware.max_cube_count.0 as usize
        && threads <= hardware.max_cube_dim.0
        && threads <= hardware.max_units_per_cube
        && shared <= hardware.max_shared_memory_size
        && kept <= client.properties().memory.max_page_size
}

/// Threads of a group: whole planes.
fn threads(atoms: usize) -> u32 {
    atoms.next_multiple_of(32) as u32
}
