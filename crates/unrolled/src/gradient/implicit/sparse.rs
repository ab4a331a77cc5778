//! The implicit gradient of least squares with a matrix on the CPU, entry by entry of the supports: dense products would
//! spend most of their time on zeros.

use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use nalgebra::DVector;
use ndarray::Array2;

use super::dense::{Systems, multiple, solved};
use super::trouble;
use crate::encoder::Encoder;
use crate::fit::DataFit;
use crate::gradient::Estimate;
use crate::loss::Losses;
use crate::metrics::sparse_residual;
use crate::network::{Batch, SparseCoder};
use crate::operator::LinearOperator;
use crate::tensors::{Precision, is_on_cpu, to_array, to_tensor};

/// Of a network without a graph, at codes `[n, p]`: with `f' = f'(D z − x)` and `u = −H⁻¹ D_Aᵀ f'/n`, row j of the gradient
/// is `Σ (z_j/n + u_j) f' + z_j f'' ⊙ D u`. `None` where it does not serve.
pub(in crate::gradient) fn estimate<N: SparseCoder>(
    network: &N,
    batch: &Batch,
    codes: &Tensor<2>,
    ridge: f64,
) -> Option<Estimate> {
    let encoder = network.encoder();
    let view = network.operator().as_matrix()?;
    let parameter = view.parameter?;
    let device = codes.device();
    // Views of examples, and what is measured, go another way.
    let inputs = network.inputs(&batch.x.clone().inner());
    let plain = batch.target.is_none() && inputs.dims()[0] == batch.x.dims()[0];
    if !plain || !is_on_cpu(&device) {
        return None;
    }
    let curvature = multiple(encoder, codes)?;
    let dictionary = to_array(&view.matrix);
    let atoms = dictionary.t().as_standard_layout().into_owned();
    let x = to_array(&inputs);
    let z = to_array(codes);
    let n = x.nrows() as f64;
    let residual = sparse_residual(&atoms, &x, &z).mapv_into(|r| -r);
    let precision = Precision::of(codes);
    let of_residual = to_tensor(&residual, precision, &device);
    let squared = encoder.fit().is_least_squares();
    let slopes = match squared {
        true => residual,
        false => to_array(&encoder.fit().gradient(of_residual.clone())),
    };
    let weights = (!squared)
        .then(|| to_array(&encoder.fit().curvature(&of_residual, of_residual.ones_like())));
    let systems =
        Systems { gram: dictionary.t().dot(&dictionary), atoms: &atoms, ridge: ridge + curvature };
    let mut gradient = Array2::<f64>::zeros(atoms.dim());
    let mut singular = 0;
    for (at, slope) in slopes.rows().into_iter().enumerate() {
        let z = z.row(at);
        let support: Vec<usize> = (0..z.len()).filter(|&j| z[j] != 0.0).collect();
        let weights = weights.as_ref().map(|weights| weights.row(at));
        let h = systems.of(&support, weights);
        let right = DVector::from_fn(support.len(), |a, _| -atoms.row(support[a]).dot(&slope) / n);
        let solution = solved(h, &right);
        singular += usize::from(solution.is_none());
        let mut bent = ndarray::Array1::<f64>::zeros(slope.len());
        let u = |a: usize| solution.as_ref().map_or(f64::NAN, |solution| solution[a]);
        for (a, &j) in support.iter().enumerate() {
            bent.scaled_add(u(a), &atoms.row(j));
        }
        if let Some(weights) = weights {
            bent *= &weights;
        }
        for (a, &j) in support.iter().enumerate() {
            let mut row = gradient.row_mut(j);
            row.scaled_add(z[j] / n + u(a), &slope);
            row.scaled_add(z[j], &bent);
        }
    }
    let mut gradients = GradientsParams::new();
    let gradient = gradient.reversed_axes().as_standard_layout().into_owned();
    gradients.register(parameter, to_tensor(&gradient, precision, &device));
    let penalty = encoder.penalty_value(codes);
    let losses = Losses::with_penalty(encoder.fit(), of_residual, penalty);
    Some(Estimate {
        codes: codes.clone(),
        loss: losses.reconstruction.clone(),
        losses,
        gradients,
        trouble: (singular > 0).then(|| trouble(singular, x.nrows())),
    })
}
