//! At codes that are given: the gradient of D, and `Zᵀ Z`.

use burn::optim::GradientsParams;
use burn::tensor::{DType, Tensor, TensorData};
use unrolled_kernels::{self as kernels, Matrix, Operator, Request, Sided};

use super::host::{self, Element, Settings, serves};
use crate::encoder::Encoder;
use crate::fit::DataFit;
use crate::gradient::Estimate;
use crate::loss::{Loss, Losses};
use crate::network::{Batch, SparseCoder};
use crate::operator::{LinearOperator, MatrixView};

/// The value and the gradient of a loss with the codes held fixed, by least squares and for a matrix: the kernels take no
/// iteration from them, and only the entries that are not 0. `None` where they do not serve.
pub(crate) fn at_given_codes<N: SparseCoder>(
    network: &N,
    batch: &Batch,
    loss: Loss,
    codes: &Tensor<2>,
) -> Option<Estimate> {
    let view = network.operator().as_matrix()?;
    let precision = view.matrix.dtype();
    let serves = |tensor: &Tensor<2>| serves(tensor) && tensor.dtype() == precision;
    let suits = batch.target.is_none() && network.encoder().fit().is_least_squares();
    if !(suits && [&view.matrix, &batch.x, codes].into_iter().all(serves)) {
        return None;
    }
    match precision {
        DType::F64 => in_precision::<N, f64>(network, view, &batch.x, loss, codes),
        _ => in_precision::<N, f32>(network, view, &batch.x, loss, codes),
    }
}

fn in_precision<N: SparseCoder, T: Element>(
    network: &N,
    view: MatrixView,
    x: &Tensor<2>,
    loss: Loss,
    codes: &Tensor<2>,
) -> Option<Estimate> {
    let MatrixView { matrix, parameter } = view;
    let [m, p] = matrix.dims();
    let data = |tensor: &Tensor<2>| tensor.clone().inner().into_data();
    let z = data(codes);
    let entries = host::slice::<T>(&z).iter().filter(|z| **z != T::ZERO).count();
    if entries.saturating_mul(kernels::DENSE) > codes.shape().num_elements() {
        return None;
    }
    let (d, x) = (data(&matrix), data(x));
    // An atom that is not a number would not be seen where no code uses it.
    if !host::slice::<T>(&d).iter().all(|d| d.is_finite()) {
        return None;
    }
    let settings = Settings {
        operator: Operator::Soft,
        sided: Sided::Two,
        form: kernels::Form::Residual,
        step: 0.0,
        thresholds: Vec::new(),
        by_atom: false,
        iterations: 0,
    };
    let request = Request::at_codes(kernels::Direct::Codes);
    let outcome = host::run::<T>(&settings, &d, &x, Some(&z), &request).ok()?;

    let mean = 1.0 / x.shape()[0] as f64;
    let device = matrix.device().inner();
    let target = (&device, matrix.dtype());
    let reconstruction = vec![T::from_f64(outcome.reconstruction * mean)];
    let reconstruction = Tensor::<1>::from_data(TensorData::new(reconstruction, [1]), target);
    let codes = codes.clone().inner();
    let penalty = network.valid().encoder().penalty_value(&codes);
    let losses = Losses { lasso: reconstruction.clone().add(penalty), reconstruction };
    let mut gradients = GradientsParams::new();
    if let Some(parameter) = parameter {
        let mean = T::from_f64(mean);
        let values: Vec<T> = outcome.dictionary.into_iter().map(|value| value * mean).collect();
        let gradient = Tensor::<2>::from_data(TensorData::new(values, [m, p]), target);
        gradients.register(parameter, gradient);
    }
    Some(Estimate { codes, loss: losses.get(loss).clone(), losses, gradients, trouble: None })
}

/// `Zᵀ Z`, `[p, p]`, of codes `[n, p]` without a graph; `None` where a dense product is to serve.
pub(crate) fn gram_of_codes(codes: &Tensor<2>) -> Option<Tensor<2>> {
    let p = codes.dims()[1];
    Some(gram(codes, None)?.reshape([p, p]))
}

/// Of codes `[n, p · H' · W']` that are maps `[p, H', W']`, what [`kernels::gram_of_maps`] says, flat; `None` where a dense
/// product is to serve.
pub(crate) fn gram_of_maps(
    codes: &Tensor<2>,
    maps: [usize; 3],
    reach: [usize; 2],
) -> Option<Tensor<1>> {
    gram(codes, Some((maps, reach)))
}

fn gram(codes: &Tensor<2>, maps: Option<([usize; 3], [usize; 2])>) -> Option<Tensor<1>> {
    fn in_precision<T: Element>(
        codes: &Tensor<2>,
        maps: Option<([usize; 3], [usize; 2])>,
    ) -> Option<Tensor<1>> {
        let [n, q] = codes.dims();
        let data = codes.to_data();
        let matrix = Matrix::new(host::slice::<T>(&data), n, q).ok()?;
        let gram = match maps {
            None => kernels::gram_of_codes(matrix),
            Some((maps, reach)) => kernels::gram_of_maps(matrix, maps, reach),
        }?;
        let (count, target) = (gram.len(), (&codes.device(), codes.dtype()));
        Some(Tensor::from_data(TensorData::new(gram, [count]), target))
    }
    match codes.dtype() {
        _ if codes.is_autodiff() || !serves(codes) => None,
        DType::F64 => in_precision::<f64>(codes, maps),
        _ => in_precision::<f32>(codes, maps),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use ndarray::Array2;

    use super::*;
    use crate::autoencoder::Autoencoder;
    use crate::dictionary::{DenseDictionary, initialisation};
    use crate::encoder::Solved;
    use crate::gradient::head;
    use crate::product::product;
    use crate::prox::{ElasticNet, Sided};
    use crate::random::Stream;
    use crate::tensors::{Precision, to_scalar, to_tensor, to_values};

    const PRECISIONS: [(Precision, f64); 2] =
        [(Precision::Float64, 1e-12), (Precision::Float32, 1e-5)];

    /// Codes of which every `every`th is not 0.
    fn codes(n: usize, p: usize, every: usize) -> Array2<f64> {
        let mut stream = Stream::new(2, "given", 0);
        let code = |(i, j): (usize, usize)| match (i * p + j).is_multiple_of(every) {
            true => stream.normal(),
            false => 0.0,
        };
        Array2::from_shape_fn((n, p), code)
    }

    fn near(a: &[f64], b: &[f64], tolerance: f64) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < tolerance)
    }

    /// As by products of tensors, with a penalty that is no lasso; many entries are left to those.
    #[test]
    fn what_is_given_is_differentiated_as_tensors_are() {
        let ([n, m, p], device) = ([300, 21, 37], Device::flex());
        let mut stream = Stream::new(1, "given", 0);
        let dictionary = initialisation::random(m, p, &mut stream);
        let x = Array2::from_shape_simple_fn((n, m), || stream.normal());
        for (precision, tolerance) in PRECISIONS {
            let tensor = |array: &Array2<f64>| to_tensor(array, precision, &device);
            let dictionary = DenseDictionary::new(tensor(&dictionary));
            let prox = ElasticNet::new(0.2, 0.3, Sided::Two);
            let network = Autoencoder::new(dictionary, Solved::new(prox, 1.0, 10, 1e-6));
            let (batch, sparse) = (Batch::new(tensor(&x)), tensor(&codes(n, p, 10)));
            for loss in [Loss::Lasso, Loss::LeastSquares] {
                let ours = at_given_codes(&network, &batch, loss, &sparse).expect("it serves");
                let (plain, _) = head::at_codes(&network, &batch, loss, sparse.clone());
                let losses = |of: &Estimate| {
                    let all = [&of.loss, &of.losses.lasso, &of.losses.reconstruction];
                    all.map(to_scalar)
                };
                assert!(near(&losses(&ours), &losses(&plain), 30.0 * tolerance), "{precision:?}");
                let id = network.dictionary.matrix.id;
                let gradient =
                    |of: &Estimate| to_values(&of.gradients.get::<2>(id).expect("D has one"));
                assert!(near(&gradient(&ours), &gradient(&plain), tolerance), "{precision:?}");
            }
            let dense = tensor(&codes(n, p, 2));
            assert!(at_given_codes(&network, &batch, Loss::Lasso, &dense).is_none());
            let mut broken = network.clone();
            broken.dictionary =
                DenseDictionary::new(broken.dictionary.matrix.val().mul_scalar(f64::NAN));
            assert!(at_given_codes(&broken, &batch, Loss::Lasso, &sparse).is_none());
            let target = batch.with_target(Some(tensor(&x)));
            assert!(at_given_codes(&network, &target, Loss::Lasso, &sparse).is_none());
        }
    }

    #[test]
    fn the_gram_of_codes_is_their_product() {
        for (precision, tolerance) in PRECISIONS {
            let z = to_tensor(&codes(200, 37, 10), precision, &Device::flex());
            let ours = to_values(&gram_of_codes(&z).expect("it serves"));
            let plain = to_values(&product(z.clone().transpose(), z.clone()));
            assert!(near(&ours, &plain, 100.0 * tolerance), "{precision:?}");
            assert!(gram_of_codes(&z.autodiff()).is_none());
        }
    }
}
