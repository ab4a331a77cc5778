//! Tensors as slices, and back.

use burn::tensor::{DType, Device, Tensor, TensorData};
use unrolled_kernels as kernels;
use unrolled_kernels::{Matrix, Misfit, Outcome, Request, Thresholds, Unroll};

use super::description::UnrollDescription;
use crate::encoder::Form;

/// Whether the kernels can take tensors like this one: of the CPU's flex backend, in float32 or float64.
pub(super) fn serves<const R: usize>(tensor: &Tensor<R>) -> bool {
    tensor.device().inner() == Device::flex() && matches!(tensor.dtype(), DType::F32 | DType::F64)
}

/// A kernel call with everything in one precision, owned.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub operator: kernels::Operator,
    pub sided: kernels::Sided,
    pub form: kernels::Form,
    pub step: f64,
    pub thresholds: Vec<f64>,
    pub by_atom: bool,
    pub iterations: usize,
}

impl Settings {
    /// For a dictionary `[m, p]` and n examples.
    pub fn new(unroll: &UnrollDescription, [m, p, n]: [usize; 3]) -> Self {
        let (thresholds, by_atom) = unroll.thresholds(p);
        let form = unroll.form.unwrap_or_else(|| Form::cheapest_fused(m, p, unroll.count(), n));
        Self {
            operator: unroll.prox.operator,
            sided: unroll.prox.sided,
            form,
            step: match unroll.learned_step {
                Some(step) => crate::tensors::to_scalar(&step.val()),
                None => unroll.step,
            },
            thresholds,
            by_atom,
            iterations: unroll.count(),
        }
    }
}

impl Settings {
    /// For the kernels, with a dictionary `[m, p]` and the thresholds in its precision.
    pub fn unroll<'a, T: Element>(
        &self,
        dictionary: &'a TensorData,
        thresholds: &'a [T],
    ) -> Result<Unroll<'a, T>, Misfit> {
        let [m, p] = [dictionary.shape()[0], dictionary.shape()[1]];
        Ok(Unroll {
            dictionary: Matrix::new(slice::<T>(dictionary), m, p)?,
            step: T::from_f64(self.step),
            operator: self.operator,
            sided: self.sided,
            thresholds: match self.by_atom {
                true => Thresholds::Atoms(thresholds),
                false => Thresholds::Iterations(thresholds),
            },
            iterations: self.iterations,
            form: self.form,
        })
    }
}

/// A number that is also an element of Burn's tensors.
pub(super) trait Element: kernels::Number + burn::tensor::Element {}
impl Element for f32 {}
impl Element for f64 {}

/// Row-major numbers.
pub(super) fn slice<T: Element>(data: &TensorData) -> &[T] {
    data.as_slice().expect("the precision was looked at before")
}

/// The gradient of thresholds by atom as that of a parameter of `count` numbers: itself, or its sum.
pub(super) fn bias_gradient<T: Element>(by_atom: &[f64], count: usize, scale: f64) -> Vec<T> {
    let number = |value: f64| T::from_f64(value * scale);
    match count {
        1 => vec![number(by_atom.iter().sum())],
        _ => by_atom.iter().map(|value| number(*value)).collect(),
    }
}

/// Runs the kernels on a dictionary `[m, p]` and examples `[n, m]`.
pub(super) fn run<T: Element>(
    settings: &Settings,
    dictionary: &TensorData,
    x: &TensorData,
    start: Option<&TensorData>,
    request: &Request<T>,
) -> Result<Outcome<T>, Misfit> {
    let (n, p) = (x.shape()[0], dictionary.shape()[1]);
    let thresholds: Vec<T> = settings.thresholds.iter().map(|b| T::from_f64(*b)).collect();
    let unroll = settings.unroll(dictionary, &thresholds)?;
    let x = Matrix::new(slice::<T>(x), n, x.shape()[1])?;
    let start = start.map(|start| Matrix::new(slice::<T>(start), n, p)).transpose()?;
    kernels::run(&unroll, x, start, request)
}
