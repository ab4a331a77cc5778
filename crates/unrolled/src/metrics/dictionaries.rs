//! Errors of dictionaries.

use ndarray::Array2;

use super::relative_error;
use crate::dictionary::Constraint;

/// ‖D* − D‖_F / ‖D*‖_F with the columns of both normalised, atoms compared as they stand.
pub fn dictionary_error(dictionary: &Array2<f64>, truth: &Array2<f64>) -> f64 {
    let normalise = |d: &Array2<f64>| Constraint::UnitSphere.project(d.clone());
    relative_error(&normalise(dictionary), &normalise(truth))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn scale_does_not_count_and_a_turned_atom_does() {
        let truth = array![[1.0, 0.0], [0.0, 1.0]];
        assert_eq!(dictionary_error(&array![[2.0, 0.0], [0.0, 5.0]], &truth), 0.0);
        let flipped = dictionary_error(&array![[-1.0, 0.0], [0.0, 1.0]], &truth);
        assert!((flipped - 2.0 / 2f64.sqrt()).abs() < 1e-15);
    }
}
