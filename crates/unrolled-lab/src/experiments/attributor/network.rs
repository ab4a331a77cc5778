//! An attributor, or an encoder in its place.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use ndarray::Array2;
use unrolled::attributor::{Attributor, MeanSquares};
use unrolled::dictionary::AnyDictionary;
use unrolled::encoder::AnyEncoder;
use unrolled::gradient::{Estimate, Estimator, GAeLs, Reach};
use unrolled::loss::Loss;
use unrolled::network::{Batch, Network, SparseCoder};
use unrolled::prelude::Autoencoder;
use unrolled::tensors::to_array;

/// Sparse coding with the dictionary.
pub(super) type Coder = Autoencoder<AnyEncoder, AnyDictionary>;

/// What explains examples by atoms.
#[derive(Module, Debug)]
pub(super) enum Explainer {
    Attributor(Attributor),
    Encoder(Coder),
}

impl Network for Explainer {
    fn project(self) -> Self {
        match self {
            Self::Attributor(network) => Self::Attributor(network.project()),
            Self::Encoder(network) => Self::Encoder(network.project()),
        }
    }
}

impl Explainer {
    /// D, `[m, k]`.
    pub fn dictionary(&self) -> Array2<f64> {
        match self {
            Self::Attributor(network) => to_array(&network.dictionary.val().inner()),
            Self::Encoder(network) => to_array(&network.dictionary.columns()),
        }
    }

    /// Shares or codes `[n, k]` of examples, and their reconstructions `[n, m]`.
    pub fn explain(&self, x: &Tensor<2>) -> [Array2<f64>; 2] {
        let [codes, reconstructions] = match self {
            Self::Attributor(network) => {
                let shares = network.valid().shares(x);
                [shares.clone(), network.valid().reconstruct(shares)]
            }
            Self::Encoder(network) => {
                let codes = network.valid().encode(x);
                [codes.clone(), network.valid().reconstruct(codes)]
            }
        };
        [to_array(&codes), to_array(&reconstructions)]
    }
}

/// The gradient of the mean over all entries of (x − x̂)², and of its penalties.
#[derive(Clone, Copy, Debug)]
pub(super) struct Squares(pub MeanSquares);

impl Estimator<Explainer> for Squares {
    fn name(&self) -> &'static str {
        "g_ae_ls"
    }

    fn descends(&self) -> Option<Loss> {
        None
    }

    fn reach(&self) -> Reach {
        Reach::All
    }

    fn estimate_batch(&self, network: &Explainer, batch: &Batch) -> Estimate {
        match network {
            Explainer::Attributor(network) => self.0.estimate_batch(network, batch),
            Explainer::Encoder(network) => of_coder(network, batch),
        }
    }
}

/// ½ mean over examples of ‖x − D z‖², as a mean over all entries of squares.
fn of_coder(network: &Coder, batch: &Batch) -> Estimate {
    let mut estimate = GAeLs.estimate_batch(network, batch);
    let scale = 2.0 / batch.x.dims()[1] as f64;
    let AnyDictionary::Dense(dictionary) = &network.dictionary else {
        unreachable!("the configuration has a dense dictionary");
    };
    let mut gradients = GradientsParams::new();
    if let Some(gradient) = estimate.gradients.get::<2>(dictionary.matrix.id) {
        gradients.register(dictionary.matrix.id, gradient.mul_scalar(scale));
    }
    estimate.gradients = gradients;
    estimate.loss = estimate.loss.mul_scalar(scale);
    estimate.losses.reconstruction = estimate.losses.reconstruction.mul_scalar(scale);
    estimate
}
