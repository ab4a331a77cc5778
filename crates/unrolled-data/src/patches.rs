//! Patches of images.

use ndarray::Array2;
use unrolled::random::Stream;

use crate::{DataSet, Image};

/// Patches from places drawn at random, every image as likely as it has places.
#[derive(Clone, Debug, PartialEq)]
pub struct Patches {
    /// Height and width.
    pub size: [usize; 2],
    /// n.
    pub examples: usize,
    /// Whether the mean of every patch, over all its channels, is taken off.
    pub without_mean: bool,
}

impl Patches {
    /// Draws repeat `repeat` of the data set with this seed; a row is a patch, `[c, h, w]`.
    ///
    /// # Panics
    /// Where there is no image, or one is smaller than a patch, or they differ in their channels.
    pub fn draw(&self, images: &[Image], seed: u64, repeat: u64) -> DataSet {
        let [height, width] = self.size;
        let places = |image: &Image| (image.height - height + 1) * (image.width - width + 1);
        let all: usize = images.iter().map(places).sum();
        let channels = images[0].channels;
        let mut x = Array2::zeros((self.examples, channels * height * width));
        let mut stream = Stream::new(seed, "data/patches", repeat);
        for mut row in x.rows_mut() {
            let mut place = stream.below(all);
            let image = images.iter().find(|image| {
                let inside = place < places(image);
                place -= if inside { 0 } else { places(image) };
                inside
            });
            let image = image.expect("a place lies in one of the images");
            let across = image.width - width + 1;
            let patch = image.crop(place / across, place % across, self.size);
            assert_eq!(patch.values.len(), row.len(), "images have the same channels");
            row.iter_mut().zip(&patch.values).for_each(|(entry, pixel)| *entry = f64::from(*pixel));
            if self.without_mean {
                let mean = row.sum() / row.len() as f64;
                row -= mean;
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
        let patches = Patches { size: [4, 5], examples: 300, without_mean: false };
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
}
