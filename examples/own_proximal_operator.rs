//! A proximal operator of your own: the elastic net, in an encoder and under an estimator.
//!
//! `cargo run --release --example own_proximal_operator`

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use unrolled::prelude::*;
use unrolled::tensors::{to_scalar, to_values};

/// The proximal operator of `α (λ ‖z‖₁ + ½ μ ‖z‖²)`: the soft threshold, then a shrinkage.
#[derive(Module, Debug)]
struct ElasticNet {
    soft: SoftThreshold,
    ridge: f64,
}

impl ProximalOperator for ElasticNet {
    fn apply(&self, v: Tensor<2>, step: f64, iteration: usize) -> Tensor<2> {
        let shrinkage = 1.0 / (1.0 + step * self.ridge);
        self.soft.apply(v, step, iteration).mul_scalar(shrinkage)
    }

    fn penalty(&self) -> f64 {
        self.soft.penalty()
    }

    fn sided(&self) -> Sided {
        self.soft.sided()
    }
}

pub fn main() {
    let device = Device::flex();
    let dictionary = DenseDictionary::new(Tensor::from_data([[1.0, 0.6], [0.0, 0.8]], &device));
    let x = Tensor::from_data([[1.0, 0.5], [-0.3, 0.9]], &device);
    for ridge in [0.0, 1.0] {
        let prox = ElasticNet { soft: SoftThreshold::new(0.1, Sided::Two), ridge };
        let network = Autoencoder::new(dictionary.clone(), Unrolled::ista(prox, 0.5, 200));
        let estimate = GAeLs.estimate(&network, &x);
        println!(
            "ridge {ridge}: reconstruction {:.4}, codes {:.3?}",
            to_scalar(&estimate.losses.reconstruction),
            to_values(&estimate.codes),
        );
    }
}
