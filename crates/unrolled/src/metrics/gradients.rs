//! Errors of gradients.

use ndarray::Array2;

/// ‖A‖_F.
pub fn frobenius(a: &Array2<f64>) -> f64 {
    a.iter().fold(0.0, |sum, v| sum + v * v).sqrt()
}

/// ‖a − b‖_F / ‖b‖_F.
pub fn relative_error(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    frobenius(&(a - b)) / frobenius(b)
}

/// The cosine of the angle between two gradients, ⟨a, b⟩ / (‖a‖ ‖b‖). Not-a-number where one is 0.
pub fn cosine(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    let inner = a.iter().zip(b).fold(0.0, |sum, (a, b)| sum + a * b);
    inner / (frobenius(a) * frobenius(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn norms_and_angles() {
        let a = array![[3.0, 0.0], [0.0, 4.0]];
        assert_eq!(frobenius(&a), 5.0);
        assert!((cosine(&a, &(&a * 2.0)) - 1.0).abs() < 1e-15);
        assert!((cosine(&a, &(&a * -1.0)) + 1.0).abs() < 1e-15);
        assert_eq!(cosine(&a, &array![[0.0, 1.0], [1.0, 0.0]]), 0.0);
        assert_eq!(relative_error(&(&a * 1.5), &a), 0.5);
    }
}
