//! The adjoint of all iterations of a few examples.

use cubecl::prelude::*;
use cubecl::server::Handle;

use super::{EXAMPLES, Sizes, threads};
use crate::Settings;
use crate::call::buffer;

/// What the way back starts from.
#[derive(Clone, Debug)]
pub struct Backward {
    /// `G = α DᵀD`, `[p, p]`.
    pub gram: Handle,
    /// What [`super::forward`] kept.
    pub iterates: Handle,
    /// `q = ∂ loss / ∂ z_T`, `[n, p]`.
    pub of_codes: Handle,
}

/// Sums over iterations, and over the examples of a cube.
#[derive(Clone, Debug)]
pub struct Cotangents {
    /// `Σ_t s`, `[n, p]`.
    pub cotangents: Handle,
    /// `Σ_t z_tᵀ s` of every cube, `[cubes, p, p]`.
    pub products: Handle,
    /// `−Σ sign(z_{t+1}) s` of every cube, `[cubes, layers, p]`, with a layer for each iteration where they have
    /// thresholds of their own (those that were not gone through are not written).
    pub thresholds: Handle,
}

/// Back through the last `window` iterations.
pub fn backward(client: &Client, settings: Settings, sizes: Sizes, given: &Backward) -> Cotangents {
    let p = settings.atoms;
    let cubes = sizes.cubes();
    let layers = if settings.by_iteration { sizes.iterations } else { 1 };
    let numbers = |count: usize| client.empty(count * size_of::<f32>());
    let made = Cotangents {
        cotangents: numbers(sizes.examples * p),
        products: numbers(cubes * p * p),
        thresholds: numbers(cubes * layers * p),
    };
    // SAFETY: every buffer was made with that many numbers, here or by the caller, who names their shapes; threads beyond
    // the atoms write nothing, examples beyond the last neither; the kernel ends.
    unsafe {
        adjoint::launch_unchecked(
            client,
            CubeCount::Static(cubes as u32, 1, 1),
            CubeDim::new_2d(threads(p), 2),
            EXAMPLES,
            buffer(&given.gram, p * p),
            buffer(&given.iterates, sizes.kept(p) / EXAMPLES),
            buffer(&given.of_codes, sizes.examples * p),
            buffer(&made.cotangents, sizes.examples * p),
            buffer(&made.products, cubes * p * p),
            buffer(&made.thresholds, cubes * layers * p),
            sizes.examples,
            sizes.iterations,
            sizes.window,
            sizes.first_kept(),
            settings,
        );
    }
    made
}

/// Threads with y = 0 go back, those with y = 1 add products up; both read what they need of all atoms from shared memory.
#[cube(launch_unchecked)]
fn adjoint<N: Size>(
    gram: &[f32],
    iterates: &[Vector<f32, N>],
    of_codes: &[f32],
    cotangents: &mut [f32],
    products: &mut [f32],
    of_thresholds: &mut [f32],
    examples: usize,
    iterations: usize,
    window: usize,
    first_kept: usize,
    #[comptime] network: Settings,
) {
    let p = comptime!(network.atoms);
    let unit = UNIT_POS_X as usize;
    let inside = unit < p;
    let atom = select(inside, unit, 0usize);
    let goes_back = UNIT_POS_Y == 0;
    let cube = CUBE_POS_X as usize;
    let cubes = CUBE_COUNT_X as usize;
    let groups = examples.div_ceil(N::value());
    let zero = Vector::<f32, N>::new(0.0);

    // A column of −G, or sums of products with this atom's cotangents.
    let mut held = Array::<f32>::new(p);
    if goes_back {
        #[unroll]
        for i in 0..p {
            held[i] = -gram[i * p + atom];
        }
    }
    let mut s_shared = Shared::<[Vector<f32, N>]>::new_slice(2 * p);
    let mut z_shared = Shared::<[Vector<f32, N>]>::new_slice(2 * p);
    let mut of_threshold = 0.0f32;
    let mut half = 0usize;
    let mut group = cube;
    while group < groups {
        let first = group * N::value();
        let mut q = Vector::<f32, N>::new(0.0);
        if goes_back {
            #[unroll]
            for e in 0..N::value() {
                if first + e < examples {
                    q.insert(e, of_codes[(first + e) * p + atom]);
                }
            }
        }

        let mut sum = Vector::<f32, N>::new(0.0);
        // z_{t+1}, and then z_t while z_{t+1} is worked on.
        let mut after = iterates[((iterations - first_kept) * groups + group) * p + atom];
        for back in 0..window {
            let t = iterations - 1 - back;
            let mut before = zero;
            if t >= first_kept {
                before = iterates[((t - first_kept) * groups + group) * p + atom];
            }
            let mut s = zero;
            if goes_back {
                s = select_many(after.equal(&zero), zero, q);
                sum += s;
                let negative = select_many(after.less_than(&zero), s, zero - s);
                let signed = select_many(after.equal(&zero), zero, negative);
                let mut total = 0.0f32;
                #[unroll]
                for e in 0..N::value() {
                    total += signed.extract(e);
                }
                if comptime!(network.by_iteration) {
                    if inside {
                        let place = (cube * iterations + t) * p + unit;
                        if group == cube {
                            of_thresholds[place] = total;
                        } else {
                            of_thresholds[place] += total;
                        }
                    }
                } else {
                    of_threshold += total;
                }
                if inside {
                    s_shared[half + unit] = s;
                }
            } else if inside {
                z_shared[half + unit] = before;
            }
            sync_cube();
            if t > 0 {
                if goes_back {
                    q = s;
                    #[unroll]
                    for i in 0..p {
                        q = fma(s_shared[half + i], Vector::new(held[i]), q);
                    }
                } else {
                    s = s_shared[half + atom];
                    #[unroll]
                    for i in 0..p {
                        let z = z_shared[half + i];
                        let mut total = held[i];
                        #[unroll]
                        for e in 0..N::value() {
                            total = fma(z.extract(e), s.extract(e), total);
                        }
                        held[i] = total;
                    }
                }
            }
            after = before;
            half = p - half;
        }
        if inside && goes_back {
            #[unroll]
            for e in 0..N::value() {
                if first + e < examples {
                    cotangents[(first + e) * p + unit] = sum.extract(e);
                }
            }
        }
        group += cubes;
    }
    if inside {
        if goes_back {
            if comptime!(!network.by_iteration) {
                of_thresholds[cube * p + unit] = of_threshold;
            }
        } else {
            #[unroll]
            for i in 0..p {
                products[(cube * p + i) * p + unit] = held[i];
            }
        }
    }
}
