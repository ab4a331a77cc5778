//! Encoder and decoder over images: denoising, inpainting, deblurring.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::dictionary::ConvolutionalDictionary;
use crate::encoder::{AnyEncoder, Encoder};
use crate::network::{Network, SparseCoder};
use crate::operator::{Blur, Composition, Identity, Layers, Mask, Measurement};
use crate::prox::AnyProx;
use crate::tensors::Precision;
use crate::views::Views;

/// A network that encodes noisy images by an unrolled convolutional encoder and decodes them: `x ≈ A D z`, and `D z` is
/// the image. A is a [`Measurement`], all of the image unless said otherwise.
///
/// Examples are images `[c, H, W]` as rows. Inside they are laid as [`Views`] says: filled up, with a border, in shifted
/// copies.
#[derive(Module, Debug)]
pub struct Denoiser {
    /// A ∘ D, D with the filters of the decoder and those of the iterations, where they have their own.
    pub operator: Composition<Measurement, Layers<ConvolutionalDictionary>>,
    /// z_T(x).
    pub encoder: AnyEncoder,
    /// How images are laid.
    #[module(skip)]
    pub views: Views,
}

/// What is measured of an image, in the units of the image.
#[derive(Clone, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "one value a network: a box would only add an allocation"
)]
pub enum Measured {
    /// All of it.
    All,
    /// A weight for every pixel, `[1, c·H·W]`: 0 for what is missing.
    Mask(Tensor<2>),
    /// An image blurred by a Gaussian of a standard deviation of so many pixels.
    Blur(f64),
}

impl Denoiser {
    /// From filters for images of any size: they are fitted to `views` here.
    ///
    /// # Panics
    /// When the views are for filters of another size or stride.
    pub fn new(
        filters: Layers<ConvolutionalDictionary>,
        encoder: impl Into<AnyEncoder>,
        views: Views,
        measured: &Measured,
    ) -> Self {
        let [_, _, height, width] = filters.dictionary.filters.dims();
        assert_eq!(
            ([height, width], filters.dictionary.stride),
            (views.filter, views.stride),
            "filters and views agree in size and stride"
        );
        let filters = filters.map_dictionaries(|d| d.for_images(views.padded()));
        let measurement = measurement(&filters.dictionary, views, measured);
        Self { operator: Composition::new(measurement, filters), encoder: encoder.into(), views }
    }

    /// The same network for images of another size, and what is measured of them.
    pub fn for_images(self, image: [usize; 2], measured: &Measured) -> Self {
        let views = self.views.for_images(image);
        Self::new(self.operator.inner, self.encoder, views, measured)
    }

    /// The filters of the decoder.
    pub fn dictionary(&self) -> &ConvolutionalDictionary {
        &self.operator.inner.dictionary
    }

    /// σ of the examples to come, where the thresholds depend on it.
    pub fn set_noise(&mut self, noise: f64) {
        if let AnyProx::LayeredSoft(prox) = self.encoder.prox_mut() {
            prox.noise = noise;
        }
    }

    /// Images `[n, c·H·W]` without their noise.
    pub fn denoise(&self, x: &Tensor<2>) -> Tensor<2> {
        self.decode(self.encode(x))
    }
}

fn measurement(
    dictionary: &ConvolutionalDictionary,
    views: Views,
    measured: &Measured,
) -> Measurement {
    let filters = dictionary.filters.val().inner();
    let (device, dtype) = (filters.device(), filters.dtype());
    let [height, width] = views.padded();
    let [channels, _, _] = views.image;
    assert!(
        matches!(measured, Measured::All) || views.copies() == 1,
        "shifted copies are of images that are measured all"
    );
    match measured {
        Measured::All => Measurement::All(Identity { width: channels * height * width }),
        Measured::Mask(weights) => {
            let weights = weights.clone().inner().cast(dtype);
            Measurement::Mask(Mask::by_row(views.expand_measured(&weights)))
        }
        Measured::Blur(blur) => {
            let precision = Precision::of(&filters);
            let blur = Blur::gaussian(*blur, [channels, height, width], precision, &device);
            Measurement::Blur(blur.within(views.inside(&device).cast(dtype)))
        }
    }
}

impl Network for Denoiser {
    fn project(self) -> Self {
        let Self { operator, encoder, views } = self;
        Self { operator: Network::project(operator), encoder: encoder.project(), views }
    }
}

impl SparseCoder for Denoiser {
    type Operator = Composition<Measurement, Layers<ConvolutionalDictionary>>;
    type Encoder = AnyEncoder;

    fn operator(&self) -> &Self::Operator {
        &self.operator
    }

    fn encoder(&self) -> &AnyEncoder {
        &self.encoder
    }

    fn inputs(&self, x: &Tensor<2>) -> Tensor<2> {
        match self.operator.outer {
            Measurement::All(_) => self.views.expand(x),
            _ => self.views.expand_measured(x),
        }
    }

    fn assemble(&self, rows: Tensor<2>) -> Tensor<2> {
        self.views.assemble(rows)
    }
}
