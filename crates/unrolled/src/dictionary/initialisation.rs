//! Where a dictionary starts.

use ndarray::Array2;

use super::Constraint;
use crate::random::Stream;

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
