//! The linear system of implicit differentiation: `H u = q` on the support of every code.

mod conjugate;
mod dense;
mod sparse;

use burn::tensor::Tensor;
pub(super) use sparse::estimate;

use crate::encoder::Encoder;
use crate::operator::LinearOperator;
use crate::tensors::is_on_cpu;

/// How the system is solved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum System {
    /// Dense for a matrix on the CPU and a penalty whose curvature is a number, else by conjugate gradients.
    #[default]
    Auto,
    /// A Cholesky factorisation of H for every example, in float64.
    Dense,
    /// Conjugate gradients on all examples of a batch side by side; H is never formed.
    ConjugateGradients,
}

/// u `[n, q]`, 0 where codes are, and what is wrong with it. `residual` is `D z − x`.
///
/// # Panics
/// Where the encoder's proximal operator does not know the curvature of its penalty.
pub(super) fn solve<O: LinearOperator, E: Encoder>(
    system: System,
    operator: &O,
    encoder: &E,
    residual: &Tensor<2>,
    codes: &Tensor<2>,
    q: Tensor<2>,
    ridge: f64,
) -> (Tensor<2>, Option<String>) {
    let matrix = operator.as_matrix().map(|view| view.matrix);
    let dense = match system {
        System::Auto => matrix
            .filter(|_| is_on_cpu(&codes.device()) && dense::multiple(encoder, codes).is_some()),
        System::Dense => Some(matrix.expect("a dense system needs an operator that is a matrix")),
        System::ConjugateGradients => None,
    };
    let (u, singular) = match dense {
        Some(matrix) => dense::solve(&matrix, encoder, residual, codes, &q, ridge),
        None => conjugate::solve(operator, encoder, residual, codes, q, ridge),
    };
    (u, (singular > 0).then(|| trouble(singular, codes.dims()[0])))
}

fn trouble(singular: usize, examples: usize) -> String {
    format!(
        "the system of the implicit gradient is singular for {singular} of {examples} examples: atoms that their codes \
         use depend on each other; use an elastic net, or add a `ridge` to g_implicit"
    )
}

/// What says that an encoder's penalty has no curvature.
const NO_CURVATURE: &str =
    "g_implicit needs a proximal operator that knows the curvature of its penalty";
