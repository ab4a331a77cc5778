//! Named arrays in a file.

use std::collections::BTreeMap;
use std::path::Path;

use ndarray::Array2;
use safetensors::{Dtype, SafeTensors};

use crate::DataError;
use crate::npz::read_npz;
use crate::pytorch::read_pytorch;

/// The arrays of a file, by name.
pub type Arrays = BTreeMap<String, Array>;

/// An array as it lies in a file: float64 values in row-major order, or the name of a type that is
/// not read.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values, or what it holds instead of float32 or float64.
    pub values: Result<Vec<f64>, String>,
}

/// Reads every array of a .safetensors, .npz, .pt or .pth file.
pub fn read_arrays(path: &Path) -> Result<Arrays, DataError> {
    let bytes = std::fs::read(path).map_err(|error| DataError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    let (format, arrays) = match extension.to_ascii_lowercase().as_str() {
        "safetensors" => ("safetensors", read_safetensors(&bytes)),
        "npz" => ("npz", read_npz(&bytes)),
        "pt" | "pth" => ("PyTorch", read_pytorch(&bytes)),
        _ => return Err(DataError::UnknownFormat(path.to_owned())),
    };
    arrays.map_err(|reason| DataError::Malformed { path: path.to_owned(), format, reason })
}

fn read_safetensors(bytes: &[u8]) -> Result<Arrays, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let array = |view: safetensors::tensor::TensorView| Array {
        shape: view.shape().to_vec(),
        values: match view.dtype() {
            Dtype::F64 => Ok(numbers(view.data(), f64::from_le_bytes)),
            Dtype::F32 => Ok(numbers(view.data(), |b| f32::from_le_bytes(b).into())),
            other => Err(format!("{other:?}")),
        },
    };
    Ok(file.iter().map(|(name, view)| (name.to_owned(), array(view))).collect())
}

pub(crate) fn numbers<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks.iter().map(|chunk| number(*chunk)).collect()
}

/// Takes one matrix out of the arrays of a file and checks every entry. `expected` says its shape in
/// words, `[n, m]`, for the message.
pub(crate) fn matrix(
    arrays: &mut Arrays,
    path: &Path,
    key: &str,
    expected: &str,
) -> Result<Array2<f64>, DataError> {
    let (path, key) = (path.to_owned(), key.to_owned());
    let Some(array) = arrays.remove(&key) else {
        let names: Vec<_> = arrays.keys().map(|name| format!("`{name}`")).collect();
        let held = match names.is_empty() {
            true => "no arrays".to_owned(),
            false => names.join(", "),
        };
        return Err(DataError::Missing { path, key, held });
    };
    let values = match array.values {
        Ok(values) => values,
        Err(dtype) => return Err(DataError::Dtype { path, key, dtype }),
    };
    let [rows, columns] = array.shape[..] else {
        return Err(DataError::Shape {
            path,
            key,
            shape: array.shape,
            expected: expected.to_owned(),
        });
    };
    if let Some(index) = values.iter().position(|v| !v.is_finite()) {
        return Err(DataError::NotFinite {
            path,
            key,
            value: values[index],
            row: index / columns,
            column: index % columns,
        });
    }
    Array2::from_shape_vec((rows, columns), values).map_err(|error| DataError::Malformed {
        path,
        format: "array",
        reason: error.to_string(),
    })
}
