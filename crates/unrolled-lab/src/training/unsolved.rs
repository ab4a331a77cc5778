//! Codes that were to be solved for and were not.

use burn::tensor::Tensor;
use unrolled::dictionary::AnyDictionary;
use unrolled::encoder::AnyEncoder;

/// How many codes `[n, q]` of examples `[n, m]` are not solved to the encoder's tolerance; `None` where codes are unrolled.
pub fn unsolved(
    encoder: &AnyEncoder,
    dictionary: &AnyDictionary,
    x: &Tensor<2>,
    codes: &Tensor<2>,
) -> Option<usize> {
    match encoder {
        AnyEncoder::Unrolled(_) => None,
        AnyEncoder::Solved(solved) => Some(solved.unfinished(dictionary, x, codes)),
    }
}
