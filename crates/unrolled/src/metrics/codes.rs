//! Errors of codes.

use ndarray::{Array2, Zip};

/// ‖a_i − b_i‖₂ for every example i; `a` and `b` are `[n, p]`.
pub fn distances(a: &Array2<f64>, b: &Array2<f64>) -> Vec<f64> {
    Zip::from(a.rows())
        .and(b.rows())
        .map_collect(|a, b| a.iter().zip(b).fold(0.0, |sum, (a, b)| sum + (a - b) * (a - b)).sqrt())
        .to_vec()
}

/// The sum of [`distances`], in the order of the examples; divided by n, the code error.
pub fn total_distance(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    distances(a, b).iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn distances_are_euclidean_by_example() {
        let a = array![[3.0, 4.0], [1.0, 1.0]];
        let b = array![[0.0, 0.0], [1.0, 2.0]];
        assert_eq!(distances(&a, &b), [5.0, 1.0]);
        assert_eq!(total_distance(&a, &b), 6.0);
    }
}
