//! Filters, as an optimiser of atoms sees them.

use burn::tensor::Tensor;
use burn::tensor::module::conv2d_weight_backward;
use burn::tensor::ops::ConvOptions;

use crate::dictionary::{ConvolutionalDictionary, FilterConstraint};

/// The filters of a convolutional dictionary. Every filter lies within the image at each of its places, so that least squares
/// with the codes held fixed is a quadratic in the filters which the products of code maps at all shifts say whole:
///
/// `C_ij(δ) = Σ over examples and places u of z_i(u) z_j(u + δ)`, `[p, p, 2·reach_y + 1, 2·reach_x + 1]`,
///
/// up to the reach `⌊(h − 1) / stride⌋` at which two filters overlap, and no further than the map has places. With stride s its gradient in filter i at channel c and
/// pixel b is `Σ_j Σ_δ C_ij(δ) d_j[c, b − s δ] − B_i[c, b]`, a dense dictionary's `D A − B` with A made of C.
///
/// C. Garcia-Cardona, B. Wohlberg, *Convolutional dictionary learning: a comparative review and new algorithms*, IEEE
/// Transactions on Computational Imaging, 2018, keep such statistics by frequency; here they are kept by shift, of which a
/// filter that is small beside the image has few.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Filters {
    /// `[p, c, h, w]`.
    pub shape: [usize; 4],
    /// Height and width of a map of codes.
    pub map: [usize; 2],
    /// Pixels between two places of a filter.
    pub stride: usize,
    /// Where each is kept.
    pub constraint: FilterConstraint,
}

impl Filters {
    /// Numbers that a thread lays out at a time where products are computed densely: 16 MB in float32. One example is taken
    /// even where it has more.
    pub const LAID_OUT: usize = 1 << 22;

    /// Those of a dictionary.
    pub fn of(dictionary: &ConvolutionalDictionary) -> Self {
        Self {
            shape: dictionary.filters.dims(),
            map: dictionary.map(),
            stride: dictionary.stride,
            constraint: dictionary.constraint,
        }
    }

    /// How many places apart two filters, down and across, still overlap within a map.
    pub fn reach(&self) -> [usize; 2] {
        let [_, _, height, width] = self.shape;
        let reach = |size: usize, map: usize| ((size - 1) / self.stride).min(map - 1);
        [reach(height, self.map[0]), reach(width, self.map[1])]
    }

    /// How many shifts there are, both ways and none.
    pub fn shifts(&self) -> usize {
        self.reach().iter().map(|reach| 2 * reach + 1).product()
    }

    /// C, flat, of codes `[n, p · H' · W']`.
    pub(super) fn curvature(&self, codes: Tensor<2>) -> Tensor<1> {
        let ([p, ..], [height, width]) = (self.shape, self.map);
        let reach = self.reach();
        crate::fused::gram_of_maps(&codes, [p, height, width], reach)
            .unwrap_or_else(|| self.curvature_of_tensors(codes))
    }

    /// As the derivative by its filters of a convolution that takes maps to maps: of some examples after the others, so that
    /// what a thread lays out of them is at most [`Self::LAID_OUT`].
    fn curvature_of_tensors(&self, codes: Tensor<2>) -> Tensor<1> {
        let [n, q] = codes.dims();
        let places = q / self.shape[0];
        let some = (Self::LAID_OUT / (places * self.shifts())).clamp(1, n);
        let some = n.div_ceil(n.div_ceil(some));
        let parts = codes.split(some, 0).into_iter().map(|part| self.curvature_of_some(part));
        parts.reduce(|sum, part| sum.add(part)).expect("a batch has examples")
    }

    fn curvature_of_some(&self, codes: Tensor<2>) -> Tensor<1> {
        let ([p, ..], [height, width], [down, across]) = (self.shape, self.map, self.reach());
        let maps = codes.clone().reshape([codes.dims()[0], p, height, width]);
        let (device, dtype) = (codes.device(), codes.dtype());
        let products = Tensor::zeros([p, p, 2 * down + 1, 2 * across + 1], (&device, dtype));
        let options = ConvOptions::new([1; 2], [down, across], [1; 2], 1);
        let products = conv2d_weight_backward(maps.clone(), products, maps, options);
        products.reshape([p * p * self.shifts()])
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use ndarray::Array2;

    use super::*;
    use crate::random::Stream;
    use crate::tensors::{Precision, to_tensor, to_values};

    #[test]
    fn entries_and_tensors_give_the_same_products() {
        let mut stream = Stream::new(1, "maps", 0);
        let constraint = FilterConstraint::default();
        for (shape, map, stride) in [
            ([5, 1, 3, 5], [9, 8], 1),
            ([4, 3, 9, 9], [7, 5], 4),
            ([3, 1, 4, 4], [2, 1], 1),
            ([17, 2, 1, 1], [3, 3], 1),
        ] {
            let filters = Filters { shape, map, stride, constraint };
            let q = shape[0] * map[0] * map[1];
            let codes = Array2::from_shape_simple_fn((6, q), || {
                if stream.uniform() < 0.05 { stream.normal() } else { 0.0 }
            });
            for (precision, tolerance) in [(Precision::Float64, 1e-13), (Precision::Float32, 1e-5)]
            {
                let codes = to_tensor(&codes, precision, &Device::flex());
                let reach = filters.reach();
                let ours = crate::fused::gram_of_maps(&codes, [shape[0], map[0], map[1]], reach);
                let ours = to_values(&ours.expect("it serves"));
                let plain = to_values(&filters.curvature_of_tensors(codes));
                assert_eq!(ours.len(), plain.len());
                let error = ours.iter().zip(plain).fold(0.0f64, |e, (a, b)| e.max((a - b).abs()));
                assert!(error < tolerance, "{shape:?} {precision:?}: {error:e}");
            }
        }
    }

    /// Codes of which most are not 0, so many that they are taken in several parts: the sum of what parts give, and the same
    /// bytes on any number of threads.
    #[test]
    fn dense_codes_are_taken_in_parts() {
        let constraint = FilterConstraint::default();
        let filters = Filters { shape: [2, 1, 3, 3], map: [40, 40], stride: 1, constraint };
        let (n, q) = (200, 2 * 40 * 40);
        assert!(n * 40 * 40 * filters.shifts() > Filters::LAID_OUT);
        let mut stream = Stream::new(2, "maps", 0);
        let codes = Array2::from_shape_simple_fn((n, q), || stream.normal());
        let tensor = |codes: Array2<f64>| to_tensor(&codes, Precision::Float64, &Device::flex());
        assert!(crate::fused::gram_of_maps(&tensor(codes.clone()), [2, 40, 40], [2, 2]).is_none());
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            to_values(&pool.install(|| filters.curvature(tensor(codes.clone()))))
        };
        let whole = on(1);
        assert_eq!(whole, on(3));
        let mut sum = vec![0.0; whole.len()];
        for row in codes.rows() {
            let row = row.to_owned().into_shape_with_order((1, q)).unwrap();
            let one = to_values(&filters.curvature_of_some(tensor(row)));
            sum.iter_mut().zip(one).for_each(|(sum, one)| *sum += one);
        }
        assert!(sum.iter().zip(&whole).all(|(a, b)| (a - b).abs() < 1e-8));
    }
}
