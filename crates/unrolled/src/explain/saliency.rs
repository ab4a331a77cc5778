//! What an entry of an example does to an entry of its code.

use burn::tensor::Tensor;

use crate::encoder::Encoder;
use crate::network::SparseCoder;
use crate::tensors::{Precision, from_values};

/// `∂z_T[e]/∂x`, `[k, m]`: for each of the examples `x` `[k, m]` the derivative of the entry `entries[i]` of its code with
/// respect to the example, back through all T iterations of the network's encoder. It is 0 where that entry is.
///
/// Once the iterations have converged, it is a row of the pseudo-inverse of the active atoms: what tells this atom from the
/// others that the example uses, and not the atom itself.
///
/// `None` of an encoder that is not unrolled, or where there are not as many entries as examples, each of the code.
pub fn saliency<N: SparseCoder>(
    network: &N,
    x: &Tensor<2>,
    entries: &[usize],
) -> Option<Tensor<2>> {
    if !network.encoder().unrolls() {
        return None;
    }
    let network = network.clone().train();
    let leaf = x.clone().autodiff().require_grad();
    let codes = network.encode(&leaf);
    let [rows, width] = codes.dims();
    if rows != entries.len() || entries.iter().any(|entry| *entry >= width) {
        return None;
    }
    let mut chosen = vec![0.0; rows * width];
    for (row, entry) in entries.iter().enumerate() {
        chosen[row * width + entry] = 1.0;
    }
    let chosen =
        from_values::<2>(chosen.into_iter(), [rows, width], Precision::of(x), &x.device().inner());
    // Rows have nothing to do with each other: one way back serves all.
    let gradients = codes.mul(chosen.autodiff()).sum().backward();
    let found = leaf.grad(&gradients);
    Some(found.unwrap_or_else(|| x.clone().zeros_like()))
}
