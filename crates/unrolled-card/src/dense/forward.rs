//! All iterations of a few examples.

use cubecl::prelude::*;

use super::{EXAMPLES, Sizes, threads};
use crate::call::{Codes, Forward, buffer};
use crate::prox::threshold;
use crate::settings::{Settings, place};

/// z_T, and the iterates that the way back asks for.
pub fn forward(client: &Client, settings: Settings, sizes: Sizes, given: &Forward) -> Codes {
    let p = settings.atoms;
    let kept = sizes.kept(p);
    let codes = client.empty(sizes.examples * p * size_of::<f32>());
    let iterates = client.empty(kept.max(EXAMPLES) * size_of::<f32>());
    // SAFETY: every buffer was made with that many numbers, here or by the caller, who names their shapes; threads beyond
    // the atoms write nothing, examples beyond the last neither; the kernel ends.
    unsafe {
        unroll::launch_unchecked(
            client,
            CubeCount::Static(sizes.groups() as u32, 1, 1),
            CubeDim::new_1d(threads(p)),
            EXAMPLES,
            buffer(&given.gram, p * p),
            buffer(&given.correlations, sizes.examples * p),
            buffer(&given.thresholds, given.threshold_count),
            buffer(&codes, sizes.examples * p),
            buffer(&iterates, kept.max(EXAMPLES) / EXAMPLES),
            sizes.examples,
            sizes.iterations,
            sizes.first_kept(),
            settings,
            sizes.window > 0,
        );
    }
    Codes { codes, iterates }
}

#[cube(launch_unchecked)]
fn unroll<N: Size>(
    gram: &[f32],
    correlations: &[f32],
    thresholds: &[f32],
    codes: &mut [f32],
    iterates: &mut [Vector<f32, N>],
    examples: usize,
    iterations: usize,
    first_kept: usize,
    #[comptime] network: Settings,
    #[comptime] keeps: bool,
) {
    let p = comptime!(network.atoms);
    let unit = UNIT_POS_X as usize;
    let inside = unit < p;
    let atom = select(inside, unit, 0usize);
    let cube = CUBE_POS_X as usize;
    let first = cube * N::value();

    let mut column = Array::<f32>::new(p);
    #[unroll]
    for i in 0..p {
        column[i] = gram[i * p + atom];
    }
    let mut c = Vector::<f32, N>::new(0.0);
    #[unroll]
    for e in 0..N::value() {
        if first + e < examples {
            c.insert(e, correlations[(first + e) * p + atom]);
        }
    }

    // Two halves: one is read while the other is written.
    let mut shared = Shared::<[Vector<f32, N>]>::new_slice(2 * p);
    let mut z = Vector::<f32, N>::new(0.0);
    let mut half = 0usize;
    for t in 0..iterations {
        let mut v = c;
        if t > 0 {
            let mut image = Vector::<f32, N>::new(0.0);
            #[unroll]
            for i in 0..p {
                image = fma(shared[half + i], Vector::new(column[i]), image);
            }
            v = z - image + c;
            half = p - half;
        }
        let b = Vector::new(thresholds[place(t, atom, network)]);
        z = threshold::<N>(v, b, network.prox);
        if inside {
            shared[half + unit] = z;
            if keeps && t + 1 >= first_kept {
                let row = (t + 1 - first_kept) * (CUBE_COUNT_X as usize) + cube;
                iterates[row * p + unit] = z;
            }
        }
        sync_cube();
    }
    if inside {
        #[unroll]
        for e in 0..N::value() {
            if first + e < examples {
                codes[(first + e) * p + unit] = z.extract(e);
            }
        }
    }
}
