//! How good codes are.

use burn::tensor::Tensor;

use super::Solved;
use crate::fit::DataFit;
use crate::metrics::{largest_violation, relative_gap};
use crate::operator::LinearOperator;
use crate::prox::{ProximalOperator, Separable};
use crate::tensors::{to_array, to_values};

/// How far codes are from the solution, example by example.
#[derive(Clone, Debug)]
pub struct Quality {
    /// ‖prox₁(z − ∇) − z‖∞ with a step of 1.
    pub residuals: Vec<f64>,
    /// The largest violation of the conditions of Karush, Kuhn and Tucker: the distance of −∇ from ∂ penalty. `None`
    /// where the penalty is not known.
    pub kkt: Option<Vec<f64>>,
    /// The relative duality gap, as [`crate::metrics::duality_gaps`]; for least squares with λ‖z‖₁ or an elastic net.
    pub gaps: Option<Vec<f64>>,
}

impl Quality {
    /// Of codes `[n, q]` of examples `[n, m]`.
    pub fn of<O: LinearOperator, P: ProximalOperator, F: DataFit>(
        solved: &Solved<P, F>,
        operator: &O,
        x: &Tensor<2>,
        codes: &Tensor<2>,
    ) -> Self {
        let residual = operator.forward(codes.clone()).sub(x.clone());
        let gradient = operator.adjoint(solved.fit.gradient(residual.clone()));
        let kkt = solved.prox.violation(codes, gradient.clone());
        let kkt = kkt.map(|violation| to_values(&violation.abs().max_dim(1)));
        let separable = solved.prox.separable().filter(|_| solved.fit.is_least_squares());
        let gaps = separable.map(|Separable { penalty, ridge }| {
            let residual = to_array(&residual);
            let (codes, gradient) = (to_array(codes), to_array(&gradient));
            let rows = residual.rows().into_iter().zip(gradient.rows()).zip(codes.rows());
            // The ridge is more rows of a least squares fit: of D, √ridge times the identity, of x, 0.
            rows.map(|((r, gradient), z)| {
                let squares = r.dot(&r) + ridge * z.dot(&z);
                let correlations: Vec<f64> =
                    gradient.iter().zip(z).map(|(g, z)| -g - ridge * z).collect();
                let largest = largest_violation(&correlations, solved.prox.sided());
                let pairs = z.iter().copied().zip(correlations.iter().copied());
                relative_gap(squares, largest, pairs, penalty)
            })
            .collect()
        });
        Self { residuals: Self::of_gradient(solved, codes, gradient), kkt, gaps }
    }

    /// The fixed-point residuals alone.
    pub(super) fn residuals<O: LinearOperator, P: ProximalOperator, F: DataFit>(
        solved: &Solved<P, F>,
        operator: &O,
        x: &Tensor<2>,
        codes: &Tensor<2>,
    ) -> Vec<f64> {
        let residual = operator.forward(codes.clone()).sub(x.clone());
        let gradient = operator.adjoint(solved.fit.gradient(residual));
        Self::of_gradient(solved, codes, gradient)
    }

    fn of_gradient<P: ProximalOperator, F: DataFit>(
        solved: &Solved<P, F>,
        codes: &Tensor<2>,
        gradient: Tensor<2>,
    ) -> Vec<f64> {
        let next = solved.prox.apply(codes.clone().sub(gradient), 1.0, 0);
        to_values(&next.sub(codes.clone()).abs().max_dim(1))
    }
}
