//! Lists of what is not 0, in shared memory.

use cubecl::prelude::*;

/// Threads of a group that counts for itself, where planes are not to be had.
const GROUP: usize = 32;

/// How many rows of G are on their way at a time: the lists are filled up to a multiple with an atom of code 0.
pub(crate) const ROWS: usize = 8;

/// The most groups, or planes, in a cube.
const GROUPS: usize = 256;

/// Numbers of shared memory for counting.
pub(crate) const SUMS: usize = GROUPS + 1024;

/// Writes the atoms of an example whose code is not 0, and their codes, to `atoms[start ..]` and `values`, and
/// [`ROWS`] times the first atom with code 0 after them; returns how many they are. All threads of a cube call it, each with its vectors of codes: `z[k]` is number `unit + k threads`.
///
/// What was read of `values`, and of this part of `atoms`, before the call may be overwritten by it; what it wrote can
/// be read after it.
#[cube]
pub(crate) fn list<N: Size>(
    z: &Array<Vector<f32, N>>,
    atoms: &mut Shared<[u32]>,
    start: usize,
    values: &mut Shared<[f32]>,
    sums: &mut Shared<[u32]>,
    #[comptime] loads: usize,
    #[comptime] planes: bool,
) -> usize {
    let unit = UNIT_POS_X as usize;
    let mut own = 0u32;
    #[unroll]
    for k in 0..loads {
        #[unroll]
        for e in 0..N::value() {
            if z[k].extract(e) != 0.0 {
                own += 1;
            }
        }
    }
    // In groups of threads, and then over groups: by the hardware where it has a sum over planes.
    let mut before = 0u32;
    let mut group = unit / GROUP;
    let mut groups = (CUBE_DIM_X as usize).div_ceil(GROUP);
    if comptime!(planes) {
        before = plane_exclusive_sum(own);
        group = PLANE_POS as usize;
        groups = (CUBE_DIM_X as usize).div_ceil(PLANE_DIM as usize);
        if UNIT_POS_PLANE == PLANE_DIM - 1 {
            sums[group] = before + own;
        }
    } else {
        let counts = GROUPS + unit - unit % GROUP;
        sums[GROUPS + unit] = own;
        sync_cube();
        for other in 0..unit % GROUP {
            before += sums[counts + other];
        }
        if unit % GROUP == GROUP - 1 {
            sums[group] = before + own;
        }
    }
    sync_cube();
    let mut count = 0u32;
    let mut place = before;
    for other in 0..groups {
        let sum = sums[other];
        if other < group {
            place += sum;
        }
        count += sum;
    }
    #[unroll]
    for k in 0..loads {
        #[unroll]
        for e in 0..N::value() {
            let value = z[k].extract(e);
            if value != 0.0 {
                let atom = (unit + k * (CUBE_DIM_X as usize)) * N::value() + e;
                atoms[start + place as usize] = atom as u32;
                values[place as usize] = value;
                place += 1;
            }
        }
    }
    if unit < ROWS {
        atoms[start + count as usize + unit] = 0;
        values[count as usize + unit] = 0.0;
    }
    sync_cube();
    count as usize
}
