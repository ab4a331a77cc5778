//! The adjoint of all iterations of an example.

use cubecl::prelude::*;
use cubecl::server::Handle;

use super::list::{ROWS, SUMS, list};
use super::{Sizes, planes};
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
    /// Zeros, `[p, p]`: what products are added to.
    pub products: Handle,
}

/// Sums over iterations.
#[derive(Clone, Debug)]
pub struct Cotangents {
    /// `Σ_t s`, `[n, p]`.
    pub cotangents: Handle,
    /// `−Σ_t sign(z_{t+1}) s`, `[n, p]`.
    pub thresholds: Handle,
}

/// Back through the last `window` iterations. What thresholds of every iteration would have is not told.
pub fn backward(client: &Client, settings: Settings, sizes: Sizes, given: &Backward) -> Cotangents {
    let (n, p, width) = (sizes.examples, sizes.atoms, sizes.width());
    let (threads, loads) = sizes.threads(client);
    let numbers = || client.empty(n * p * size_of::<f32>());
    let made = Cotangents { cotangents: numbers(), thresholds: numbers() };
    // SAFETY: every buffer was made with that many numbers, here or by the caller, who names their shapes; threads beyond
    // the atoms read and write nothing, cubes beyond the examples neither; the kernel ends.
    unsafe {
        adjoint::launch_unchecked(
            client,
            sizes.cubes(),
            CubeDim::new_1d(threads as u32),
            width,
            buffer(&given.gram, p * p),
            buffer(&given.iterates, sizes.kept() / width),
            buffer(&given.of_codes, n * p),
            buffer(&given.products, p * p),
            buffer(&made.cotangents, n * p),
            buffer(&made.thresholds, n * p),
            n,
            sizes.iterations,
            sizes.window,
            sizes.first_kept(),
            settings,
            loads,
            planes(client),
        );
    }
    made
}

#[cube(launch_unchecked)]
fn adjoint<N: Size>(
    gram: &[f32],
    iterates: &[Vector<f32, N>],
    of_codes: &[f32],
    products: &[Atomic<f32>],
    cotangents: &mut [f32],
    of_thresholds: &mut [f32],
    examples: usize,
    iterations: usize,
    window: usize,
    first_kept: usize,
    #[comptime] network: Settings,
    #[comptime] loads: usize,
    #[comptime] planes: bool,
) {
    let p = comptime!(network.atoms);
    let row = p / N::value();
    let unit = UNIT_POS_X as usize;
    let threads = CUBE_DIM_X as usize;
    let example = CUBE_POS;
    if example >= examples {
        terminate!();
    }

    // Two lists, of z_{t+1} and of z_t, that take turns.
    let mut atoms = Shared::<[u32]>::new_slice(2 * (p + ROWS));
    let mut values = Shared::<[f32]>::new_slice(p + ROWS);
    let mut s = Shared::<[f32]>::new_slice(2 * (p + ROWS));
    let mut sums = Shared::<[u32]>::new_slice(SUMS);
    let mut sum = Shared::<[f32]>::new_slice(p);
    let mut of_threshold = Shared::<[f32]>::new_slice(p);
    let mut number = unit;
    while number < p {
        sum[number] = 0.0;
        of_threshold[number] = 0.0;
        number += threads;
    }

    let mut z = Array::<Vector<f32, N>>::new(loads);
    #[unroll]
    for k in 0..loads {
        z[k] = Vector::new(0.0);
        if unit + k * threads < row {
            z[k] = iterates
                [((iterations - first_kept) * examples + example) * row + unit + k * threads];
        }
    }
    let mut after = 0usize;
    let mut before = (p + ROWS).runtime();
    let mut active = list::<N>(&z, &mut atoms, after, &mut values, &mut sums, loads, planes);
    if unit < ROWS {
        s[after + active + unit] = 0.0;
    }
    // s of z_T is q on its support.
    let mut j = unit;
    while j < active {
        s[after + j] = of_codes[example * p + atoms[after + j] as usize];
        sign_and_add(&mut of_threshold, &values, &atoms, &s, after, j);
        j += threads;
    }
    for back in 0..window {
        let t = iterations - 1 - back;
        // z_t; 0 for t = 0, whose list is empty.
        #[unroll]
        for k in 0..loads {
            z[k] = Vector::new(0.0);
            if t >= first_kept && unit + k * threads < row {
                z[k] = iterates[((t - first_kept) * examples + example) * row + unit + k * threads];
            }
        }
        let count = list::<N>(&z, &mut atoms, before, &mut values, &mut sums, loads, planes);
        if unit < ROWS {
            s[before + count + unit] = 0.0;
        }
        let mut j = unit;
        while j < active {
            sum[atoms[after + j] as usize] += s[after + j];
            j += threads;
        }
        // z_tᵀ s: a group of 32 threads for every atom of z_t.
        let mut i = unit / 32;
        while i < count {
            let start = (atoms[before + i] as usize) * p;
            let value = values[i];
            let mut j = unit % 32;
            while j < active {
                products[start + atoms[after + j] as usize].fetch_add(value * s[after + j]);
                j += 32;
            }
            i += threads / 32;
        }
        if back + 1 < window {
            let mut j = unit;
            while j < count {
                let column = atoms[before + j] as usize;
                let mut total = 0.0f32;
                let mut i = 0usize;
                while i < active {
                    #[unroll]
                    for r in 0..ROWS {
                        let row = atoms[after + i + r] as usize;
                        let same = select(row == column, 1.0f32, 0.0f32);
                        total = fma(s[after + i + r], same - gram[row * p + column], total);
                    }
                    i += ROWS;
                }
                s[before + j] = total;
                sign_and_add(&mut of_threshold, &values, &atoms, &s, before, j);
                j += threads;
            }
        }
        active = count;
        after = before;
        before = p + ROWS - before;
    }
    sync_cube();
    let mut number = unit;
    while number < p {
        cotangents[example * p + number] = sum[number];
        of_thresholds[example * p + number] = of_threshold[number];
        number += threads;
    }
}

/// `−sign(z) s` of entry j of a list.
#[cube]
fn sign_and_add(
    of_threshold: &mut Shared<[f32]>,
    values: &Shared<[f32]>,
    atoms: &Shared<[u32]>,
    s: &Shared<[f32]>,
    list: usize,
    j: usize,
) {
    let cotangent = s[list + j];
    let signed = select(values[j] < 0.0, cotangent, -cotangent);
    of_threshold[atoms[list + j] as usize] += signed;
}
