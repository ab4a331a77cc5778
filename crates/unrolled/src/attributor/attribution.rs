//! From scores to shares.

use burn::tensor::activation::softmax;
use burn::tensor::{Bool, Tensor};

/// How scores `s` `[n, k]` become shares `[n, k]`: every row is at least 0 and sums to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Attribution {
    /// `exp(s_j) / Σ exp(s_i)`: no share is 0.
    #[default]
    Softmax,
    /// The projection of s on the simplex, `max(s_j − τ, 0)` (A. Martins, R. Astudillo, *From softmax to sparsemax*, ICML 2016,
    /// equation 2 and algorithm 1). Its derivative holds the support fixed (there, equation 10).
    Sparsemax,
    /// A softmax over the largest scores, so many of them and those that tie with the last; the others have no share.
    TopK(usize),
}

impl Attribution {
    /// The shares of scores `[n, k]`.
    pub fn shares(self, scores: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Softmax => softmax(scores, 1),
            Self::Sparsemax => sparsemax(scores),
            Self::TopK(count) => top_k(scores, count),
        }
    }
}

fn sparsemax(scores: Tensor<2>) -> Tensor<2> {
    let [_, terms] = scores.dims();
    let plain = scores.clone().inner();
    let (device, dtype) = (plain.device(), plain.dtype());
    // The support is as many of the largest scores as satisfy 1 + j s₍ⱼ₎ > s₍₁₎ + … + s₍ⱼ₎.
    let sorted = plain.clone().sort_descending(1);
    let sums = sorted.clone().cumsum(1);
    let places = Tensor::<1>::ones([terms], (&device, dtype)).cumsum(0).unsqueeze::<2>();
    let inside = sorted.clone().mul(places).add_scalar(1.0).greater(sums);
    let inside = inside.float().cast(dtype);
    let count = inside.clone().sum_dim(1);
    let level = sorted.mul(inside).sum_dim(1).sub_scalar(1.0).div(count.clone());
    let outside = like(&scores, plain.lower_equal(level));
    let count = match scores.is_autodiff() {
        true => count.autodiff(),
        false => count,
    };
    // Differentiated: τ is a mean over the support.
    let level =
        scores.clone().mask_fill(outside.clone(), 0.0).sum_dim(1).sub_scalar(1.0).div(count);
    scores.sub(level).mask_fill(outside, 0.0)
}

fn top_k(scores: Tensor<2>, count: usize) -> Tensor<2> {
    let [_, terms] = scores.dims();
    if count == 0 || count >= terms {
        return softmax(scores, 1);
    }
    let plain = scores.clone().inner();
    let last = plain.clone().topk(count, 1).narrow(1, count - 1, 1);
    let dropped = like(&scores, plain.lower(last));
    // Far enough below every score that its exponential is 0, and finite, so that no difference is not a number.
    softmax(scores.mask_fill(dropped, -1e30), 1)
}

/// A mask that goes with scores, whether they have a graph or not.
fn like(scores: &Tensor<2>, mask: Tensor<2, Bool>) -> Tensor<2, Bool> {
    if scores.is_autodiff() { mask.autodiff() } else { mask }
}
