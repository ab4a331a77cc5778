//! Sums of gradients.

use super::aligned::Aligned;
use super::geometry::Geometry;
use super::packed::unpack;
use super::{ConvolutionalUnroll, Filters};
use crate::number::Number;

/// Gradients, summed over examples.
#[derive(Clone, Debug)]
pub struct ConvolutionalGradients<T> {
    /// Of D at fixed codes, `[p, c, h, w]`.
    pub decoder: Vec<T>,
    /// Of A through the iterations, for every set that was given.
    pub analysis: Vec<Vec<T>>,
    /// Of B, likewise.
    pub synthesis: Vec<Vec<T>>,
    /// Of b, `[T, p]`: 0 outside the window, and with a hard threshold.
    pub thresholds: Vec<f64>,
    /// Of α.
    pub step: f64,
}

/// What a thread sums up, `[p, width]` each.
pub(super) struct Sums<T> {
    /// Σ g z.
    pub decoder: Aligned<T>,
    /// Σ d s, without −α.
    pub analysis: Vec<Aligned<T>>,
    /// Σ v z, without −α.
    pub synthesis: Vec<Aligned<T>>,
    pub thresholds: Vec<f64>,
}

impl<T: Number> Sums<T> {
    pub fn new(unroll: &ConvolutionalUnroll<T>, geometry: &Geometry, window: usize) -> Self {
        let size = geometry.filters * geometry.width;
        let zeros = |sets: &[Filters<T>]| {
            // No memory for iterations outside the window.
            let first = if sets.len() == 1 { 0 } else { unroll.iterations - window };
            let one = |t: usize| Aligned::zeros(if t < first { 0 } else { size });
            (0..sets.len()).map(one).collect()
        };
        Self {
            decoder: Aligned::zeros(size),
            analysis: zeros(&unroll.analysis),
            synthesis: zeros(&unroll.synthesis),
            thresholds: vec![0.0; unroll.iterations * geometry.filters],
        }
    }

    pub fn add(&mut self, other: &Self) {
        fn each<T: Number>(to: &mut [T], from: &[T]) {
            to.iter_mut().zip(from).for_each(|(to, from)| *to += *from);
        }
        each(&mut self.decoder, &other.decoder);
        for (to, from) in self.analysis.iter_mut().zip(&other.analysis) {
            each(to, from);
        }
        for (to, from) in self.synthesis.iter_mut().zip(&other.synthesis) {
            each(to, from);
        }
        each(&mut self.thresholds, &other.thresholds);
    }

    pub fn finish(
        self,
        unroll: &ConvolutionalUnroll<T>,
        geometry: &Geometry,
    ) -> ConvolutionalGradients<T> {
        let unpacked = |sets: Vec<Aligned<T>>, factor: T| -> Vec<Vec<T>> {
            let size = geometry.filters * geometry.taps;
            let one = |set: Aligned<T>| match set.is_empty() {
                true => vec![T::ZERO; size],
                false => unpack(geometry, &set, factor),
            };
            sets.into_iter().map(one).collect()
        };
        // Σ ⟨s, A d⟩ = Σ ⟨d s, A⟩.
        let mut step = 0.0;
        for (set, filters) in self.analysis.iter().zip(&unroll.analysis) {
            let rows = set.chunks_exact(geometry.width);
            for (sum, filter) in rows.zip(filters.data.chunks_exact(geometry.taps)) {
                let products = sum.iter().zip(filter).map(|(g, f)| g.to_f64() * f.to_f64());
                step -= products.sum::<f64>();
            }
        }
        ConvolutionalGradients {
            decoder: unpack(geometry, &self.decoder, T::ONE),
            analysis: unpacked(self.analysis, -unroll.step),
            synthesis: unpacked(self.synthesis, -unroll.step),
            thresholds: self.thresholds,
            step,
        }
    }
}
