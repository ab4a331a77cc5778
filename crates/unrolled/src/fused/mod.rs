//! Between Burn and the fused kernels of `unrolled-kernels`.
//!
//! On the CPU (Burn's flex), an unroll that the kernels know runs as one operation with a backward pass
//! written by hand: examples go through all iterations, and back, in blocks that stay in cache, over index
//! lists where codes are sparse. It gives the same gradients as Burn's automatic differentiation (to 10⁻¹⁰
//! in float64), several times faster, in memory that does not grow with T. Elsewhere, and for operators
//! that are no matrix, estimators take the same adjoint as operations on tensors. See [`Engine`].

mod adjoint;
#[cfg(all(feature = "card", not(feature = "fusion")))]
mod card;
#[cfg(not(all(feature = "card", not(feature = "fusion"))))]
#[path = "no_card.rs"]
mod card;
mod convolution;
mod description;
mod engine;
mod estimate;
mod given;
mod host;

mod at_iterations;
mod operation;

pub use at_iterations::at_iterations;
pub use description::{ProxDescription, ThresholdsDescription, UnrollDescription};
pub use engine::Engine;
pub use unrolled_kernels::Operator;

pub(crate) use estimate::{Direct, at_codes, estimate};
pub(crate) use given::{at_given_codes, gram_of_codes, gram_of_maps};

use burn::tensor::Tensor;

use crate::operator::LinearOperator;

/// z_T of inputs, from z₀ = 0 or from codes that carry no graph, by the kernels; `None` where they cannot serve.
pub(crate) fn encode<O: LinearOperator>(
    unroll: &UnrollDescription,
    operator: &O,
    x: &Tensor<2>,
    start: Option<&Tensor<2>>,
) -> Option<Tensor<2>> {
    match (operator.as_matrix(), start) {
        (Some(view), _) => operation::encode(unroll, &view.matrix, x, start)
            .or_else(|| adjoint::encode(unroll, operator, x, start)),
        (None, Some(_)) => None,
        (None, None) => convolution::encode(unroll, &operator.as_convolution()?, x),
    }
}
