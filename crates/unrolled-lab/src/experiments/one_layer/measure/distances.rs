//! How far every row is from its own atom.

use ndarray::Array2;

use super::median;

/// ‖w_i/‖w_i‖ − a_i‖ over the rows.
#[derive(Clone, Debug)]
pub struct Distances {
    pub rows: Vec<f64>,
    pub least: f64,
    pub median: f64,
    pub worst: f64,
}

/// Of W `[p, m]` and atoms of norm 1, `[m, p]`, as they stand, signs and all. A row that is 0 has distance 1.
pub fn distances(weight: &Array2<f64>, truth: &Array2<f64>) -> Distances {
    let pairs = weight.rows().into_iter().zip(truth.columns());
    let rows: Vec<f64> = pairs
        .map(|(row, atom)| {
            let norm = row.dot(&row).sqrt();
            let scale = if norm > 0.0 { 1.0 / norm } else { 0.0 };
            row.iter().zip(atom).map(|(w, a)| (scale * w - a).powi(2)).sum::<f64>().sqrt()
        })
        .collect();
    let least = rows.iter().copied().fold(f64::INFINITY, f64::min);
    let worst = rows.iter().copied().fold(0.0, f64::max);
    Distances { least, median: median(&rows), worst, rows }
}
