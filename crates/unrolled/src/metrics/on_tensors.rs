//! Metrics of every training step where the data are, in their precision, so that a device need not be asked
//! for arrays after each step.

use burn::tensor::Tensor;

use crate::dictionary::Constraint;

/// As [`super::dictionary_error`], `[1]`. `truth` has the norms that `Constraint::UnitSphere` gives.
pub fn dictionary_error_tensor(dictionary: &Tensor<2>, truth: &Tensor<2>) -> Tensor<1> {
    let normalised = Constraint::UnitSphere.project_tensor(dictionary.clone());
    let difference = normalised.sub(truth.clone());
    let squares = |tensor: Tensor<2>| tensor.clone().mul(tensor).sum();
    squares(difference).div(squares(truth.clone())).sqrt()
}

/// As [`super::total_distance`], `[1]`.
pub fn total_distance_tensor(a: &Tensor<2>, b: &Tensor<2>) -> Tensor<1> {
    let difference = a.clone().sub(b.clone());
    difference.clone().mul(difference).sum_dim(1).sqrt().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{dictionary_error, total_distance};
    use crate::random::Stream;
    use crate::tensors::{Precision, to_scalar, to_tensor};
    use burn::tensor::Device;
    use ndarray::Array2;

    #[test]
    fn tensors_and_arrays_agree() {
        let mut stream = Stream::new(1, "metrics", 0);
        let mut draw = || Array2::from_shape_simple_fn((6, 9), || stream.normal());
        let (a, b) = (draw(), draw());
        let tensor = |array| to_tensor(array, Precision::Float64, &Device::flex());
        let truth = Constraint::UnitSphere.project_tensor(tensor(&b));
        let error = to_scalar(&dictionary_error_tensor(&tensor(&a), &truth));
        assert!((error - dictionary_error(&a, &b)).abs() < 1e-14);
        let distance = to_scalar(&total_distance_tensor(&tensor(&a), &tensor(&b)));
        assert!((distance - total_distance(&a, &b)).abs() < 1e-13);
    }
}
