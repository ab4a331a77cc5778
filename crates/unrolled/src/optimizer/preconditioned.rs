//! Gradient steps scaled by the curvature in each atom.

use burn::tensor::Tensor;

/// With `b = diag(mean over the batch of z zᵀ)`: `a ← β a + (1 − β) b`, then
/// `D_j ← D_j − η g_j / (max(a_j / (1 − βᵏ), b_j) + ε)`. A step of an atom is measured in how much its codes carry, so that atoms
/// of much and of little use learn at one rate η. With η = 1 a single atom goes to the minimiser of the batch's surrogate
/// ([`super::Online`], equation 10 there), and not beyond, however seldom it is used; all at once go too far where codes are
/// correlated, so that η is well below 1.
///
/// | | |
/// |---|---|
/// | takes | any estimator: what it descends keeps its name; a batch's codes give the curvature |
/// | keeps | a, `[p]` |
/// | filters | a filter's b is the sum of the squares over its map; its overlaps with its own shifts are left to η |
/// | other parameters | a learned bias or step, a task's weights: plain steps `θ ← θ − η g` |
/// | atoms that no code of the batch uses | stay where they are, though codes on their way to 0 may give them a gradient |
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preconditioned {
    /// β.
    pub decay: f64,
    /// ε, as a share of the mean of a over the atoms.
    pub epsilon: f64,
}

impl Default for Preconditioned {
    fn default() -> Self {
        Self { decay: 0.9, epsilon: 1e-3 }
    }
}

impl Preconditioned {
    /// The dictionary `[m, p]` after step `time = 1, 2, …`, and a after it, `[p]`.
    pub fn step(
        &self,
        rate: f64,
        dictionary: Tensor<2>,
        gradient: Tensor<2>,
        of_batch: Tensor<1>,
        (mean, time): (Tensor<1>, usize),
    ) -> (Tensor<2>, Tensor<1>) {
        let mean = mean.mul_scalar(self.decay) + of_batch.clone().mul_scalar(1.0 - self.decay);
        let corrected = mean.clone().div_scalar(1.0 - libm::pow(self.decay, time as f64));
        let least = corrected.clone().mean().mul_scalar(self.epsilon);
        let unused = of_batch.clone().lower_equal_elem(0.0);
        let curvature = corrected.max_pair(of_batch) + least;
        let scales = curvature.recip().mul_scalar(rate).mask_fill(unused, 0.0);
        (dictionary - gradient.mul(scales.unsqueeze_dim::<2>(0)), mean)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use ndarray::{Array1, Array2, array};

    use super::*;
    use crate::tensors::{Precision, to_array, to_tensor, to_values, vector_to_tensor};

    #[test]
    fn the_steps_are_those_of_the_definition() {
        let device = Device::flex();
        let matrix = |d: &Array2<f64>| to_tensor(d, Precision::Float64, &device);
        let vector = |v: Vec<f64>| vector_to_tensor(&v.into(), Precision::Float64, &device);
        let rule = Preconditioned { decay: 0.5, epsilon: 0.1 };
        let mut d = array![[1.0, 2.0], [3.0, 4.0]];
        let gradient = array![[0.5, 0.0], [0.1, -1.0]];
        let (mut mean, mut expected_mean) = (vector(vec![0.0, 0.0]), Array1::<f64>::zeros(2));
        for time in 1..=5 {
            // One whose use grows, and one that is used every other time.
            let of_batch = vec![2.0 * time as f64, if time % 2 == 0 { 0.5 } else { 0.0 }];
            let (ours, after) = rule.step(
                0.3,
                matrix(&d),
                matrix(&gradient),
                vector(of_batch.clone()),
                (mean, time),
            );
            mean = after;
            expected_mean = 0.5 * &expected_mean + 0.5 * &Array1::from(of_batch.clone());
            let corrected = &expected_mean / (1.0 - 0.5f64.powi(time as i32));
            let of_batch = Array1::from(of_batch);
            let larger = ndarray::Zip::from(&corrected)
                .and(&of_batch)
                .map_collect(|a: &f64, b: &f64| a.max(*b));
            let mut scales = 0.3 / (&larger + 0.1 * corrected.mean().unwrap());
            scales.zip_mut_with(&of_batch, |scale, b| *scale = if *b > 0.0 { *scale } else { 0.0 });
            d = &d - &gradient * &scales;
            assert!((to_array(&ours) - &d).iter().all(|e| e.abs() < 1e-14), "step {time}");
            assert!(
                (Array1::from(to_values(&mean)) - &expected_mean).iter().all(|e| e.abs() < 1e-14)
            );
        }
    }

    #[test]
    fn without_codes_nothing_moves() {
        let device = Device::flex();
        let d = array![[1.0, 2.0]];
        let tensor = to_tensor(&d, Precision::Float64, &device);
        let zeros = || vector_to_tensor(&Array1::zeros(2), Precision::Float64, &device);
        let rule = Preconditioned::default();
        let (after, _) = rule.step(0.3, tensor.clone(), tensor.zeros_like(), zeros(), (zeros(), 1));
        assert_eq!(to_array(&after), d);
    }
}
