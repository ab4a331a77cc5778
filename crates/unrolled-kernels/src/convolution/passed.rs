//! What the forward pass leaves.

use super::codes::Codes;
use super::geometry::{Band, Geometry};
use crate::number::Number;

/// Codes, images, and what the adjoint needs.
#[derive(Clone, Debug)]
pub struct Passed<T> {
    pub(super) geometry: Geometry,
    pub(super) bands: Vec<Band>,
    pub(super) iterations: usize,
    pub(super) window: usize,
    /// One list of bands for each example.
    pub(super) examples: Vec<Vec<Kept<T>>>,
    /// x̂, `[n, m]`.
    pub(super) images: Vec<T>,
}

/// Of one band of one example.
#[derive(Clone, Debug)]
pub(super) struct Kept<T> {
    /// z from the beginning of the window to the end: one more than there are iterations in it.
    pub iterates: Vec<Codes<T>>,
    /// w ⊙ (w ⊙ B z − x) in each of these iterations.
    pub residuals: Vec<Vec<T>>,
}

impl<T: Number> Passed<T> {
    /// z_T, `[n, p·H'·W']`: the map of one filter after the other.
    pub fn codes(&self) -> Vec<T> {
        let positions = self.geometry.positions[0] * self.geometry.positions[1];
        let mut out = vec![T::ZERO; self.examples.len() * self.geometry.codes()];
        for (out, example) in out.chunks_exact_mut(self.geometry.codes()).zip(&self.examples) {
            for (band, codes) in self.bands.iter().zip(Self::last(example)) {
                let first = band.rows.start * self.geometry.positions[1];
                for position in 0..codes.positions() {
                    for entry in codes.range(position) {
                        let filter = codes.filters[entry] as usize;
                        out[filter * positions + first + position] = codes.values[entry];
                    }
                }
            }
        }
        out
    }

    /// x̂ = D z_T, `[n, m]`.
    pub fn images(&self) -> &[T] {
        &self.images
    }

    /// Σ |z_T|.
    pub fn sparsity(&self) -> f64 {
        let values = self.examples.iter().flat_map(|e| Self::last(e)).flat_map(|c| &c.values);
        values.map(|z| z.to_f64().abs()).sum()
    }

    /// How many entries of z_T are not 0.
    pub fn nonzeros(&self) -> usize {
        self.examples.iter().flat_map(|e| Self::last(e)).map(|codes| codes.values.len()).sum()
    }

    fn last(example: &[Kept<T>]) -> impl Iterator<Item = &Codes<T>> {
        example.iter().filter_map(|kept| kept.iterates.last())
    }
}
