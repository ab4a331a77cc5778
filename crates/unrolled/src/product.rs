//! Matrix products in the precision of their tensors.

#[cfg(all(feature = "card", not(feature = "fusion")))]
mod exact;
mod host;

pub(crate) use host::of_arrays;

use burn::tensor::Tensor;

/// `a b`, `[n, k]` times `[k, p]`.
///
/// Burn multiplies float32 matrices on NVIDIA cards by TF32 units, which read ten bits of each factor: codes and
/// gradients came out wrong by some 3·10⁻⁴. On graphics cards the product is taken by ordinary multiply-adds instead,
/// and so are its derivatives; everywhere else this is Burn's product.
pub(crate) fn product(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    #[cfg(all(feature = "card", not(feature = "fusion")))]
    if exact::serves(&a) {
        return exact::product(a, b);
    }
    a.matmul(b)
}
