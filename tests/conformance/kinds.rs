//! Kinds of dictionary.

use burn::tensor::Device;
use ndarray::Array2;
use unrolled::dictionary::initialisation;
use unrolled::fused::Engine;
use unrolled::prelude::*;
use unrolled::prox::AnyProx;
use unrolled::random::Stream;
use unrolled::tensors::{to_tensor, to_values};

use crate::cases::Case;

/// What a network computes, by name.
pub struct Measured {
    pub arrays: Vec<(&'static str, Vec<f64>)>,
}

/// A kind of dictionary with a small problem of its own.
pub trait Kind {
    fn name(&self) -> &'static str;

    /// Codes, losses and all gradients of a case.
    fn measure(
        &self,
        case: &Case,
        device: &Device,
        precision: Precision,
        engine: Engine,
    ) -> Measured;
}

/// D `[m, p]`, atoms as columns.
pub struct Dense;

impl Kind for Dense {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn measure(
        &self,
        case: &Case,
        device: &Device,
        precision: Precision,
        engine: Engine,
    ) -> Measured {
        let (m, p, n) = (8, 12, 6);
        let dictionary = initialisation::random(m, p, &mut Stream::new(3, "dictionary", 0));
        let mut stream = Stream::new(3, "examples", 0);
        let x = Array2::from_shape_simple_fn((n, m), || stream.normal());
        let encoder = case.encoder(p, device, precision, engine);
        let dictionary = DenseDictionary::new(to_tensor(&dictionary, precision, device));
        let network = Autoencoder::new(dictionary, encoder);
        let estimate = case.estimator().estimate(&network, &to_tensor(&x, precision, device));
        let gradients = &estimate.gradients;
        let mut arrays = vec![
            ("codes", to_values(&estimate.codes)),
            ("reconstruction", to_values(&estimate.losses.reconstruction)),
            ("lasso", to_values(&estimate.losses.lasso)),
            ("gradient of D", to_values(&estimate.dictionary_gradient(&network))),
        ];
        if let AnyProx::LearnedSoft(prox) = &network.encoder.prox
            && let Some(gradient) = gradients.get::<1>(prox.bias.id)
        {
            arrays.push(("gradient of the bias", to_values(&gradient)));
        }
        if let Some(step) = &network.encoder.learned_step
            && let Some(gradient) = gradients.get::<1>(step.id)
        {
            arrays.push(("gradient of the step", to_values(&gradient)));
        }
        Measured { arrays }
    }
}
