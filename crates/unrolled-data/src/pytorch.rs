//! PyTorch's .pt and .pth state dictionaries.

use pytorch_reader::{DType, PytorchReader};

use crate::arrays::numbers;
use crate::{Array, Arrays};

pub(crate) fn read_pytorch(bytes: &[u8]) -> Result<Arrays, String> {
    let reader =
        PytorchReader::from_bytes(bytes.to_vec(), None).map_err(|error| error.to_string())?;
    let mut arrays = Arrays::new();
    for (name, tensor) in reader.tensors() {
        let bytes = tensor.read().map_err(|error| format!("{name}: {error}"))?;
        let values = match tensor.dtype() {
            DType::F64 => Ok(numbers(&bytes, f64::from_le_bytes)),
            DType::F32 => Ok(numbers(&bytes, |b| f32::from_le_bytes(b).into())),
            other => Err(format!("{other:?}")),
        };
        arrays.insert(name.clone(), Array { shape: tensor.shape().to_vec(), values });
    }
    Ok(arrays)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::read_matrix;

    #[test]
    fn a_state_dictionary_is_read() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/state.pt");
        let weights = read_matrix(&path, "W").unwrap();
        assert_eq!(weights, ndarray::array![[1.0, 0.5], [-2.0, 0.25], [3.0, 4.0]]);
        assert!(read_matrix(&path, "b").is_err(), "a vector is no matrix");
    }
}
