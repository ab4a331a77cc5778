//! Images: read from PNG and JPEG files, drawn at random, cut, turned, and written.

mod dead_leaves;
mod jpeg_file;
mod list;
mod png_file;
mod read;
mod turn;

pub use dead_leaves::dead_leaves;
pub use list::list_images;
pub use png_file::write_png;
pub use read::{read_image, read_image_as_is};

use ndarray::{Array3, ArrayView3};

use crate::DataError;

/// What an image is asked for as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channels {
    /// One channel: 0.299 R + 0.587 G + 0.114 B of a colour image.
    Grey,
    /// Red, green and blue: three equal channels of a grey image.
    Colour,
}

impl Channels {
    /// 1 or 3.
    pub fn count(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Colour => 3,
        }
    }
}

/// An image, `[channels, height, width]`; 0 is black and 1 is white.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// Channel after channel, each row after row.
    pub values: Vec<f32>,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Image {
    /// The image that an array `[channels, height, width]` is. Values may lie outside [0, 1], as those of a noisy
    /// image do, but must be finite.
    pub fn from_array(array: ArrayView3<'_, f32>) -> Result<Self, DataError> {
        let (channels, height, width) = array.dim();
        let refused = |reason: String| Err(DataError::NotAnImage { reason });
        if ![1, 3].contains(&channels) || height == 0 || width == 0 {
            return refused(format!("its shape is {:?}", array.shape()));
        }
        if let Some((place, value)) = array.indexed_iter().find(|(_, v)| !v.is_finite()) {
            return refused(format!("it holds {value} at {place:?}, counted from 0"));
        }
        Ok(Self { values: array.iter().copied().collect(), channels, height, width })
    }

    /// The array `[channels, height, width]`.
    pub fn to_array(&self) -> Array3<f32> {
        Array3::from_shape_vec((self.channels, self.height, self.width), self.values.clone())
            .expect("an image has as many values as its shape says")
    }

    /// The image with the channels asked for.
    pub fn with_channels(self, channels: Channels) -> Self {
        let (count, size) = (channels.count(), self.height * self.width);
        let values = match channels {
            _ if self.channels == count => return self,
            Channels::Colour => self.values.repeat(3),
            Channels::Grey => {
                let (red, others) = self.values.split_at(size);
                let (green, blue) = others.split_at(size);
                let weighted = |((r, g), b): ((&f32, &f32), &f32)| {
                    (0.299 * f64::from(*r) + 0.587 * f64::from(*g) + 0.114 * f64::from(*b)) as f32
                };
                red.iter().zip(green).zip(blue).map(weighted).collect()
            }
        };
        Self { values, channels: count, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn an_array_is_an_image_where_it_has_the_shape_and_is_finite() {
        let array = array![[[0.0, 0.5], [1.0, 1.5]]];
        let image = Image::from_array(array.view()).unwrap();
        assert_eq!((image.channels, image.height, image.width), (1, 2, 2));
        assert_eq!(image.to_array(), array);
        // Row after row, wherever the array came from.
        let turned = Image::from_array(array.view().permuted_axes([0, 2, 1])).unwrap();
        assert_eq!(turned.values, [0.0, 1.0, 0.5, 1.5]);
        let said = |array: Array3<f32>| Image::from_array(array.view()).unwrap_err().to_string();
        assert_eq!(
            said(array![[[0.0, f32::NAN]]]),
            "an array is not an image (it holds NaN at (0, 0, 1), counted from 0); give finite numbers of the \
             shape [1 or 3, height, width]"
        );
        assert!(said(array![[[f32::INFINITY]]]).contains("inf"));
        for shape in [(2, 4, 4), (0, 4, 4), (1, 0, 4), (3, 4, 0)] {
            assert!(said(Array3::zeros(shape)).contains("its shape is ["), "{shape:?}");
        }
    }

    #[test]
    fn colour_becomes_grey_by_the_eyes_weights_and_grey_three_equal_channels() {
        let colour = array![[[1.0, 0.0, 0.0, 1.0]], [[0.0, 1.0, 0.0, 1.0]], [[0.0, 0.0, 1.0, 1.0]]];
        let colour = Image::from_array(colour.view()).unwrap();
        let grey = colour.clone().with_channels(Channels::Grey);
        assert_eq!(grey.values, [0.299, 0.587, 0.114, 1.0]);
        assert_eq!(grey.clone().with_channels(Channels::Grey), grey);
        let again = grey.clone().with_channels(Channels::Colour);
        assert_eq!((again.channels, &again.values[4..8]), (3, &grey.values[..]));
        assert_eq!(again.with_channels(Channels::Grey), grey);
        assert_eq!(colour.clone().with_channels(Channels::Colour), colour);
    }
}
