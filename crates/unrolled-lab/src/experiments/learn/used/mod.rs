//! What the learned dictionary makes of the sample: how much each atom is used, and some rows with their reconstructions.

mod found;
mod stored;

pub(super) use found::of;

use ndarray::Array2;

/// Found by [`of`], kept among a run's arrays, and read again for its report.
pub(super) struct Used {
    /// The share of rows whose code has the atom, `[p]`.
    pub usage: Vec<f64>,
    /// Which rows of the sample are shown, `[k]`.
    pub indices: Vec<f64>,
    /// The rows, `[k, m]`.
    pub rows: Array2<f64>,
    /// D z of each, `[k, m]`.
    pub reconstructions: Array2<f64>,
    /// Non-zero entries of each code, `[k]`.
    pub nonzeros: Vec<f64>,
}

impl Used {
    /// The atoms, the most used first.
    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.usage.len()).collect();
        order.sort_by(|a, b| self.usage[*b].total_cmp(&self.usage[*a]));
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_used_atom_comes_first() {
        let [rows, reconstructions] = [(); 2].map(|()| Array2::zeros((0, 1)));
        let usage = vec![0.2, 0.0, 0.7, 0.2];
        let used = Used { usage, indices: Vec::new(), rows, reconstructions, nonzeros: Vec::new() };
        assert_eq!(used.order(), [2, 0, 3, 1]);
    }
}
