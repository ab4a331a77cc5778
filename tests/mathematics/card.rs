//! The kernels for graphics cards, through the library, against float64 on the CPU: both sizes of them, every form of
//! threshold, every loss.

use burn::tensor::{Device, Tensor};
use ndarray::Array2;
use unrolled::dictionary::spectral_norm_squared;
use unrolled::network::SparseCoder;
use unrolled::prelude::*;
use unrolled::prox::{AnyProx, PenaltySchedule};
use unrolled::tensors::{to_tensor, to_values};

use crate::support::{adapter, problem, relative};

/// A loss that nobody knows: Burn differentiates it.
fn own<E: Encoder>(network: &Autoencoder<E>, batch: &Batch, codes: &Tensor<2>) -> Tensor<1> {
    let residual = network.predict(batch, codes.clone()).sub(batch.target().clone());
    residual.powi_scalar(2).sum().mul_scalar(0.3 / codes.dims()[0] as f64)
}

#[test]
fn the_kernels_for_cards_give_the_cpu_s_codes_and_gradients() {
    let Some(place) = adapter() else { return };
    // Atoms in registers; lists of active atoms; lists with an odd number of atoms, read one by one.
    for [m, p, n] in [[20, 30, 9], [60, 132, 6], [60, 151, 5]] {
        let (dictionary, x) = problem(m, p, n, 61);
        let step = 0.9 / spectral_norm_squared(&dictionary);
        let measure = |device: &Device, precision: Precision, which: usize| {
            let d = to_tensor(&dictionary, precision, device);
            let x = to_tensor(&x, precision, device);
            let soft = SoftThreshold::new(0.2, Sided::Two);
            let bias = Tensor::<1>::full([1], 0.07, (device, precision.dtype()));
            let by_atom = Array2::from_shape_fn((1, p), |(_, j)| 0.02 + 0.1 * j as f64 / p as f64);
            let by_atom = to_tensor(&by_atom, precision, device).reshape([p]);
            let learned = |values: Tensor<1>| {
                AnyProx::LearnedSoft(LearnedSoftThreshold::new(values, 0.2, Sided::Two))
            };
            let prox = match which {
                0 => AnyProx::Soft(soft),
                1 => AnyProx::Soft(SoftThreshold::new(0.15, Sided::One)),
                2 => AnyProx::Soft(SoftThreshold::scheduled(
                    PenaltySchedule::decaying(0.3, 0.9),
                    Sided::Two,
                )),
                3 => AnyProx::Hard(HardThreshold::new(0.08, 0.2, Sided::Two)),
                4 => learned(bias),
                _ => learned(by_atom),
            };
            let encoder = Unrolled::ista(prox, step, 12).with_learned_step(&d);
            let network = Autoencoder::new(DenseDictionary::new(d), encoder);
            let mut all = vec![("codes", to_values(&network.encode(&x)))];
            let estimators: [(&str, Box<dyn Estimator<_>>); 5] = [
                ("g_ae_ls", Box::new(GAeLs)),
                ("g_ae_lasso", Box::new(GAeLasso)),
                ("g_dec", Box::new(GDec)),
                ("g_truncated", Box::new(GTruncated { loss: Loss::LeastSquares, window: 4 })),
                ("own", Box::new(GTruncated { loss: own, window: 12 })),
            ];
            for (name, estimator) in estimators {
                let estimate = estimator.estimate(&network, &x);
                all.push((name, to_values(&estimate.dictionary_gradient(&network))));
                all.push((name, to_values(&estimate.losses.reconstruction)));
                all.push((name, to_values(&estimate.losses.lasso)));
                let step = network.encoder().learned_step.as_ref().unwrap().id;
                if let Some(gradient) = estimate.gradients.get::<1>(step) {
                    all.push((name, to_values(&gradient)));
                }
                if let AnyProx::LearnedSoft(prox) = &network.encoder().prox
                    && let Some(gradient) = estimate.gradients.get::<1>(prox.bias.id)
                {
                    all.push((name, to_values(&gradient)));
                }
            }
            all
        };
        for which in 0..6 {
            let ours = measure(&place, Precision::Float32, which);
            let reference = measure(&Device::flex(), Precision::Float64, which);
            assert_eq!(ours.len(), reference.len(), "{which}");
            for ((name, ours), (_, reference)) in ours.iter().zip(&reference) {
                let error = relative(ours, reference);
                assert!(error < 1e-4, "m {m}, p {p}, prox {which}, {name}: {error:e}");
            }
        }
    }
}
