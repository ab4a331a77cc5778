//! Either kind of dictionary.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use ndarray::Array2;

use super::{
    ConvolutionalDictionary, DenseDictionary, Dictionary, quick_spectral_norm_squared,
    spectral_norm_squared,
};
use crate::gradient::gradient_at_codes;
use crate::loss::residual;
use crate::operator::{ConvolutionView, LinearOperator, MatrixView};
use crate::parameters::Network;
use crate::tensors::{Precision, to_array};

/// The dictionary that a configuration names.
///
/// Its atoms are columns `[entries, p]` for everything that looks at atoms: the matrix itself of a dense dictionary, of a
/// convolutional one the filters, flat.
#[derive(Module, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "one value a network: a box would only add an allocation"
)]
pub enum AnyDictionary {
    /// See [`DenseDictionary`].
    Dense(DenseDictionary),
    /// See [`ConvolutionalDictionary`].
    Convolutional(ConvolutionalDictionary),
}

macro_rules! each {
    ($self:expr, $dictionary:ident => $body:expr) => {
        match $self {
            AnyDictionary::Dense($dictionary) => $body,
            AnyDictionary::Convolutional($dictionary) => $body,
        }
    };
}

impl AnyDictionary {
    /// The atoms as columns, `[entries, p]`, without a graph.
    pub fn columns(&self) -> Tensor<2> {
        match self {
            Self::Dense(dictionary) => dictionary.matrix.val().inner(),
            Self::Convolutional(dictionary) => dictionary.atom_rows().transpose(),
        }
    }

    /// The gradient of the atoms as columns, `[entries, p]`, where there is one.
    pub fn columns_gradient(&self, gradients: &GradientsParams) -> Option<Tensor<2>> {
        match self {
            Self::Dense(dictionary) => gradients.get::<2>(dictionary.matrix.id),
            Self::Convolutional(dictionary) => {
                let gradient = gradients.get::<4>(dictionary.filters.id)?;
                let [p, channels, height, width] = gradient.dims();
                Some(gradient.reshape([p, channels * height * width]).transpose())
            }
        }
    }

    /// The shape of a code, `[p]` or maps `[p, h', w']`.
    pub fn code_shape(&self) -> Vec<usize> {
        match self {
            Self::Dense(dictionary) => vec![dictionary.atoms()],
            Self::Convolutional(dictionary) => {
                let [height, width] = dictionary.map();
                vec![dictionary.atoms(), height, width]
            }
        }
    }

    /// The shape and the values in which files hold atoms that are columns here, `[entries, p]`: a matrix, or filters
    /// `[p, c, h, w]`.
    pub fn stored(&self, columns: &Array2<f64>) -> (Vec<usize>, Vec<f64>) {
        match self {
            Self::Dense(_) => (columns.shape().to_vec(), columns.iter().copied().collect()),
            Self::Convolutional(dictionary) => {
                (dictionary.filters.dims().to_vec(), columns.t().iter().copied().collect())
            }
        }
    }

    /// `mean over examples of (D z − x) zᵀ`, the partial derivative of reconstruction and lasso at fixed codes `[n, q]`, as
    /// columns `[entries, p]`.
    pub fn columns_at_codes(&self, x: &Tensor<2>, codes: &Tensor<2>) -> Tensor<2> {
        if let Self::Dense(dictionary) = self {
            return gradient_at_codes(&dictionary.matrix.val().inner(), x, codes);
        }
        let examples = x.dims()[0] as f64;
        let scaled = residual(self, x, codes).mul_scalar(1.0 / examples);
        let gradients = self.weight_gradient(&scaled, codes);
        self.columns_gradient(&gradients).expect("a dictionary has the gradient of its atoms")
    }

    /// ‖D‖² in float64, on the host where D is a matrix; `quick`: to a relative change of 10⁻⁴ or so, for a step that is taken
    /// anew as D moves.
    pub fn norm_squared(&self, quick: bool) -> f64 {
        match self {
            Self::Dense(_) if quick => quick_spectral_norm_squared(&to_array(&self.columns())),
            Self::Dense(_) => spectral_norm_squared(&to_array(&self.columns())),
            Self::Convolutional(dictionary) => {
                let filters = dictionary.filters.val().inner();
                let (device, precision) = (filters.device(), Precision::of(&filters));
                let tolerance = if quick { 1e-4 } else { 1e-6 };
                dictionary.spectral_norm_squared(tolerance, &device, precision)
            }
        }
    }

    /// By how much ‖D‖ grows at most when its atoms move by so much in the Frobenius norm: as many filters as reach a pixel
    /// may add up.
    pub fn norm_growth(&self, moved: f64) -> f64 {
        match self {
            Self::Dense(_) => moved,
            Self::Convolutional(dictionary) => {
                let [_, _, height, width] = dictionary.filters.dims();
                let reach = |size: usize| size.div_ceil(dictionary.stride) as f64;
                moved * (reach(height) * reach(width)).sqrt()
            }
        }
    }
}

impl LinearOperator for AnyDictionary {
    fn shape(&self) -> [usize; 2] {
        each!(self, dictionary => dictionary.shape())
    }

    fn forward(&self, z: Tensor<2>) -> Tensor<2> {
        each!(self, dictionary => dictionary.forward(z))
    }

    fn adjoint(&self, x: Tensor<2>) -> Tensor<2> {
        each!(self, dictionary => dictionary.adjoint(x))
    }

    fn weight_gradient(&self, x: &Tensor<2>, z: &Tensor<2>) -> GradientsParams {
        each!(self, dictionary => dictionary.weight_gradient(x, z))
    }

    fn as_matrix(&self) -> Option<MatrixView> {
        each!(self, dictionary => dictionary.as_matrix())
    }

    fn as_convolution(&self) -> Option<ConvolutionView> {
        each!(self, dictionary => dictionary.as_convolution())
    }

    fn spectral_norm_squared(&self, tolerance: f64, device: &Device, precision: Precision) -> f64 {
        each!(self, dictionary => dictionary.spectral_norm_squared(tolerance, device, precision))
    }
}

impl Dictionary for AnyDictionary {
    fn atoms(&self) -> usize {
        each!(self, dictionary => dictionary.atoms())
    }

    fn atom_rows(&self) -> Tensor<2> {
        each!(self, dictionary => dictionary.atom_rows())
    }

    fn with_atom_rows(self, rows: Tensor<2>) -> Self {
        match self {
            Self::Dense(dictionary) => Self::Dense(dictionary.with_atom_rows(rows)),
            Self::Convolutional(dictionary) => Self::Convolutional(dictionary.with_atom_rows(rows)),
        }
    }
}

impl Network for AnyDictionary {
    fn project(self) -> Self {
        match self {
            Self::Dense(dictionary) => Self::Dense(dictionary.project()),
            Self::Convolutional(dictionary) => Self::Convolutional(dictionary.project()),
        }
    }
}
