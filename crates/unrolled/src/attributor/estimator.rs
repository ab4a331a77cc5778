//! What an attributor descends.

use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::Attributor;
use super::network::{coherence, entropy};
use crate::gradient::{Estimate, Estimator, Reach};
use crate::loss::{Loss, Losses};
use crate::network::Batch;

/// The gradient of `mean over all entries of (x − x̂)² + ε H + o C`: H is the mean entropy of the shares, in nats, C the sum of
/// squared cosines of different atoms. By automatic differentiation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MeanSquares {
    /// ε.
    pub entropy: f64,
    /// o.
    pub orthogonality: f64,
}

impl MeanSquares {
    /// The reconstruction and the whole loss, for shares `[n, k]`.
    fn losses(&self, network: &Attributor, batch: &Batch, shares: &Tensor<2>) -> Losses {
        let target = batch.target().clone();
        let [examples, features] = target.dims();
        let residual = network.reconstruct(shares.clone()).sub(target);
        let entries = (examples * features) as f64;
        let reconstruction = residual.powi_scalar(2).sum().mul_scalar(1.0 / entries);
        let mut whole = reconstruction.clone();
        if self.entropy != 0.0 {
            whole = whole.add(entropy(shares).mul_scalar(self.entropy));
        }
        if self.orthogonality != 0.0 {
            let coherence = coherence(network.dictionary.val());
            whole = whole.add(coherence.mul_scalar(self.orthogonality));
        }
        Losses { reconstruction, lasso: whole }
    }
}

impl Estimator<Attributor> for MeanSquares {
    fn name(&self) -> &'static str {
        "mean_squares"
    }

    fn descends(&self) -> Option<Loss> {
        None
    }

    fn reach(&self) -> Reach {
        Reach::All
    }

    /// The codes are the shares; of the losses, `reconstruction` is without the penalties and `lasso` with them.
    fn estimate_batch(&self, network: &Attributor, batch: &Batch) -> Estimate {
        use burn::module::Module;

        let network = network.clone().train();
        let batch = batch.autodiff();
        let shares = network.shares(&batch.x);
        let losses = self.losses(&network, &batch, &shares);
        let value = losses.lasso.clone();
        let gradients = GradientsParams::from_grads(value.clone().backward(), &network);
        Estimate {
            codes: shares.inner(),
            loss: value.inner(),
            losses: losses.inner(),
            gradients,
            trouble: None,
        }
    }
}
