//! A linear operator of your own, a circular convolution with one learned filter, and a loss of your own, under an
//! estimator that goes through all iterations.
//!
//! `cargo run --release --example own_operator`

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use unrolled::prelude::*;
use unrolled::tensors::{to_scalar, to_values};

/// `(D z)_i = Σ_k w_k z_{i − k}`, indices modulo the width.
#[derive(Module, Debug)]
struct Circular {
    filter: Param<Tensor<1>>,
    width: usize,
}

/// Rows turned by `by` entries to the right, modulo their width.
fn turned(rows: Tensor<2>, by: usize) -> Tensor<2> {
    let [n, width] = rows.dims();
    match by {
        0 => rows,
        _ => {
            let split = width - by;
            Tensor::cat(
                vec![rows.clone().slice([0..n, split..width]), rows.slice([0..n, 0..split])],
                1,
            )
        }
    }
}

impl Circular {
    fn sum(&self, rows: Tensor<2>, turn: impl Fn(usize) -> usize) -> Tensor<2> {
        let filter = self.filter.val();
        let rows = if filter.is_autodiff() && !rows.is_autodiff() { rows.autodiff() } else { rows };
        let term = |k: usize| {
            let weight = filter.clone().narrow(0, k, 1).reshape([1, 1]);
            turned(rows.clone(), turn(k)).mul(weight)
        };
        (1..filter.dims()[0]).fold(term(0), |sum, k| sum.add(term(k)))
    }
}

impl Network for Circular {}

impl LinearOperator for Circular {
    fn shape(&self) -> [usize; 2] {
        [self.width; 2]
    }

    fn forward(&self, z: Tensor<2>) -> Tensor<2> {
        self.sum(z, |k| k)
    }

    fn adjoint(&self, x: Tensor<2>) -> Tensor<2> {
        self.sum(x, |k| (self.width - k) % self.width)
    }
}

pub fn main() {
    let device = Device::flex();
    let filter = Param::from_tensor(Tensor::from_data([0.8, 0.5, 0.3], &device));
    let operator = Circular { filter, width: 8 };
    let step = 0.99 / operator.spectral_norm_squared(1e-6, &device, Precision::Float32);
    let encoder = Unrolled::fista(SoftThreshold::new(0.05, Sided::Two), step, 50);
    let network = Autoencoder::new(operator, encoder);
    let x = Tensor::from_data([[0.0, 0.8, 0.5, 0.3, 0.0, -0.8, -0.5, -0.3]], &device);
    // Absolute errors instead of squares.
    let absolute = |network: &Autoencoder<_, Circular>, batch: &Batch, codes: &Tensor<2>| {
        let reconstruction = network.dictionary.forward(codes.clone());
        reconstruction.sub(batch.target().clone()).abs().mean()
    };
    let estimate = GTruncated { loss: absolute, window: usize::MAX }.estimate(&network, &x);
    let gradient = estimate.gradients.get::<1>(network.dictionary.filter.id);
    println!("loss {:.4}, codes {:.2?}", to_scalar(&estimate.loss), to_values(&estimate.codes));
    println!("gradient of the filter {:.4?}", to_values(&gradient.expect("it was differentiated")));
}
