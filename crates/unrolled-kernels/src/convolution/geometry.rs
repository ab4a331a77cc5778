//! Sizes, positions and bands.

use std::ops::Range;

use crate::number::{Number, padded};

/// Most bands of an image.
const BANDS: usize = 8;
/// Fewest rows of positions in a band.
const LEAST_ROWS: usize = 3;

/// What sizes say.
#[derive(Clone, Debug)]
pub(super) struct Geometry {
    /// p.
    pub filters: usize,
    pub channels: usize,
    /// `[height, width]` of a filter.
    pub filter: [usize; 2],
    /// `[height, width]` of an image.
    pub image: [usize; 2],
    pub stride: usize,
    /// `[rows, columns]` of positions.
    pub positions: [usize; 2],
    /// Numbers in a filter.
    pub taps: usize,
    /// The same, padded.
    pub width: usize,
    /// p, padded.
    pub lanes: usize,
}

/// Some rows of positions, and the pixels under them: a *strip* `[channels, height, image width]`.
#[derive(Clone, Debug)]
pub(super) struct Band {
    /// Of positions.
    pub rows: Range<usize>,
    /// The first row of pixels.
    pub top: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Where the rows of a patch begin in a strip, for the position at its start.
    pub offsets: Vec<usize>,
}

impl Geometry {
    pub fn new(
        [filters, channels, h, w]: [usize; 4],
        [height, width]: [usize; 2],
        stride: usize,
    ) -> Self {
        let taps = channels * h * w;
        Self {
            filters,
            channels,
            filter: [h, w],
            image: [height, width],
            stride,
            positions: [(height - h) / stride + 1, (width - w) / stride + 1],
            taps,
            width: padded(taps),
            lanes: padded(filters),
        }
    }

    /// Numbers in an image.
    pub fn pixels(&self) -> usize {
        self.channels * self.image[0] * self.image[1]
    }

    /// Codes of an image.
    pub fn codes(&self) -> usize {
        self.filters * self.positions[0] * self.positions[1]
    }

    /// Bands of about equal height, from the top down.
    pub fn bands(&self) -> Vec<Band> {
        let rows = self.positions[0];
        // Not lower than a filter reaches: then only neighbours share pixels.
        let least = LEAST_ROWS.max(self.filter[0].div_ceil(self.stride) - 1);
        let count = (rows / least).clamp(1, BANDS);
        let band = |index: usize| {
            let rows = index * rows / count..(index + 1) * rows / count;
            let height = (rows.len() - 1) * self.stride + self.filter[0];
            let row = |k: usize| {
                let (channel, y) = (k / self.filter[0], k % self.filter[0]);
                (channel * height + y) * self.image[1]
            };
            let offsets = (0..self.channels * self.filter[0]).map(row).collect();
            Band { top: rows.start * self.stride, rows, height, offsets }
        };
        (0..count).map(band).collect()
    }

    /// Numbers in the strip of `band`.
    pub fn strip(&self, band: &Band) -> usize {
        self.channels * band.height * self.image[1]
    }

    /// Positions in `band`.
    pub fn positions(&self, band: &Band) -> usize {
        band.rows.len() * self.positions[1]
    }

    /// The part of `image` `[channels, H, W]` that lies under `band`, one slice for each channel.
    pub fn under<'a, T>(&self, band: &Band, image: &'a [T]) -> impl Iterator<Item = &'a [T]> {
        let [height, width] = self.image;
        let range = band.top * width..(band.top + band.height) * width;
        image.chunks_exact(height * width).map(move |channel| &channel[range.clone()])
    }

    /// Adds what the strips of all `bands` say of the pixels of `band`, in their order, to `strip`.
    pub fn gather<T: Number>(
        &self,
        bands: &[Band],
        strips: &[Vec<T>],
        band: &Band,
        strip: &mut [T],
    ) {
        let width = self.image[1];
        for (other, from) in bands.iter().zip(strips) {
            let top = band.top.max(other.top);
            let end = (band.top + band.height).min(other.top + other.height);
            if top >= end {
                continue;
            }
            for channel in 0..self.channels {
                let at = |band: &Band| (channel * band.height + top - band.top) * width;
                let length = (end - top) * width;
                let from = &from[at(other)..][..length];
                strip[at(band)..][..length].iter_mut().zip(from).for_each(|(a, b)| *a += *b);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_cover_every_row_once() {
        for (rows, stride, h) in [(1, 1, 1), (31, 4, 9), (123, 1, 7), (7, 2, 3), (100, 3, 2)] {
            let image = [(rows - 1) * stride + h, 5];
            let bands = Geometry::new([1, 1, h, 3], image, stride).bands();
            let covered: Vec<usize> = bands.iter().flat_map(|band| band.rows.clone()).collect();
            assert_eq!(covered, (0..rows).collect::<Vec<_>>());
            assert_eq!(bands.last().map(|band| band.top + band.height), Some(image[0]));
        }
    }
}
