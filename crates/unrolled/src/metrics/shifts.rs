//! Filters up to shift and sign: a shifted filter with shifted codes makes the same images.

use ndarray::Array2;

use super::dictionaries::assignment;

/// For every true filter the largest |cosine| of it with the filter that is matched to it, shifted by any number of places along
/// either side; filled up with zeros. Matched one to one, so that the sum is largest.
///
/// Filters are columns `[channels · height · width, p]`, as `shape` says. `None` where the dictionaries have different
/// shapes or an entry that is not finite.
pub fn shifted_cosines(
    dictionary: &Array2<f64>,
    truth: &Array2<f64>,
    shape: [usize; 3],
) -> Option<Vec<f64>> {
    let finite = dictionary.iter().all(|v| v.is_finite());
    if dictionary.dim() != truth.dim() || !finite {
        return None;
    }
    let pair =
        |i: usize, j: usize| best(&dictionary.column(j).to_vec(), &truth.column(i).to_vec(), shape);
    let similarity =
        Array2::from_shape_fn((truth.ncols(), dictionary.ncols()), |(i, j)| pair(i, j));
    let matching = assignment(&similarity).into_iter().enumerate();
    Some(matching.map(|(truth, atom)| similarity[[truth, atom]]).collect())
}

/// The largest |⟨shifted a, b⟩| / (‖a‖ ‖b‖).
fn best(a: &[f64], b: &[f64], [channels, height, width]: [usize; 3]) -> f64 {
    let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let size = norm(a) * norm(b);
    if size == 0.0 {
        return 0.0;
    }
    let overlap = |shift: isize, side: usize| {
        let from = shift.max(0) as usize;
        let to = (side as isize + shift.min(0)) as usize;
        from..to
    };
    let mut most = 0.0f64;
    for down in 1 - height as isize..height as isize {
        for right in 1 - width as isize..width as isize {
            let mut product = 0.0;
            for channel in 0..channels {
                for row in overlap(down, height) {
                    for column in overlap(right, width) {
                        let at = |r: isize, c: isize| {
                            (channel * height + r as usize) * width + c as usize
                        };
                        let (r, c) = (row as isize, column as isize);
                        product += a[at(r - down, c - right)] * b[at(r, c)];
                    }
                }
            }
            most = most.max(product.abs());
        }
    }
    most / size
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn shifted_and_negative_filters_are_the_same() {
        // Two filters of 1 × 4: the second, shifted by one and negative, comes first.
        let truth = array![[1.0, 0.0], [2.0, 1.0], [0.0, 3.0], [0.0, 0.0]];
        let found = array![[-1.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, 2.0]];
        let cosines = shifted_cosines(&found, &truth, [1, 1, 4]).unwrap();
        assert!(cosines.iter().all(|c| (c - 1.0).abs() < 1e-12), "{cosines:?}");
        // And of 2 × 2, down by one row.
        let truth = array![[1.0], [2.0], [0.0], [0.0]];
        let found = array![[0.0], [0.0], [1.0], [2.0]];
        let cosines = shifted_cosines(&found, &truth, [1, 2, 2]).unwrap();
        assert!((cosines[0] - 1.0).abs() < 1e-12, "{cosines:?}");
    }
}
