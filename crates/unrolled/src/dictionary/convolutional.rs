//! The convolutional dictionary.

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use burn::tensor::module::{conv_transpose2d, conv2d, conv2d_weight_backward};
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};

use super::{Dictionary, FilterConstraint};
use crate::operator::{ConvolutionView, FilterView, LinearOperator};
use crate::parameters::Network;
use crate::tensors::{map_values, together};

/// A dictionary whose atoms are the shifts of `p` filters: D z adds up, at every place, the filter of each code map times
/// its entry there.
///
/// | | |
/// |---|---|
/// | filters | `[p, c, h, w]` |
/// | an example | an image `[c, H, W]` as a row of m = c·H·W |
/// | a code | maps `[p, H', W']` as a row of q = p·H'·W', with H' = ⌊(H − h) / s⌋ + 1 for stride s |
/// | analysis, Dᵀ x | cross-correlation without padding, at the stride |
/// | synthesis, D z | its exact transpose: pixels that no filter reaches are 0 |
///
/// A learned bias of p numbers serves the H'·W' entries of a map each. B. Tolooshams, D. Ba, *Stable and Interpretable
/// Unrolled Dictionary Learning*, Transactions on Machine Learning Research, 2022, section V.
#[derive(Module, Debug)]
pub struct ConvolutionalDictionary {
    /// The filters, `[p, c, h, w]`.
    pub filters: Param<Tensor<4>>,
    /// Height and width of an image.
    #[module(skip)]
    pub image: [usize; 2],
    /// Pixels between two places of a filter.
    #[module(skip)]
    pub stride: usize,
    /// Where the filters are kept.
    #[module(skip)]
    pub constraint: FilterConstraint,
}

impl ConvolutionalDictionary {
    /// From filters `[p, c, h, w]` for images of a height and a width, without a constraint.
    ///
    /// # Panics
    /// When the stride is 0, or an image is smaller than a filter.
    pub fn new(filters: Tensor<4>, image: [usize; 2], stride: usize) -> Self {
        let [_, _, height, width] = filters.dims();
        assert!(stride > 0, "a stride is 1 or more");
        assert!(image[0] >= height && image[1] >= width, "an image is as large as a filter");
        let constraint = FilterConstraint::default();
        Self { filters: Param::from_tensor(filters), image, stride, constraint }
    }

    /// Keeps the filters in a set; they are not moved before [`Network::project`].
    pub fn with_constraint(mut self, constraint: FilterConstraint) -> Self {
        self.constraint = constraint;
        self
    }

    /// The same filters for images of another size.
    ///
    /// # Panics
    /// When an image is smaller than a filter.
    pub fn for_images(self, image: [usize; 2]) -> Self {
        let Self { filters, stride, constraint, .. } = self;
        let [_, _, height, width] = filters.dims();
        assert!(image[0] >= height && image[1] >= width, "an image is as large as a filter");
        Self { filters, image, stride, constraint }
    }

    /// Height and width of a code map.
    pub fn map(&self) -> [usize; 2] {
        let [_, _, height, width] = self.filters.dims();
        let places = |image: usize, filter: usize| (image - filter) / self.stride + 1;
        [places(self.image[0], height), places(self.image[1], width)]
    }

    /// Rows of images as `[n, c, H, W]`.
    pub fn images(&self, rows: Tensor<2>) -> Tensor<4> {
        let [_, channels, _, _] = self.filters.dims();
        let ([n, _], [height, width]) = (rows.dims(), self.image);
        rows.reshape([n, channels, height, width])
    }

    /// Rows of codes as `[n, p, H', W']`.
    pub fn maps(&self, rows: Tensor<2>) -> Tensor<4> {
        let ([n, _], [height, width]) = (rows.dims(), self.map());
        rows.reshape([n, self.filters.dims()[0], height, width])
    }

    fn analysis(&self) -> ConvOptions<2> {
        ConvOptions::new([self.stride; 2], [0; 2], [1; 2], 1)
    }

    /// The transpose ends where the last filter does; what an image has beyond is filled up.
    fn synthesis(&self) -> ConvTransposeOptions<2> {
        let ([_, _, height, width], [rows, columns]) = (self.filters.dims(), self.map());
        let beyond = |image: usize, places: usize, filter: usize| {
            image - ((places - 1) * self.stride + filter)
        };
        let rest = [beyond(self.image[0], rows, height), beyond(self.image[1], columns, width)];
        ConvTransposeOptions::new([self.stride; 2], [0; 2], rest, [1; 2], 1)
    }
}

fn rows(images: Tensor<4>) -> Tensor<2> {
    let [n, channels, height, width] = images.dims();
    images.reshape([n, channels * height * width])
}

impl LinearOperator for ConvolutionalDictionary {
    fn shape(&self) -> [usize; 2] {
        let [atoms, channels, _, _] = self.filters.dims();
        let ([height, width], [rows, columns]) = (self.image, self.map());
        [channels * height * width, atoms * rows * columns]
    }

    fn forward(&self, z: Tensor<2>) -> Tensor<2> {
        let (z, filters) = together(self.maps(z), self.filters.val());
        rows(conv_transpose2d(z, filters, None, self.synthesis()))
    }

    fn adjoint(&self, x: Tensor<2>) -> Tensor<2> {
        let (x, filters) = together(self.images(x), self.filters.val());
        rows(conv2d(x, filters, None, self.analysis()))
    }

    fn as_convolution(&self) -> Option<ConvolutionView> {
        let filters = FilterView { filters: self.filters.val(), parameter: self.filters.id };
        Some(ConvolutionView {
            image: self.image,
            stride: self.stride,
            pairs: vec![[filters.clone(), filters.clone()]],
            decoder: filters,
            weights: None,
        })
    }

    /// The correlation of images with maps: that of ⟨z, Dᵀ x⟩, which is the same number.
    fn weight_gradient(&self, x: &Tensor<2>, z: &Tensor<2>) -> GradientsParams {
        let [x, z] = [x, z].map(|rows| rows.clone().inner());
        let filters = self.filters.val().inner();
        let gradient =
            conv2d_weight_backward(self.images(x), filters, self.maps(z), self.analysis());
        let mut gradients = GradientsParams::new();
        gradients.register(self.filters.id, gradient);
        gradients
    }
}

impl Dictionary for ConvolutionalDictionary {
    fn atoms(&self) -> usize {
        self.filters.dims()[0]
    }

    fn atom_rows(&self) -> Tensor<2> {
        rows(self.filters.val().inner())
    }

    fn with_atom_rows(mut self, atoms: Tensor<2>) -> Self {
        let shape = self.filters.dims();
        self.filters = map_values(self.filters, |_| atoms.reshape(shape));
        self
    }
}

impl Network for ConvolutionalDictionary {
    fn project(mut self) -> Self {
        let constraint = self.constraint;
        self.filters = map_values(self.filters, |filters| constraint.project(filters));
        self
    }
}
