//! Encoder and decoder as one network.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::dictionary::DenseDictionary;
use crate::encoder::Encoder;

/// A network whose encoder unrolls sparse coding and whose decoder is the dictionary itself.
///
/// Both share the weights `D`, which is why it matters how a gradient passes through the encoder.
#[derive(Module, Debug)]
pub struct Autoencoder<E: Encoder> {
    /// D.
    pub dictionary: DenseDictionary,
    /// z_T(x; D).
    pub encoder: E,
}

impl<E: Encoder> Autoencoder<E> {
    /// From its two halves.
    pub fn new(dictionary: DenseDictionary, encoder: E) -> Self {
        Self { dictionary, encoder }
    }

    /// Codes `[n, p]` of examples `[n, m]`.
    pub fn encode(&self, x: &Tensor<2>) -> Tensor<2> {
        self.encoder.encode(&self.dictionary.matrix.val(), x)
    }

    /// Reconstructions `[n, m]` of codes `[n, p]`.
    pub fn decode(&self, codes: Tensor<2>) -> Tensor<2> {
        self.dictionary.synthesis(codes)
    }

    /// Reconstructions `[n, m]` of examples `[n, m]`.
    pub fn forward(&self, x: &Tensor<2>) -> Tensor<2> {
        self.decode(self.encode(x))
    }
}
