//! Between Burn's tensors and float64 arrays on the host.
//!
//! Errors and statistics are always computed in float64 on the host, whatever the device and the
//! precision of a run so that a comparison's figures do not depend on the accelerator.

use burn::module::Param;
use burn::tensor::{Bool, DType, Device, Element, Tensor, TensorData};
use ndarray::{Array1, Array2};

/// The floating-point precision of a computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Precision {
    /// 32-bit floats: for learning.
    Float32,
    /// 64-bit floats: for comparisons.
    Float64,
}

impl Precision {
    /// Burn's name for it.
    pub fn dtype(self) -> DType {
        match self {
            Self::Float32 => DType::F32,
            Self::Float64 => DType::F64,
        }
    }

    /// Bytes of one number.
    pub fn bytes(self) -> usize {
        match self {
            Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }

    /// The precision of a tensor; anything that is not float64 counts as float32.
    pub fn of<const R: usize>(tensor: &Tensor<R>) -> Self {
        match tensor.dtype() {
            DType::F64 => Self::Float64,
            _ => Self::Float32,
        }
    }
}

/// A matrix as a tensor of the given precision on a device.
pub fn to_tensor(array: &Array2<f64>, precision: Precision, device: &Device) -> Tensor<2> {
    let (rows, columns) = array.dim();
    from_values(array.iter().copied(), [rows, columns], precision, device)
}

/// A vector as a tensor of the given precision on a device.
pub fn vector_to_tensor(array: &Array1<f64>, precision: Precision, device: &Device) -> Tensor<1> {
    from_values(array.iter().copied(), [array.len()], precision, device)
}

pub(crate) fn from_values<const R: usize>(
    values: impl Iterator<Item = f64>,
    shape: [usize; R],
    precision: Precision,
    device: &Device,
) -> Tensor<R> {
    let data = match precision {
        Precision::Float32 => {
            TensorData::new(values.map(|v| v as f32).collect::<Vec<f32>>(), shape)
        }
        Precision::Float64 => TensorData::new(values.collect::<Vec<f64>>(), shape),
    };
    Tensor::from_data(data, (device, precision.dtype()))
}

/// The values of a tensor in float64, in row-major order.
pub fn to_values<const R: usize>(tensor: &Tensor<R>) -> Vec<f64> {
    let data = tensor.clone().inner().into_data();
    data.try_into_vec_as::<f64>().expect("a float tensor converts to float64")
}

/// A tensor as a float64 matrix on the host.
pub fn to_array(tensor: &Tensor<2>) -> Array2<f64> {
    to_array_of(tensor)
}

/// A tensor as a row-major matrix of either precision on the host.
pub(crate) fn to_array_of<T: Element>(tensor: &Tensor<2>) -> Array2<T> {
    let [rows, columns] = tensor.dims();
    let values = tensor.clone().inner().into_data().try_into_vec_as::<T>();
    let values = values.expect("a float tensor converts to either precision");
    Array2::from_shape_vec((rows, columns), values)
        .expect("a tensor holds as many values as its shape says")
}

/// A row-major matrix, as it is, as a tensor of the given precision on a device.
pub(crate) fn from_array<T: Element>(
    array: Array2<T>,
    precision: Precision,
    device: &Device,
) -> Tensor<2> {
    debug_assert!(array.is_standard_layout());
    let shape = [array.nrows(), array.ncols()];
    let (values, _) = array.into_raw_vec_and_offset();
    Tensor::from_data(TensorData::new(values, shape), (device, precision.dtype()))
}

/// Which columns of a matrix hold anything but 0. What is not a number counts.
pub fn used_columns(tensor: &Tensor<2>) -> Vec<bool> {
    fn of<T: Element + Default + PartialEq>(tensor: &Tensor<2>) -> Vec<bool> {
        let mut used = vec![false; tensor.dims()[1]];
        for row in to_array_of::<T>(tensor).rows() {
            used.iter_mut().zip(row).for_each(|(used, value)| *used |= *value != T::default());
        }
        used
    }
    match Precision::of(tensor) {
        Precision::Float32 => of::<f32>(tensor),
        Precision::Float64 => of::<f64>(tensor),
    }
}

/// The only value of a tensor, in float64.
pub fn to_scalar(tensor: &Tensor<1>) -> f64 {
    to_values(tensor)[0]
}

/// A parameter with its values changed and its place in the graph kept.
pub(crate) fn map_values<const R: usize>(
    parameter: Param<Tensor<R>>,
    change: impl FnOnce(Tensor<R>) -> Tensor<R>,
) -> Param<Tensor<R>> {
    parameter.map(|tensor| {
        let changed = change(tensor.clone().inner());
        match tensor.is_autodiff() {
            true => Tensor::from_inner(changed).set_require_grad(tensor.is_require_grad()),
            false => changed,
        }
    })
}

/// Whether a device is one of Burn's CPU backends.
pub fn is_on_cpu(device: &Device) -> bool {
    let device = device.clone().inner();
    #[cfg(feature = "ndarray")]
    #[expect(deprecated, reason = "a second opinion for as long as Burn has it")]
    if device == Device::ndarray() {
        return true;
    }
    device == Device::flex()
}

/// Both with a graph where one of them has one.
pub(crate) fn together<const A: usize, const B: usize>(
    a: Tensor<A>,
    b: Tensor<B>,
) -> (Tensor<A>, Tensor<B>) {
    match (a.is_autodiff(), b.is_autodiff()) {
        (true, false) => (a, b.autodiff()),
        (false, true) => (a.autodiff(), b),
        _ => (a, b),
    }
}

/// Whether every value is finite, `[1]`, where the tensor is.
pub fn all_finite<const R: usize>(tensor: &Tensor<R>) -> Tensor<1, Bool> {
    tensor.clone().is_finite().all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn columns_are_used_where_anything_is_not_0() {
        let values = array![[0.0, 1.0, 0.0], [0.0, 0.0, f64::NAN]];
        for precision in [Precision::Float32, Precision::Float64] {
            let tensor = to_tensor(&values, precision, &Device::flex());
            assert_eq!(used_columns(&tensor), [false, true, true]);
        }
    }
}
