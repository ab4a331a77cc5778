//! Numbers of fewer digits.

use burn::tensor::{DType, Tensor};

/// A format with fewer digits than float32, to whose numbers values are rounded, to nearest, ties to even.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// IEEE binary16: 11 binary digits.
    Float16,
    /// bfloat16: 8 binary digits, the range of float32.
    BFloat16,
}

impl Rounding {
    /// Half the distance from 1 to the next number: the largest relative error of a rounding.
    pub fn unit_roundoff(self) -> f64 {
        match self {
            Self::Float16 => 1.0 / 2048.0,
            Self::BFloat16 => 1.0 / 256.0,
        }
    }

    /// Every entry rounded, in the precision that it had.
    pub fn round<const R: usize>(self, tensor: Tensor<R>) -> Tensor<R> {
        let precision = tensor.dtype();
        let format = match self {
            Self::Float16 => DType::F16,
            Self::BFloat16 => DType::BF16,
        };
        tensor.cast(format).cast(precision)
    }
}
