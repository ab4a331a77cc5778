//! All iterations of all examples.

use pulp::Arch;
use rayon::prelude::*;

use super::band::{Iteration, State};
use super::codes::Codes;
use super::geometry::{Band, Geometry};
use super::packed::Packed;
use super::passed::{Kept, Passed};
use super::{ConvolutionalUnroll, patches};
use crate::number::Number;
use crate::ordered::in_order;
use crate::problem::{Matrix, Misfit};

/// Whether threads share an image rather than each taking its own.
pub(super) fn share(examples: usize) -> bool {
    let threads = rayon::current_num_threads();
    examples < threads || (examples < 4 * threads && !examples.is_multiple_of(threads))
}

struct Forward<'a, T> {
    unroll: &'a ConvolutionalUnroll<'a, T>,
    geometry: &'a Geometry,
    bands: &'a [Band],
    analysis: Packed<T>,
    /// D, then B.
    synthesis: Packed<T>,
    /// b, `[1 or T, lanes]`.
    thresholds: Vec<T>,
    window: usize,
    arch: Arch,
}

pub(super) fn forward<T: Number>(
    unroll: &ConvolutionalUnroll<T>,
    x: Matrix<T>,
    window: usize,
) -> Result<Passed<T>, Misfit> {
    let geometry = unroll.check(&x)?;
    let window = window.min(unroll.iterations);
    let bands = geometry.bands();
    let mut thresholds = vec![T::ZERO; unroll.thresholds.rows * geometry.lanes];
    for (index, to) in thresholds.chunks_exact_mut(geometry.lanes).enumerate() {
        let from = unroll.thresholds.row(index).iter().cycle();
        to[..geometry.filters].iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    }
    let all = Forward {
        unroll,
        geometry: &geometry,
        bands: &bands,
        analysis: Packed::taps(&geometry, unroll.analysis.iter()),
        synthesis: Packed::rows(
            &geometry,
            std::iter::once(&unroll.decoder).chain(&unroll.synthesis),
        ),
        thresholds,
        window,
        arch: Arch::new(),
    };
    let mut examples = Vec::with_capacity(x.rows);
    let mut images = vec![T::ZERO; x.rows * geometry.pixels()];
    let mut take = |index: usize, (kept, said): (Vec<Kept<T>>, Vec<Vec<T>>)| {
        let image = &mut images[index * geometry.pixels()..][..geometry.pixels()];
        put_together(&geometry, &bands, &said, image);
        examples.push(kept);
    };
    match share(x.rows) {
        true => rayon::scope(|_| {
            (0..x.rows).for_each(|index| take(index, all.example(&x, index, true)));
        }),
        false => in_order(x.rows, |index| all.example(&x, index, false), take),
    }
    let iterations = unroll.iterations;
    Ok(Passed { geometry, bands, iterations, window, examples, images })
}

/// An image from what the bands say.
fn put_together<T: Number>(geometry: &Geometry, bands: &[Band], said: &[Vec<T>], image: &mut [T]) {
    let [height, width] = geometry.image;
    let whole = Band { rows: 0..geometry.positions[0], top: 0, height, offsets: Vec::new() };
    debug_assert_eq!(image.len(), geometry.channels * height * width);
    geometry.gather(bands, said, &whole, image);
}

impl<T: Number> Forward<'_, T> {
    fn example(&self, x: &Matrix<T>, index: usize, shared: bool) -> (Vec<Kept<T>>, Vec<Vec<T>>) {
        let Self { unroll, geometry, bands, .. } = *self;
        let weights = unroll.weights.map(|w| w.row(if w.rows == 1 { 0 } else { index }));
        let x = x.row(index);
        let mut states: Vec<_> = bands.iter().map(|band| State::new(geometry, band)).collect();
        let mut said: Vec<Vec<T>> = bands.iter().map(|b| patches::strip(geometry, b)).collect();
        let mut kept: Vec<_> = bands.iter().map(|_| Kept::new(self.window)).collect();
        let from = unroll.iterations - self.window;
        for t in 0..unroll.iterations {
            let row = if unroll.thresholds.rows == 1 { 0 } else { t };
            let next = match t + 1 == unroll.iterations {
                true => 0,
                false => 1 + ConvolutionalUnroll::set(&unroll.synthesis, t + 1),
            };
            let iterate = |(band, (state, kept)): (&Band, (&mut State<T>, &mut Kept<T>))| {
                if t == from {
                    kept.iterates.push(state.codes.clone());
                }
                self.arch.dispatch(Iteration {
                    unroll,
                    geometry,
                    bands,
                    band,
                    x,
                    weights,
                    said: (t > 0).then_some(&said[..]),
                    analysis: self.analysis.set(ConvolutionalUnroll::set(&unroll.analysis, t)),
                    thresholds: &self.thresholds[row * geometry.lanes..][..geometry.lanes],
                    synthesis: self.synthesis.set(next),
                    state,
                });
                if t >= from {
                    kept.residuals.push(state.residual.clone());
                    kept.iterates.push(state.codes.clone());
                }
            };
            match shared {
                true => bands
                    .par_iter()
                    .zip(states.par_iter_mut().zip(&mut kept))
                    .with_max_len(1)
                    .for_each(iterate),
                false => bands.iter().zip(states.iter_mut().zip(&mut kept)).for_each(iterate),
            }
            for (said, state) in said.iter_mut().zip(&mut states) {
                std::mem::swap(said, &mut state.says);
            }
        }
        if self.window == 0 {
            for (kept, state) in kept.iter_mut().zip(states) {
                kept.iterates.push(state.codes);
            }
        }
        (kept, said)
    }
}

impl<T: Number> Kept<T> {
    fn new(window: usize) -> Self {
        let iterates: Vec<Codes<T>> = Vec::with_capacity(window + 1);
        Self { iterates, residuals: Vec::with_capacity(window) }
    }
}
