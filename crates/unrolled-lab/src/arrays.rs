//! Named arrays of a .safetensors file.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use burn::tensor::{DType, TensorData};
use ndarray::Array2;
use safetensors::{Dtype, SafeTensors, View};

/// Arrays by name, and what is written beside them.
#[derive(Debug, Default)]
pub struct Arrays {
    /// The arrays.
    pub named: BTreeMap<String, Stored>,
    /// What is written beside them.
    pub metadata: HashMap<String, String>,
}

impl Arrays {
    /// Puts an array under a name.
    pub fn insert(&mut self, name: impl Into<String>, array: Stored) {
        self.named.insert(name.into(), array);
    }

    /// The content of a file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let metadata = (!self.metadata.is_empty()).then(|| self.metadata.clone());
        safetensors::serialize(&self.named, metadata).expect("arrays are valid safetensors")
    }

    /// Reads the content of a file.
    pub fn parse(bytes: &[u8]) -> Result<Self, safetensors::SafeTensorError> {
        let (_, header) = SafeTensors::read_metadata(bytes)?;
        let file = SafeTensors::deserialize(bytes)?;
        let stored = file.iter().map(|(name, view)| {
            let stored = Stored::raw(view.shape().to_vec(), view.data().to_vec(), view.dtype());
            (name.to_owned(), stored)
        });
        let metadata = header.metadata().clone().unwrap_or_default();
        Ok(Self { named: stored.collect(), metadata })
    }
}

/// An array in the precision of its run.
#[derive(Debug)]
pub struct Stored {
    /// The shape.
    pub shape: Vec<usize>,
    /// The numbers, little-endian, in row-major order.
    pub bytes: Vec<u8>,
    dtype: Dtype,
}

impl Stored {
    /// From float64 values, kept as numbers of `width` bytes.
    pub fn new(shape: Vec<usize>, values: &[f64], width: usize) -> Self {
        let (dtype, bytes) = match width {
            4 => (Dtype::F32, values.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect()),
            _ => (Dtype::F64, values.iter().flat_map(|v| v.to_le_bytes()).collect()),
        };
        Self { shape, bytes, dtype }
    }

    /// From the bytes of an array.
    pub fn raw(shape: Vec<usize>, bytes: Vec<u8>, dtype: Dtype) -> Self {
        Self { shape, bytes, dtype }
    }

    /// From the floats of a tensor.
    pub fn of(data: &TensorData) -> Self {
        let dtype = if data.dtype() == DType::F64 { Dtype::F64 } else { Dtype::F32 };
        let shape = data.shape().iter().copied().collect();
        Self { shape, bytes: data.as_bytes().to_vec(), dtype }
    }

    /// Whether they are floats.
    pub fn is_float(&self) -> bool {
        matches!(self.dtype, Dtype::F32 | Dtype::F64)
    }

    /// The floats, for a tensor.
    pub fn to_data(&self) -> TensorData {
        let shape = self.shape.clone();
        match self.dtype {
            Dtype::F64 => TensorData::new(numbers(&self.bytes, f64::from_le_bytes), shape),
            _ => TensorData::new(numbers(&self.bytes, f32::from_le_bytes), shape),
        }
    }
}

/// A checksum of arrays of examples, row by row.
pub fn fingerprint(arrays: &[&Array2<f64>]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    let mut bytes = Vec::new();
    for row in arrays.iter().flat_map(|array| array.rows()) {
        bytes.clear();
        row.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
        hasher.update(&bytes);
    }
    hasher.finalize()
}

fn numbers<const N: usize, T>(bytes: &[u8], number: fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|bytes| number(*bytes)).collect()
}

impl View for &Stored {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        (&self.bytes).into()
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the last bit of any entry, and by what is where.
    #[test]
    fn fingerprints_tell_arrays_apart() {
        let array = Array2::from_shape_fn((30, 7), |(i, j)| (i * 7 + j) as f64);
        let mut other = array.clone();
        other[[29, 6]] = f64::from_bits(other[[29, 6]].to_bits() ^ 1);
        let mut swapped = array.clone();
        swapped.swap([3, 2], [3, 3]);
        let of = |arrays: &[&Array2<f64>]| fingerprint(arrays);
        assert_eq!(of(&[&array]), of(&[&array.clone()]));
        for different in [other, swapped] {
            assert_ne!(of(&[&array]), of(&[&different]));
            assert_ne!(of(&[&array, &different]), of(&[&different, &array]));
        }
    }
}
