//! Errors of dictionaries, as they stand and after matching their atoms.

use ndarray::Array2;
use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

use crate::dictionary::{Constraint, norms};

fn normalised(dictionary: &Array2<f64>) -> Array2<f64> {
    Constraint::UnitSphere.project(dictionary.clone())
}

/// ‖D* − D‖_F / ‖D*‖_F with the columns of both normalised, atoms compared as they stand.
pub fn dictionary_error(dictionary: &Array2<f64>, truth: &Array2<f64>) -> f64 {
    // An atom that is zero stays so.
    let scales = |d: &Array2<f64>| norms(d).mapv_into(|norm| if norm > 0.0 { norm } else { 1.0 });
    let (of_dictionary, of_truth) = (scales(dictionary), scales(truth));
    let (mut difference, mut size) = (0.0, 0.0);
    for (row, true_row) in dictionary.rows().into_iter().zip(truth.rows()) {
        let scaled = row.iter().zip(&of_dictionary).map(|(v, norm)| v / norm);
        let true_scaled = true_row.iter().zip(&of_truth).map(|(v, norm)| v / norm);
        for (d, truth) in scaled.zip(true_scaled) {
            difference += (d - truth) * (d - truth);
            size += truth * truth;
        }
    }
    (difference / size).sqrt()
}

/// max_j ‖D_j − D*_j‖² with the columns of both normalised, atoms compared as they stand.
pub fn largest_atom_error(dictionary: &Array2<f64>, truth: &Array2<f64>) -> f64 {
    let difference = normalised(dictionary) - normalised(truth);
    difference.columns().into_iter().map(|e| e.dot(&e)).fold(0.0, f64::max)
}

/// Distances after the atoms of a dictionary were matched to the true ones, one to one, signs free, so
/// that the sum of |⟨d*_j, d_k⟩| is largest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aligned {
    /// ‖D* − D P S‖_F / ‖D*‖_F, P the matching and S the signs.
    pub error: f64,
    /// The mean over atoms of the sine of the angle between an atom and its match.
    pub sine: f64,
}

/// Matches atoms and measures what is left. `None` where the dictionaries have different shapes or an
/// entry that is not finite.
pub fn aligned(dictionary: &Array2<f64>, truth: &Array2<f64>) -> Option<Aligned> {
    let matching = matching(dictionary, truth)?;
    let (dictionary, truth) = (normalised(dictionary), normalised(truth));
    let (mut squares, mut sines) = (0.0, 0.0);
    for (true_atom, &(atom, sign)) in truth.columns().into_iter().zip(&matching) {
        let atom = dictionary.column(atom);
        let cosine = true_atom.dot(&atom);
        let difference = &true_atom - &(&atom * sign);
        squares += difference.dot(&difference);
        sines += (1.0 - cosine * cosine).max(0.0).sqrt();
    }
    let norm = truth.iter().map(|v| v * v).sum::<f64>();
    Some(Aligned { error: (squares / norm).sqrt(), sine: sines / matching.len() as f64 })
}

/// For every true atom d*_j the atom that is matched to it, and the sign of their cosine: one to one, so that the sum of
/// |⟨d*_j, d_k⟩| is largest. `None` where the dictionaries have different shapes or an entry that is not finite.
pub fn matching(dictionary: &Array2<f64>, truth: &Array2<f64>) -> Option<Vec<(usize, f64)>> {
    let finite = dictionary.iter().all(|v| v.is_finite());
    if dictionary.dim() != truth.dim() || !finite {
        return None;
    }
    let cosines = normalised(truth).t().dot(&normalised(dictionary));
    let matching = assignment(&cosines.mapv(f64::abs)).into_iter().enumerate();
    Some(matching.map(|(truth, atom)| (atom, cosines[[truth, atom]].signum())).collect())
}

/// The column of every row, one to one, with the largest sum.
pub(super) fn assignment(similarity: &Array2<f64>) -> Vec<usize> {
    // Where every row likes another column best, that is the answer, without the cubic algorithm.
    let best = |row: ndarray::ArrayView1<f64>| {
        let largest = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        largest.map_or(0, |(column, _)| column)
    };
    let favourites: Vec<usize> = similarity.rows().into_iter().map(best).collect();
    let mut taken = vec![false; similarity.ncols()];
    if favourites.iter().all(|&column| !std::mem::replace(&mut taken[column], true)) {
        return favourites;
    }
    let weights: Vec<i64> = similarity.iter().map(|v| (v * 1e12).round() as i64).collect();
    let weights = Matrix::from_vec(similarity.nrows(), similarity.ncols(), weights)
        .expect("the matrix has as many entries as its shape says");
    kuhn_munkres(&weights).1
}

/// How many atoms point almost the way of an earlier one, |⟨d_j, d_k⟩| > `cosine`, k < j.
pub fn duplicate_atoms(dictionary: &Array2<f64>, cosine: f64) -> usize {
    let dictionary = normalised(dictionary);
    let gram = dictionary.t().dot(&dictionary);
    (0..gram.nrows()).filter(|&j| (0..j).any(|k| gram[[j, k]].abs() > cosine)).count()
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
        assert_eq!(largest_atom_error(&array![[-1.0, 0.0], [0.0, 1.0]], &truth), 4.0);
    }

    #[test]
    fn matching_undoes_permutations_and_signs() {
        let truth = array![[1.0, 0.0, 0.6], [0.0, 1.0, 0.8]];
        let turned = array![[0.0, -0.6, -1.0], [3.0, -0.8, 0.0]];
        let found = aligned(&turned, &truth).unwrap();
        assert!(found.error < 1e-12 && found.sine < 1e-7, "{found:?}");
        let near = array![[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]];
        let found = aligned(&near, &truth).unwrap();
        assert!((found.sine - 0.6 / 3.0).abs() < 1e-12, "{found:?}");
        assert!(aligned(&array![[f64::NAN]], &array![[1.0]]).is_none());
    }

    #[test]
    fn the_assignment_is_optimal_where_favourites_clash() {
        let similarity = array![[0.9, 0.8], [0.85, 0.1]];
        assert_eq!(assignment(&similarity), [1, 0]);
    }

    #[test]
    fn duplicates_are_counted_once() {
        let d = array![[1.0, -1.0, 0.0, 1.0], [0.0, 0.001, 1.0, 0.0]];
        assert_eq!(duplicate_atoms(&d, 0.99), 2);
    }
}
