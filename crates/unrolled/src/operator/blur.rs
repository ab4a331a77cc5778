//! A Gaussian blur.

use burn::module::Module;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor};

use super::LinearOperator;
use crate::parameters::Network;
use crate::tensors::{Precision, from_values, together};

/// Images `[c, H, W]` as rows, each channel correlated with a Gaussian whose entries add up to 1; beyond the border an image
/// is 0. The kernel is symmetric, so the blur is its own adjoint. It is not trained.
#[derive(Module, Debug)]
pub struct Blur {
    /// `[1, 1, k, k]`, k odd.
    #[module(skip)]
    kernel: Tensor<4>,
    /// c, H and W.
    #[module(skip)]
    image: [usize; 3],
    /// 1 where the image is and 0 around it, `[1, c·H·W]`, where it does not fill the rows.
    #[module(skip)]
    inside: Option<Tensor<2>>,
}

impl Blur {
    /// A Gaussian of a standard deviation of `width` pixels, cut off at three of them.
    ///
    /// # Panics
    /// When the width is not above 0.
    pub fn gaussian(width: f64, image: [usize; 3], precision: Precision, device: &Device) -> Self {
        assert!(width > 0.0, "a blur has a width");
        let reach = (3.0 * width).ceil() as i64;
        let profile: Vec<f64> = (-reach..=reach)
            .map(|place| libm::exp(-0.5 * (place as f64 / width).powi(2)))
            .collect();
        let sum: f64 = profile.iter().sum();
        let size = profile.len();
        let entry = |at: usize| profile[at / size] * profile[at % size] / (sum * sum);
        let kernel =
            from_values((0..size * size).map(entry), [1, 1, size, size], precision, device);
        Self { kernel, image, inside: None }
    }

    /// Of images that do not fill their rows: 1 where they are and 0 around them, `[1, c·H·W]`.
    pub fn within(self, inside: Tensor<2>) -> Self {
        Self { inside: Some(inside), ..self }
    }

    fn cut(&self, rows: Tensor<2>) -> Tensor<2> {
        match &self.inside {
            Some(inside) => {
                let (rows, inside) = together(rows, inside.clone());
                rows.mul(inside)
            }
            None => rows,
        }
    }

    fn apply(&self, rows: Tensor<2>) -> Tensor<2> {
        let ([n, _], [channels, height, width]) = (rows.dims(), self.image);
        let reach = self.kernel.dims()[2] / 2;
        let options = ConvOptions::new([1; 2], [reach; 2], [1; 2], 1);
        let (images, kernel) = together(self.cut(rows), self.kernel.clone());
        let images = images.reshape([n * channels, 1, height, width]);
        let blurred = conv2d(images, kernel, None, options);
        self.cut(blurred.reshape([n, channels * height * width]))
    }
}

impl LinearOperator for Blur {
    fn shape(&self) -> [usize; 2] {
        [self.image.iter().product(); 2]
    }

    fn forward(&self, z: Tensor<2>) -> Tensor<2> {
        self.apply(z)
    }

    fn adjoint(&self, x: Tensor<2>) -> Tensor<2> {
        self.apply(x)
    }
}

impl Network for Blur {}
