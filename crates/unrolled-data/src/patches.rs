//! Patches of images.

use ndarray::Array2;
use unrolled::random::Stream;

use crate::{DataSet, Image};

/// Patches of one size.
#[derive(Clone, Debug, PartialEq)]
pub struct Patches {
    /// Height and width.
    pub size: [usize; 2],
    /// Where from.
    pub places: Places,
    /// Whether the mean of every patch, over all its channels, is taken off.
    pub without_mean: bool,
}

/// Where patches are taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Places {
    /// So many places drawn at random, every image as likely as it has places.
    Random(usize),
    /// Every place of which the row and the column are multiples of these, image by image, row by row.
    Grid([usize; 2]),
}

impl Patches {
    /// How many there are.
    pub fn count(&self, images: &[Image]) -> usize {
        match self.places {
            Places::Random(count) => count,
            Places::Grid(strides) => images.iter().map(|image| self.on_grid(image, strides)).sum(),
        }
    }

    fn on_grid(&self, image: &Image, [down, across]: [usize; 2]) -> usize {
        let [height, width] = self.size;
        ((image.height - height) / down + 1) * ((image.width - width) / across + 1)
    }

    /// Draws repeat `repeat` of the data set with this seed; a row is a patch, `[c, h, w]`.
    ///
    /// # Panics
    /// Where there is no image, or one is smaller than a patch, or they differ in their channels.
    pub fn draw(&self, images: &[Image], seed: u64, repeat: u64) -> DataSet {
        let [height, width] = self.size;
        let channels = images[0].channels;
        let mut x = Array2::zeros((self.count(images), channels * height * width));
        let mut rows = x.rows_mut().into_iter();
        let mut put = |image: &Image, top: usize, left: usize| {
            let Some(mut row) = rows.next() else { return };
            let patch = image.crop(top, left, self.size);
            assert_eq!(patch.values.len(), row.len(), "images have the same channels");
            row.iter_mut().zip(&patch.values).for_each(|(entry, pixel)| *entry = f64::from(*pixel));
            if self.without_mean {
                let mean = row.sum() / row.len() as f64;
                row -= mean;
            }
        };
        match self.places {
            Places::Random(count) => {
                let places =
                    |image: &Image| (image.height - height + 1) * (image.width - width + 1);
                let all: usize = images.iter().map(places).sum();
                let mut stream = Stream::new(seed, "data/patches", repeat);
                for _ in 0..count {
                    let mut place = stream.below(all);
                    let image = images.iter().find(|image| {
                        let inside = place < places(image);
                        place -= if inside { 0 } else { places(image) };
                        inside
                    });
                    let image = image.expect("a place lies in one of the images");
                    let across = image.width - width + 1;
                    put(image, place / across, place % across);
                }
            }
            Places::Grid([down, across]) => {
                for image in images {
                    for top in (0..=image.height - height).step_by(down) {
                        (0..=image.width - width)
                            .step_by(across)
                            .for_each(|left| put(image, top, left));
                    }
                }
            }
        }
        DataSet { image: Some([channels, height, width]), ..DataSet::of_rows(x) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Channels, dead_leaves};

    #[test]
    fn patches_are_pieces_of_the_images_and_have_no_mean_where_that_is_asked_for() {
        let images = [
            dead_leaves(1, 0, [9, 12], Channels::Grey),
            dead_leaves(1, 1, [20, 7], Channels::Grey),
        ];
        let patches = Patches { size: [4, 5], places: Places::Random(300), without_mean: false };
        let data = patches.draw(&images, 5, 0);
        assert_eq!(data.image, Some([1, 4, 5]));
        let found = |row: ndarray::ArrayView1<f64>, image: &Image| {
            (0..=image.height - 4).any(|top| {
                (0..=image.width - 5).any(|left| {
                    let crop = image.crop(top, left, [4, 5]);
                    crop.values.iter().zip(&row).all(|(a, b)| f64::from(*a) == *b)
                })
            })
        };
        let from = |image| data.x.rows().into_iter().filter(|r| found(r.view(), image)).count();
        let counts = images.each_ref().map(from);
        assert!(
            counts[0] + counts[1] >= 300 && counts.iter().all(|count| *count > 60),
            "{counts:?}"
        );
        let centred = Patches { without_mean: true, ..patches }.draw(&images, 5, 0);
        assert!(centred.x.rows().into_iter().all(|row| row.sum().abs() < 1e-12));
    }

    #[test]
    fn a_grid_takes_every_place_of_its_strides_in_order() {
        let image = |height, width| dead_leaves(1, 0, [height, width], Channels::Colour);
        let images = [image(9, 12), image(5, 8)];
        let patches = Patches { size: [4, 5], places: Places::Grid([2, 3]), without_mean: false };
        let data = patches.draw(&images, 5, 0);
        // 3 × 3 places of the first, 1 × 2 of the second.
        assert_eq!((data.x.nrows(), patches.count(&images)), (11, 11));
        for (row, (of, top, left)) in [(0, (0, 0, 0)), (5, (0, 2, 6)), (10, (1, 0, 3))] {
            let crop = images[of].crop(top, left, [4, 5]);
            assert!(data.x.row(row).iter().zip(&crop.values).all(|(a, b)| *a == f64::from(*b)));
        }
    }
}
