//! Encoder and decoder as one network.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::dictionary::DenseDictionary;
use crate::encoder::Encoder;
use crate::network::{Network, SparseCoder};
use crate::operator::LinearOperator;

/// A network whose encoder unrolls sparse coding and whose decoder is the dictionary itself.
///
/// Both share the weights of `D`, which is why it matters how a gradient passes through the encoder.
#[derive(Module, Debug)]
pub struct Autoencoder<E, D = DenseDictionary> {
    /// D.
    pub dictionary: D,
    /// z_T(x; D).
    pub encoder: E,
}

impl<E: Encoder, D: LinearOperator> Autoencoder<E, D> {
    /// From its two halves.
    pub fn new(dictionary: D, encoder: E) -> Self {
        Self { dictionary, encoder }
    }

    /// Codes `[n, q]` of examples `[n, m]`.
    pub fn encode(&self, x: &Tensor<2>) -> Tensor<2> {
        self.encoder.encode(&self.dictionary, x)
    }

    /// Reconstructions `[n, m]` of codes `[n, q]`.
    pub fn decode(&self, codes: Tensor<2>) -> Tensor<2> {
        self.dictionary.forward(codes)
    }

    /// Reconstructions `[n, m]` of examples `[n, m]`.
    pub fn forward(&self, x: &Tensor<2>) -> Tensor<2> {
        self.decode(self.encode(x))
    }
}

impl<E: Encoder, D: LinearOperator + Network> Network for Autoencoder<E, D> {
    fn project(self) -> Self {
        Self { dictionary: self.dictionary.project(), encoder: self.encoder.project() }
    }
}

impl<E: Encoder, D: LinearOperator + Network> SparseCoder for Autoencoder<E, D> {
    type Operator = D;
    type Encoder = E;

    fn operator(&self) -> &D {
        &self.dictionary
    }

    fn encoder(&self) -> &E {
        &self.encoder
    }
}
