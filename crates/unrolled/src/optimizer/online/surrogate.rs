//! Sufficient statistics: what is left of the codes of all batches.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use unrolled_kernels::Number;

/// A and B, of a surrogate `½ tr(DᵀD A) − tr(Dᵀ B)` of dictionaries `[m, p]`: sums of many batches, in float64. Products of
/// matrices are computed in the precision of the dictionary. Of filters, see [`super::Filters`].
#[derive(Clone, Debug)]
pub struct Surrogate {
    /// A, `[p, p]`; of p filters `[p, p · shifts]`.
    pub curvature: Array2<f64>,
    /// B, `[m, p]`; of filters as rows, `[p, c · h · w]`.
    pub products: Array2<f64>,
}

/// Numbers that are not worth waking a thread for.
pub(super) const FEW: usize = 1 << 16;

/// The curvature up to which no code uses an atom: a share of the largest that is finite. An atom whose own is not a number,
/// or infinite, is not passed over, so that its atom shows it.
pub(super) fn least(curvatures: impl Iterator<Item = f64>) -> f64 {
    const SHARE: f64 = 1e-12;
    SHARE * curvatures.filter(|curvature| curvature.is_finite()).fold(0.0f64, f64::max)
}

impl Surrogate {
    /// What of it is left, and the statistics of a batch added by their weight: A, and B from what the dictionary explains
    /// of it and the gradient, which is the difference.
    pub(super) fn blend<T: Number>(
        &mut self,
        [left, weight]: [f64; 2],
        explained: &Array2<T>,
        gradient: &Array2<T>,
        curvature: &Array2<T>,
    ) {
        let (of_batch, gradient) = (curvature.as_standard_layout(), gradient.as_standard_layout());
        let [of_batch, explained, gradient] =
            [&of_batch.view(), &explained.view(), &gradient.view()].map(flat);
        blend(&mut self.curvature, left, |at| weight * of_batch[at].to_f64());
        blend(&mut self.products, left, |at| {
            weight * (explained[at].to_f64() - gradient[at].to_f64())
        });
    }
}

pub(super) fn flat<'a, T>(array: &ArrayView2<'a, T>) -> &'a [T] {
    array.to_slice().expect("the layout is standard")
}

/// `a ← left · a + b` for every number, on all threads where there are many.
fn blend(a: &mut Array2<f64>, left: f64, b: impl Fn(usize) -> f64 + Sync) {
    const CHUNK: usize = FEW / 4;
    if !a.is_standard_layout() {
        *a = a.as_standard_layout().into_owned();
    }
    let a = a.as_slice_mut().expect("the layout is standard");
    let some = |(chunk, a): (usize, &mut [f64])| {
        for (at, a) in (chunk * CHUNK..).zip(a) {
            *a = left * *a + b(at);
        }
    };
    match a.len() <= FEW {
        true => a.chunks_mut(CHUNK).enumerate().for_each(some),
        false => a.par_chunks_mut(CHUNK).enumerate().for_each(some),
    }
}
