//! Where a dictionary starts.

mod incoherent;
mod pairwise;

pub use incoherent::incoherent;
pub use pairwise::{Pairwise, pairwise};

use burn::tensor::Device;
use ndarray::Array2;

use super::Constraint;
use crate::random::Stream;
use crate::tensors::{Precision, to_array, to_tensor};

/// `normalise(N)`, N standard normal: the way the paper draws its true dictionaries.
pub fn random(features: usize, atoms: usize, stream: &mut Stream) -> Array2<f64> {
    let normal = Array2::from_shape_simple_fn((features, atoms), || stream.normal());
    Constraint::UnitSphere.project(normal)
}

/// `normalise(D* + noise · N)`, N standard normal: a start whose distance to the truth is known.
pub fn perturbed_truth(truth: &Array2<f64>, noise: f64, stream: &mut Stream) -> Array2<f64> {
    let perturbed = truth.map(|v| v + noise * stream.normal());
    Constraint::UnitSphere.project(perturbed)
}

/// Normalised examples, never the same one twice; examples that are zero are passed over. Where there
/// are fewer usable examples than atoms, the rest are random.
pub fn from_examples(x: &Array2<f64>, atoms: usize, stream: &mut Stream) -> Array2<f64> {
    let mut dictionary = random(x.ncols(), atoms, stream);
    let order = stream.sample_without_replacement(x.nrows(), x.nrows());
    let usable = order.into_iter().filter(|&example| x.row(example).iter().any(|v| *v != 0.0));
    for (mut atom, example) in dictionary.columns_mut().into_iter().zip(usable) {
        atom.assign(&x.row(example));
    }
    Constraint::UnitSphere.project(dictionary)
}

/// The leading right singular vectors of X `[n, m]`, the directions in which the examples vary most: those of XᵀX.
/// There are m of them at most; further atoms are random.
pub fn svd(x: &Array2<f64>, atoms: usize, stream: &mut Stream) -> Array2<f64> {
    /// Far more than the iteration ever needs.
    const SWEEPS: usize = 1000;
    let mut dictionary = random(x.ncols(), atoms, stream);
    let covariance = to_tensor(&x.t().dot(x), Precision::Float64, &Device::flex());
    let (_, _, directions) = burn_linalg::svd::<2, 1>(covariance, SWEEPS);
    let directions = to_array(&directions);
    for (mut atom, direction) in dictionary.columns_mut().into_iter().zip(directions.rows()) {
        atom.assign(&direction);
    }
    dictionary
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Axis;

    #[test]
    fn atoms_have_norm_one_and_no_noise_means_the_truth() {
        let truth = random(20, 30, &mut Stream::new(1, "truth", 0));
        for atom in truth.columns() {
            assert!((atom.dot(&atom) - 1.0).abs() < 1e-14);
        }
        let same = perturbed_truth(&truth, 0.0, &mut Stream::new(1, "start", 0));
        assert!((&same - &truth).iter().all(|e| e.abs() < 1e-15));
        let near = perturbed_truth(&truth, 0.02, &mut Stream::new(1, "start", 0));
        let distance = (&near - &truth).mapv(|e| e * e).sum().sqrt();
        assert!(distance > 0.1 && distance < 1.0, "{distance}");
    }

    #[test]
    fn examples_are_taken_once_each_and_zero_ones_never() {
        let x = ndarray::array![[3.0, 0.0], [0.0, 0.0], [0.0, -2.0]];
        let mut d = from_examples(&x, 2, &mut Stream::new(1, "start", 0));
        if d[[0, 0]] == 0.0 {
            d = d.select(Axis(1), &[1, 0]);
        }
        assert_eq!(d, ndarray::array![[1.0, 0.0], [0.0, -1.0]]);
        let more = from_examples(&x, 5, &mut Stream::new(1, "start", 0));
        assert!(more.columns().into_iter().all(|atom| (atom.dot(&atom) - 1.0).abs() < 1e-12));
    }

    #[test]
    fn the_svd_start_holds_the_principal_directions() {
        // Variances 9, 4 and 1 along the columns of an orthonormal matrix.
        let mut stream = Stream::new(2, "svd", 0);
        let basis = svd(&random(6, 6, &mut stream), 3, &mut stream);
        let scores = Array2::from_shape_fn((4000, 3), |(_, j)| (3 - j) as f64 * stream.normal());
        let found = svd(&scores.dot(&basis.t()), 8, &mut stream);
        assert_eq!(found.dim(), (6, 8));
        for j in 0..3 {
            let cosine = found.column(j).dot(&basis.column(j)).abs();
            assert!(cosine > 0.995, "{j}: {cosine}");
        }
        let gram = found.t().dot(&found);
        assert!((0..6).all(|i| (0..i).all(|j| gram[[i, j]].abs() < 1e-8)), "orthogonal");
        assert!(gram.diag().iter().all(|v| (v - 1.0).abs() < 1e-10));
    }
}
