//! All iterations of an example.

use cubecl::prelude::*;

use super::list::{ROWS, SUMS, list};
use super::{Sizes, planes};
use crate::call::{Codes, Forward, buffer};
use crate::prox::threshold;
use crate::settings::{Settings, place};

/// z_T, and the iterates that the way back asks for.
pub fn forward(client: &Client, settings: Settings, sizes: Sizes, given: &Forward) -> Codes {
    let (n, p, width) = (sizes.examples, sizes.atoms, sizes.width());
    let kept = sizes.kept();
    let codes = client.empty(n * p * size_of::<f32>());
    let iterates = client.empty(kept.max(width) * size_of::<f32>());
    let (threads, loads) = sizes.threads(client);
    // SAFETY: every buffer was made with that many numbers, here or by the caller, who names their shapes; threads beyond
    // the atoms read and write nothing, cubes beyond the examples neither; the kernel ends.
    unsafe {
        iterations::launch_unchecked(
            client,
            sizes.cubes(),
            CubeDim::new_1d(threads as u32),
            width,
            buffer(&given.gram, p * p / width),
            buffer(&given.correlations, n * p / width),
            buffer(&given.thresholds, given.threshold_count),
            buffer(&codes, n * p / width),
            buffer(&iterates, kept.max(width) / width),
            n,
            sizes.iterations,
            sizes.first_kept(),
            settings,
            loads,
            planes(client),
            sizes.window > 0,
        );
    }
    Codes { codes, iterates }
}

#[cube(launch_unchecked)]
fn iterations<N: Size>(
    gram: &[Vector<f32, N>],
    correlations: &[Vector<f32, N>],
    thresholds: &[f32],
    codes: &mut [Vector<f32, N>],
    iterates: &mut [Vector<f32, N>],
    examples: usize,
    iterations: usize,
    first_kept: usize,
    #[comptime] network: Settings,
    #[comptime] loads: usize,
    #[comptime] planes: bool,
    #[comptime] keeps: bool,
) {
    let p = comptime!(network.atoms);
    let row = p / N::value();
    let unit = UNIT_POS_X as usize;
    let threads = CUBE_DIM_X as usize;
    let example = CUBE_POS;
    if example >= examples {
        terminate!();
    }

    let mut atoms = Shared::<[u32]>::new_slice(p + ROWS);
    let mut values = Shared::<[f32]>::new_slice(p + ROWS);
    let mut sums = Shared::<[u32]>::new_slice(SUMS);

    let mut c = Array::<Vector<f32, N>>::new(loads);
    let mut z = Array::<Vector<f32, N>>::new(loads);
    let mut image = Array::<Vector<f32, N>>::new(loads);
    #[unroll]
    for k in 0..loads {
        c[k] = Vector::new(0.0);
        z[k] = Vector::new(0.0);
        if unit + k * threads < row {
            c[k] = correlations[example * row + unit + k * threads];
        }
    }
    let mut count = 0usize;
    for t in 0..iterations {
        #[unroll]
        for k in 0..loads {
            image[k] = Vector::new(0.0);
        }
        let mut a = 0usize;
        while a < count {
            #[unroll]
            for k in 0..loads {
                if unit + k * threads < row {
                    #[unroll]
                    for r in 0..ROWS {
                        let value = Vector::<f32, N>::new(values[a + r]);
                        let start = (atoms[a + r] as usize) * row + unit;
                        image[k] = fma(gram[start + k * threads], value, image[k]);
                    }
                }
            }
            a += ROWS;
        }
        #[unroll]
        for k in 0..loads {
            let number = unit + k * threads;
            if number < row {
                let mut b = Vector::<f32, N>::new(0.0);
                if comptime!(network.by_atom) {
                    #[unroll]
                    for e in 0..N::value() {
                        b.insert(e, thresholds[place(t, number * N::value() + e, network)]);
                    }
                } else {
                    b = Vector::new(thresholds[place(t, 0usize, network)]);
                }
                z[k] = threshold::<N>(z[k] - image[k] + c[k], b, network.prox);
                if keeps && t + 1 >= first_kept {
                    iterates[((t + 1 - first_kept) * examples + example) * row + number] = z[k];
                }
            }
        }
        count = list::<N>(&z, &mut atoms, 0usize, &mut values, &mut sums, loads, planes);
    }
    #[unroll]
    for k in 0..loads {
        if unit + k * threads < row {
            codes[example * row + unit + k * threads] = z[k];
        }
    }
}
