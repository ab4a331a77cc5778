//! Linear operators between rows: what an encoder iterates over and a decoder applies.
//!
//! **An example is a row, a code is a row, a dictionary is a linear map between rows.** A convolution reshapes
//! inside. So every encoder, estimator and metric is written once, for every operator.
//!
//! | operator | forward | adjoint |
//! |---|---|---|
//! | [`crate::dictionary::DenseDictionary`] | `Z Dᵀ` | `X D` |
//! | [`crate::dictionary::ConvolutionalDictionary`] | transposed correlation | cross-correlation |
//! | `Tensor<2>`, a matrix `[m, q]` that is no parameter | `Z Aᵀ` | `X A` |
//! | [`Identity`] | `Z` | `X` |
//! | [`Mask`] | `w ⊙ Z` | `w ⊙ X` |
//! | [`Composition`] `A ∘ D` | `A(D z)` | `Dᵀ(Aᵀ x)` |
//! | [`Untied`] | synthesis' forward | analysis' adjoint |
//! | [`Layers`] | a pair of its own in every iteration, and a decoder | |
//! | [`Blur`] | correlation with a Gaussian | the same |
//!
//! An operator of your own needs a shape, `forward` and `adjoint`; see `examples/own_operator.rs`.

mod blur;
mod composition;
mod identity;
mod layers;
mod mask;
mod matrix;
mod measurement;
mod untied;

pub use blur::Blur;
pub use composition::Composition;
pub use identity::Identity;
pub use layers::Layers;
pub use mask::Mask;
pub use measurement::Measurement;
pub use untied::Untied;

use burn::module::{Module, ModuleDisplay, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use ndarray::Array1;

use crate::parameters::Network;
use crate::random::Stream;
use crate::tensors::{Precision, from_values, to_values, together};

/// A linear map `D` from codes of q entries to examples of m, and back by its adjoint.
///
/// Both take and give rows: `[n, q]` and `[n, m]`. Where the operator's parameters or the rows carry a graph, the
/// result does.
pub trait LinearOperator: Module + ModuleDisplay {
    /// `[m, q]`.
    fn shape(&self) -> [usize; 2];

    /// `D z` for every row: `[n, q]` to `[n, m]`.
    fn forward(&self, z: Tensor<2>) -> Tensor<2>;

    /// `Dᵀ x` for every row: `[n, m]` to `[n, q]`.
    fn adjoint(&self, x: Tensor<2>) -> Tensor<2>;

    /// The derivative of `⟨x, D z⟩`, summed over rows, with respect to every parameter. By default through
    /// automatic differentiation.
    fn weight_gradient(&self, x: &Tensor<2>, z: &Tensor<2>) -> GradientsParams {
        by_autodiff(self, x, |operator| operator.forward(z.clone()))
    }

    /// The pull-back of [`Self::forward`], `[n, m]` to `[n, q]`: the adjoint itself, but for a pair that is
    /// untied.
    fn pull_back_forward(&self, cotangent: Tensor<2>) -> Tensor<2> {
        self.adjoint(cotangent)
    }

    /// The pull-back of [`Self::adjoint`], `[n, q]` to `[n, m]`: `forward` itself, but for a pair that is untied.
    fn pull_back_adjoint(&self, cotangent: Tensor<2>) -> Tensor<2> {
        self.forward(cotangent)
    }

    /// The derivative of `⟨z, Dᵀ x⟩` with respect to every parameter: that of `⟨x, D z⟩`, but for a pair that is
    /// untied.
    fn adjoint_weight_gradient(&self, z: &Tensor<2>, x: &Tensor<2>) -> GradientsParams {
        self.weight_gradient(x, z)
    }

    /// The operator of an iteration (0, 1, …), where it is not the same in all of them.
    fn at_iteration(&self, _iteration: usize) -> Option<Self> {
        None
    }

    /// What a code stands for, `[n, q]` to `[n, k]`: `D z`, without the measurement of a composition `A ∘ D`.
    fn decode(&self, z: Tensor<2>) -> Tensor<2> {
        self.forward(z)
    }

    /// The matrix, where the operator is one and the same for `forward` and `adjoint`: the kernels then serve, and
    /// the Gram form of an iteration.
    fn as_matrix(&self) -> Option<MatrixView> {
        None
    }

    /// The filters, where the operator is a convolution, or several under an encoder: the kernels then serve.
    fn as_convolution(&self) -> Option<ConvolutionView> {
        None
    }

    /// The weights, where the operator is nothing but a weight for every entry.
    fn as_weights(&self) -> Option<Weights> {
        None
    }

    /// ‖D‖², the largest eigenvalue of DᵀD, by power iteration to a relative change of `tolerance`, in float64
    /// where the operator's own arrays allow it. Of a pair that is untied, that of the product of both.
    fn spectral_norm_squared(&self, tolerance: f64, device: &Device, precision: Precision) -> f64 {
        let [_, width] = self.shape();
        power_iteration(width, tolerance, |direction| {
            let row = from_values::<2>(direction.iter().copied(), [1, width], precision, device);
            to_values(&self.adjoint(self.forward(row))).into()
        })
    }
}

/// The largest eigenvalue of a positive map on vectors of a length, to a relative change of `tolerance`.
pub(crate) fn power_iteration(
    length: usize,
    tolerance: f64,
    image_of: impl Fn(&Array1<f64>) -> Array1<f64>,
) -> f64 {
    let mut stream = Stream::new(0, "spectral norm", 0);
    let mut direction = Array1::from_shape_simple_fn(length, || stream.normal());
    let mut eigenvalue = 0.0;
    for _ in 0..10_000 {
        let norm = direction.dot(&direction).sqrt();
        if norm == 0.0 || norm.is_nan() {
            return norm;
        }
        direction /= norm;
        let image = image_of(&direction);
        let next = direction.dot(&image);
        if (next - eigenvalue).abs() <= tolerance * next.abs() {
            return next;
        }
        (eigenvalue, direction) = (next, image);
    }
    eigenvalue
}

/// An operator that is a matrix `[m, q]`.
#[derive(Clone, Debug)]
pub struct MatrixView {
    /// The matrix, with its graph where it has one.
    pub matrix: Tensor<2>,
    /// Whose gradient it has, where it is a parameter.
    pub parameter: Option<ParamId>,
}

/// An operator that is a convolution.
#[derive(Clone, Debug)]
pub struct ConvolutionView {
    /// Height and width of an image.
    pub image: [usize; 2],
    /// Pixels between two places of a filter.
    pub stride: usize,
    /// Synthesis and analysis of the iterations: one pair for all of them, or one for each.
    pub pairs: Vec<[FilterView; 2]>,
    /// The decoder.
    pub decoder: FilterView,
    /// A weight for every pixel, `[1 or n, m]`, of a measurement behind them.
    pub weights: Option<Tensor<2>>,
}

/// Filters `[p, c, h, w]`, and whose gradient they have.
#[derive(Clone, Debug)]
pub struct FilterView {
    /// The filters, with their graph where they have one.
    pub filters: Tensor<4>,
    /// The parameter that they are.
    pub parameter: ParamId,
}

/// What an operator weighs entries with.
#[derive(Clone, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "one value a network: a box would only add an allocation"
)]
pub enum Weights {
    /// 1.
    Ones,
    /// These, `[1 or n, m]`.
    Rows(Tensor<2>),
}

/// The gradient of `⟨against, rows(operator)⟩` with respect to the operator's parameters.
pub(crate) fn by_autodiff<O: LinearOperator>(
    operator: &O,
    against: &Tensor<2>,
    rows: impl FnOnce(&O) -> Tensor<2>,
) -> GradientsParams {
    if Module::num_params(operator) == 0 {
        return GradientsParams::new();
    }
    let operator = operator.clone().train();
    let (rows, against) = together(rows(&operator), against.clone());
    GradientsParams::from_grads(rows.mul(against).sum().backward(), &operator)
}

impl Network for Tensor<2> {}
impl Network for Identity {}
impl Network for Mask {}
