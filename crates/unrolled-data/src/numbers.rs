//! Numbers as files keep them: floats of 4 or 8 bytes, of either byte order.

use std::io::Read;

use crate::fault::Fault;
use crate::memory::reserve;

/// How a file writes a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Float {
    F32,
    F64,
    BigEndianF32,
    BigEndianF64,
}

impl Float {
    /// Bytes of a number.
    pub fn width(self) -> usize {
        match self {
            Self::F32 | Self::BigEndianF32 => 4,
            Self::F64 | Self::BigEndianF64 => 8,
        }
    }

    /// Appends the numbers that lie in `bytes`.
    pub fn append(self, bytes: &[u8], values: &mut Vec<f64>) {
        match self {
            Self::F32 => values.extend(numbers(bytes, |b| f32::from_le_bytes(b).into())),
            Self::F64 => values.extend(numbers(bytes, f64::from_le_bytes)),
            Self::BigEndianF32 => values.extend(numbers(bytes, |b| f32::from_be_bytes(b).into())),
            Self::BigEndianF64 => values.extend(numbers(bytes, f64::from_be_bytes)),
        }
    }

    /// Reads the next `count` numbers, a piece at a time: what is not there takes no memory.
    pub fn read(self, source: &mut impl Read, count: usize) -> Result<Vec<f64>, Fault> {
        let mut values = reserve(count)?;
        let mut buffer = [0; 1 << 15];
        while values.len() < count {
            let most = (count - values.len()).min(buffer.len() / self.width());
            let bytes = &mut buffer[..most * self.width()];
            source.read_exact(bytes)?;
            self.append(bytes, &mut values);
        }
        Ok(values)
    }
}

fn numbers<const N: usize>(
    bytes: &[u8],
    number: impl Fn([u8; N]) -> f64,
) -> impl Iterator<Item = f64> {
    bytes.as_chunks::<N>().0.iter().map(move |chunk| number(*chunk))
}

/// The count of numbers in an array of this shape, and their bytes.
pub(crate) fn extent(shape: &[usize], width: usize) -> Option<(usize, u64)> {
    let count = shape.iter().try_fold(1usize, |product, d| product.checked_mul(*d))?;
    Some((count, (count as u64).checked_mul(width as u64)?))
}
