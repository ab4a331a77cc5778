//! Many atoms, few of them active: sums over lists.
//!
//! A cube (a thread block) takes one example through all iterations: `v = z + c − Σ_{i active} z_i G_i`, with the row G_i
//! read in whole by neighbouring threads, then the list of what is active anew. Back it goes between the supports of
//! z_{t+1} and z_t alone, and `z_tᵀ s` is added, entry by entry, to one matrix in memory: these sums are atomic, so
//! that their order, and with it the last bits of a gradient, differ from run to run.

mod backward;
mod forward;
mod list;

pub use backward::{Backward, Cotangents, backward};
pub use forward::forward;

use cubecl::features::{AtomicUsage, Plane};
use cubecl::ir::{ElemType, FloatKind, Type};
use cubecl::prelude::*;

/// The shapes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// n.
    pub examples: usize,
    /// p.
    pub atoms: usize,
    /// T.
    pub iterations: usize,
    /// Through how many of the last iterations it goes back; their iterates are kept.
    pub window: usize,
}

impl Sizes {
    /// The first iterate that is kept. z₀ = 0 never is.
    fn first_kept(&self) -> usize {
        (self.iterations - self.window).max(1)
    }

    /// How many numbers the kept iterates are.
    fn kept(&self) -> usize {
        match self.window {
            0 => 0,
            _ => (self.iterations + 1 - self.first_kept()) * self.examples * self.atoms,
        }
    }

    /// How many atoms a load brings: as many as divide p.
    fn width(&self) -> usize {
        [4, 2, 1].into_iter().find(|width| self.atoms.is_multiple_of(*width)).unwrap_or(1)
    }

    /// Threads of a cube, and how many loads each has for a row of G.
    fn threads(&self, client: &Client) -> (usize, usize) {
        let hardware = &client.properties().hardware;
        let most = (hardware.max_cube_dim.0.min(hardware.max_units_per_cube) as usize).min(512);
        let loads = (self.atoms / self.width()).max(1);
        let threads = loads.next_multiple_of(32).min(most / 32 * 32);
        (threads, loads.div_ceil(threads))
    }

    fn cubes(&self) -> CubeCount {
        // A side of a grid has 65 535 at most.
        let side = self.examples.min(32768);
        CubeCount::Static(side as u32, self.examples.div_ceil(side) as u32, 1)
    }
}

/// Whether a device runs these kernels.
pub fn serves(client: &Client, sizes: Sizes) -> bool {
    let hardware = &client.properties().hardware;
    let atomic = Type::atomic(ElemType::Float(FloatKind::F32));
    let adds = client.features().types.atomic.get(&atomic);
    adds.is_some_and(|usage| usage.contains(AtomicUsage::Add))
        && hardware.max_units_per_cube.min(hardware.max_cube_dim.0) >= 32
        && shared(sizes.atoms) <= hardware.max_shared_memory_size
        && (sizes.kept() * size_of::<f32>()) as u64 <= client.properties().memory.max_page_size
}

/// Whether the hardware adds over planes.
fn planes(client: &Client) -> bool {
    client.features().plane.contains(Plane::Ops)
}

/// Bytes of shared memory of the larger kernel: two lists of atoms, values of both, two sums; sums over planes.
fn shared(atoms: usize) -> usize {
    7 * (atoms + list::ROWS) * size_of::<f32>() + list::SUMS * size_of::<u32>()
}
