//! Images and their shifted, padded copies.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::tensors::together;

/// How an image `[c, H, W]` is laid before a convolution of a stride: filled up so that filters reach every pixel, with a
/// border around it, and in `split`² copies that are shifted by 0, …, split − 1 pixels each way.
///
/// What is beyond the image is its reflection (without the edge itself). With `split` = s the average over the copies does
/// away with the blocks that a stride of s leaves: D. Simon, M. Elad, *Rethinking the CSC Model for Natural Images*,
/// NeurIPS 2019, section 3.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Views {
    /// c, H and W.
    pub image: [usize; 3],
    /// Height and width of a filter.
    pub filter: [usize; 2],
    /// Pixels between two places of a filter.
    pub stride: usize,
    /// Pixels added on every side at least.
    pub border: usize,
    /// Shifted copies each way.
    pub split: usize,
}

impl Views {
    /// The same for another height and width.
    pub fn for_images(self, [height, width]: [usize; 2]) -> Self {
        Self { image: [self.image[0], height, width], ..self }
    }

    /// Copies of an image.
    pub fn copies(&self) -> usize {
        self.split * self.split
    }

    /// Pixels added above, and to the left.
    fn before(&self) -> usize {
        self.border + if self.split > 1 { self.split } else { 0 }
    }

    /// Height and width of a copy.
    pub fn padded(&self) -> [usize; 2] {
        [0, 1].map(|axis| {
            let (pixels, filter) = (self.image[1 + axis], self.filter[axis]);
            let least = (pixels + 2 * self.before()).max(filter);
            filter + (least - filter).next_multiple_of(self.stride)
        })
    }

    /// Whether a copy is the image itself.
    fn is_plain(&self) -> bool {
        let [_, height, width] = self.image;
        self.copies() == 1 && self.padded() == [height, width]
    }

    /// Where the image begins in a copy that is shifted by so many pixels.
    fn begin(&self, shift: usize) -> usize {
        self.before() - shift.min(self.before())
    }

    /// Rows of images `[n, c·H·W]` as rows of their copies, `[n·copies, c·H'·W']`, those of an image together: shifts by
    /// (0, 0), (0, 1), ….
    pub fn expand(&self, rows: &Tensor<2>) -> Tensor<2> {
        if self.is_plain() {
            return rows.clone();
        }
        let ([n, _], [channels, height, width]) = (rows.dims(), self.image);
        let images = rows.clone().reshape([n, channels, height, width]);
        let [padded_height, padded_width] = self.padded();
        let device = rows.device();
        let axis = |shift: usize, pixels: usize, padded: usize| {
            reflected(self.begin(shift), pixels, padded, &device)
        };
        let mut copies = Vec::with_capacity(self.copies());
        for down in 0..self.split {
            let moved = images.clone().select(2, axis(down, height, padded_height));
            for across in 0..self.split {
                let copy = moved.clone().select(3, axis(across, width, padded_width));
                copies.push(copy.reshape([n, 1, channels * padded_height * padded_width]));
            }
        }
        let width = channels * padded_height * padded_width;
        Tensor::cat(copies, 1).reshape([n * self.copies(), width])
    }

    /// Rows of copies `[n·copies, c·H'·W']` as rows of images, `[n, c·H·W]`: shifted back, cut out and averaged.
    pub fn assemble(&self, rows: Tensor<2>) -> Tensor<2> {
        if self.is_plain() {
            return rows;
        }
        let [channels, height, width] = self.image;
        let ([count, _], copies, [padded_height, padded_width]) =
            (rows.dims(), self.copies(), self.padded());
        let n = count / copies;
        let images = rows.reshape([n * copies * channels, padded_height, padded_width]);
        let images = images.reshape([n, copies * channels, padded_height, padded_width]);
        let mut sum: Option<Tensor<4>> = None;
        for copy in 0..copies {
            let (top, left) = (self.begin(copy / self.split), self.begin(copy % self.split));
            let image = images
                .clone()
                .narrow(1, copy * channels, channels)
                .narrow(2, top, height)
                .narrow(3, left, width);
            sum = Some(match sum {
                Some(sum) => sum.add(image),
                None => image,
            });
        }
        let sum = sum.expect("there is one copy at least").reshape([n, channels * height * width]);
        match copies {
            1 => sum,
            copies => sum.mul_scalar(1.0 / copies as f64),
        }
    }

    /// As [`Self::expand`], with 0 beyond the images: for what is measured, `[n, c·H·W]`.
    pub fn expand_measured(&self, rows: &Tensor<2>) -> Tensor<2> {
        if self.is_plain() {
            return rows.clone();
        }
        let (rows, inside) = together(self.expand(rows), self.inside(&rows.device()));
        let inside = inside.cast(rows.dtype());
        rows.mul(inside)
    }

    /// 1 in the image and 0 beyond it, `[1, c·H'·W']`, of a copy that is not shifted.
    pub fn inside(&self, device: &Device) -> Tensor<2> {
        let ([channels, height, width], [rows, columns]) = (self.image, self.padded());
        let before = self.before();
        let within = |place: usize, pixels: usize| place >= before && place - before < pixels;
        let values: Vec<f32> = (0..channels * rows * columns)
            .map(|at| {
                let (row, column) = (at / columns % rows, at % columns);
                f32::from(u8::from(within(row, height) && within(column, width)))
            })
            .collect();
        let count = values.len();
        Tensor::from_data(TensorData::new(values, [1, count]), device)
    }
}

/// For every place of a padded axis, the pixel that is there; the image begins at `begin`.
fn reflected(begin: usize, pixels: usize, padded: usize, device: &Device) -> Tensor<1, Int> {
    let period = 2 * (pixels as i64 - 1);
    let at = |place: usize| {
        let place = place as i64 - begin as i64;
        match period {
            0 => 0,
            period => {
                let place = place.rem_euclid(period);
                place.min(period - place)
            }
        }
    };
    let places: Vec<i64> = (0..padded).map(at).collect();
    Tensor::from_data(TensorData::new(places, [padded]), device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensors::to_values;

    fn image(height: usize, width: usize, channels: usize) -> Tensor<2> {
        let values: Vec<f64> =
            (0..2 * channels * height * width).map(|v| (v * v % 97) as f64).collect();
        let tensor: Tensor<1> = Tensor::from_data(&values[..], &Device::flex());
        tensor.reshape([2, channels * height * width])
    }

    #[test]
    fn what_is_expanded_is_assembled_to_itself_for_every_size() {
        for (height, width) in [(5, 5), (6, 9), (17, 13), (2, 1)] {
            for (filter, stride, border, split) in
                [(5, 1, 0, 1), (5, 2, 0, 2), (3, 3, 4, 1), (4, 3, 2, 3), (5, 4, 0, 1)]
            {
                let views =
                    Views { image: [3, height, width], filter: [filter; 2], stride, border, split };
                let rows = image(height, width, 3);
                let copies = views.expand(&rows);
                let [tall, wide] = views.padded();
                assert_eq!(copies.dims(), [2 * split * split, 3 * tall * wide]);
                assert_eq!((tall - filter) % stride + (wide - filter) % stride, 0);
                let back = to_values(&views.assemble(copies));
                for (a, b) in back.iter().zip(to_values(&rows)) {
                    assert!((a - b).abs() < 1e-4, "{views:?}");
                }
            }
        }
    }

    #[test]
    fn beyond_an_image_is_its_reflection_or_nothing() {
        let views = Views { image: [1, 1, 4], filter: [1, 3], stride: 1, border: 0, split: 1 };
        let views = Views { border: 2, ..views };
        let row: Tensor<2> = Tensor::from_data([[1.0, 2.0, 3.0, 4.0]], &Device::flex());
        let middle = |rows: Tensor<2>| to_values(&rows)[16..24].to_vec();
        assert_eq!(middle(views.expand(&row)), [3.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 2.0]);
        assert_eq!(middle(views.expand_measured(&row)), [0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 0.0, 0.0]);
    }
}
