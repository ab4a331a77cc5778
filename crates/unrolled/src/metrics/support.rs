//! Whether codes have found the right atoms.

use ndarray::Array2;

/// Precision and recall of the supports of codes against true codes, over all entries together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SupportRecovery {
    /// The share of non-zero entries that are non-zero in the truth; 1 where there are none.
    pub precision: f64,
    /// The share of the truth's non-zero entries that were found; 1 where there are none.
    pub recall: f64,
}

/// Compares `codes` `[n, p]` with the truth.
pub fn support_recovery(codes: &Array2<f64>, truth: &Array2<f64>) -> SupportRecovery {
    let (mut found, mut true_ones, mut both) = (0usize, 0usize, 0usize);
    for (code, truth) in codes.iter().zip(truth) {
        let (code, truth) = (*code != 0.0, *truth != 0.0);
        found += usize::from(code);
        true_ones += usize::from(truth);
        both += usize::from(code && truth);
    }
    let share = |of: usize| if of == 0 { 1.0 } else { both as f64 / of as f64 };
    SupportRecovery { precision: share(found), recall: share(true_ones) }
}

/// The mean number of non-zero entries of a code.
pub fn nonzeros(codes: &Array2<f64>) -> f64 {
    codes.iter().filter(|v| **v != 0.0).count() as f64 / codes.nrows().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn precision_and_recall_count_entries() {
        let codes = array![[1.0, 0.0, 2.0, 0.1], [0.0, 0.0, 0.0, 0.0]];
        let truth = array![[1.0, 0.0, -2.0, 0.0], [0.0, 3.0, 0.0, 0.0]];
        let recovery = support_recovery(&codes, &truth);
        assert!((recovery.precision - 2.0 / 3.0).abs() < 1e-15);
        assert!((recovery.recall - 2.0 / 3.0).abs() < 1e-15);
        assert_eq!(nonzeros(&codes), 1.5);
        let empty = Array2::zeros((2, 4));
        assert_eq!(support_recovery(&empty, &truth).precision, 1.0);
    }
}
