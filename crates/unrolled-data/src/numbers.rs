//! Numbers as files keep them: floats of 2, 4 or 8 bytes, those of 4 and 8 of either byte order, and little-endian integers.

use std::io::Read;

use crate::fault::Fault;
use crate::memory::reserve;

/// How a file writes a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    F16,
    BF16,
    F32,
    F64,
    BigEndianF32,
    BigEndianF64,
    /// Also truth values, 0 and 1.
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
}

impl Number {
    /// Bytes of a number.
    pub fn width(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::F16 | Self::BF16 | Self::U16 | Self::I16 => 2,
            Self::F32 | Self::BigEndianF32 | Self::U32 | Self::I32 => 4,
            Self::F64 | Self::BigEndianF64 | Self::U64 | Self::I64 => 8,
        }
    }

    /// As a person calls it, whatever its byte order.
    pub fn name(self) -> &'static str {
        match self {
            Self::F16 => "float16",
            Self::BF16 => "bfloat16",
            Self::F32 | Self::BigEndianF32 => "float32",
            Self::F64 | Self::BigEndianF64 => "float64",
            Self::U8 => "uint8",
            Self::I8 => "int8",
            Self::U16 => "uint16",
            Self::I16 => "int16",
            Self::U32 => "uint32",
            Self::I32 => "int32",
            Self::U64 => "uint64",
            Self::I64 => "int64",
        }
    }

    /// The little-endian integer of so many bytes.
    pub fn integer(width: usize, signed: bool) -> Option<Self> {
        Some(match (width, signed) {
            (1, false) => Self::U8,
            (1, true) => Self::I8,
            (2, false) => Self::U16,
            (2, true) => Self::I16,
            (4, false) => Self::U32,
            (4, true) => Self::I32,
            (8, false) => Self::U64,
            (8, true) => Self::I64,
            _ => return None,
        })
    }

    /// Whether it is a float.
    pub fn is_float(self) -> bool {
        use Number::{BF16, BigEndianF32, BigEndianF64, F16, F32, F64};
        matches!(self, F16 | BF16 | F32 | F64 | BigEndianF32 | BigEndianF64)
    }

    /// Appends the numbers that lie in `bytes`.
    pub fn append(self, bytes: &[u8], values: &mut Vec<f64>) {
        match self {
            Self::F16 => values.extend(numbers(bytes, |b| half::f16::from_le_bytes(b).to_f64())),
            Self::BF16 => values.extend(numbers(bytes, |b| half::bf16::from_le_bytes(b).to_f64())),
            Self::F32 => values.extend(numbers(bytes, |b| f32::from_le_bytes(b).into())),
            Self::F64 => values.extend(numbers(bytes, f64::from_le_bytes)),
            Self::BigEndianF32 => values.extend(numbers(bytes, |b| f32::from_be_bytes(b).into())),
            Self::BigEndianF64 => values.extend(numbers(bytes, f64::from_be_bytes)),
            Self::U8 => values.extend(numbers(bytes, |b| u8::from_le_bytes(b).into())),
            Self::I8 => values.extend(numbers(bytes, |b| i8::from_le_bytes(b).into())),
            Self::U16 => values.extend(numbers(bytes, |b| u16::from_le_bytes(b).into())),
            Self::I16 => values.extend(numbers(bytes, |b| i16::from_le_bytes(b).into())),
            Self::U32 => values.extend(numbers(bytes, |b| u32::from_le_bytes(b).into())),
            Self::I32 => values.extend(numbers(bytes, |b| i32::from_le_bytes(b).into())),
            Self::U64 => values.extend(numbers(bytes, |b| u64::from_le_bytes(b) as f64)),
            Self::I64 => values.extend(numbers(bytes, |b| i64::from_le_bytes(b) as f64)),
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
