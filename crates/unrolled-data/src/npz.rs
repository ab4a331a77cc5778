//! NumPy's .npz: a zip archive of .npy files.

use std::io::{Cursor, Read};

use npyz::{DType, NpyFile, Order, TypeChar};

use crate::{Array, Arrays};

pub(crate) fn read_npz(bytes: &[u8]) -> Result<Arrays, String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|e| e.to_string())?;
    let mut arrays = Arrays::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|e| e.to_string())?;
        let name = entry.name().map_err(|e| e.to_string())?.into_owned();
        let Some(name) = name.strip_suffix(".npy").map(str::to_owned) else {
            continue;
        };
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(|e| format!("{name}: {e}"))?;
        let array = read_npy(&content).map_err(|e| format!("{name}: {e}"))?;
        arrays.insert(name, array);
    }
    Ok(arrays)
}

fn read_npy(content: &[u8]) -> Result<Array, String> {
    let file = NpyFile::new(content).map_err(|e| e.to_string())?;
    let shape: Vec<usize> = file.shape().iter().map(|&d| d as usize).collect();
    let order = file.order();
    let values = match float_width(&file.dtype()) {
        Ok(8) => file.into_vec::<f64>(),
        Ok(_) => file.into_vec::<f32>().map(|v| v.into_iter().map(f64::from).collect()),
        Err(dtype) => {
            return Ok(Array { shape, values: Err(dtype) });
        }
    };
    let values = values.map_err(|e| e.to_string())?;
    let expected = shape.iter().try_fold(1usize, |product, d| product.checked_mul(*d));
    if Some(values.len()) != expected {
        return Err("has fewer values than its header says".to_owned());
    }
    let values = match order {
        Order::C => values,
        Order::Fortran => row_major(&shape, &values),
    };
    Ok(Array { shape, values: Ok(values) })
}

/// 4 or 8 for floats of either byte order; the description of any other type.
fn float_width(dtype: &DType) -> Result<u64, String> {
    match dtype {
        DType::Plain(kind)
            if kind.type_char() == TypeChar::Float && [4, 8].contains(&kind.size_field()) =>
        {
            Ok(kind.size_field())
        }
        other => Err(other.descr().trim_matches('\'').to_owned()),
    }
}

/// Values in Fortran order (first index fastest) to row-major order.
fn row_major(shape: &[usize], values: &[f64]) -> Vec<f64> {
    use ndarray::{ArrayD, ShapeBuilder};
    let array = ArrayD::from_shape_vec(shape.to_vec().f(), values.to_vec())
        .expect("the count of values was checked");
    array.iter().copied().collect()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use crate::{DataError, Keys, load, read_matrix};

    fn fixture(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(name)
    }

    #[test]
    fn numpy_files_are_read_in_either_order_precision_and_byte_order() {
        let data = load(&fixture("orders.npz"), &Keys::default()).unwrap();
        assert_eq!(data.x, ndarray::array![[1.5, -2.0, 3.25], [4.0, 5.0, -6.5]]);
        let dictionary = data.true_dictionary.unwrap();
        assert_eq!(dictionary.dim(), (3, 4));
        assert_eq!((dictionary[[0, 1]], dictionary[[2, 3]]), (0.25, 2.75));
        let codes = data.true_codes.unwrap();
        assert_eq!((codes[[0, 3]], codes[[1, 0]]), (3.0, 4.0));
    }

    #[test]
    fn compressed_files_are_read_and_integers_are_refused() {
        let path = fixture("orders_compressed.npz");
        assert_eq!(read_matrix(&path, "X").unwrap()[[1, 2]], -6.5);
        let refused = read_matrix(&path, "counts");
        assert!(matches!(refused, Err(DataError::Dtype { dtype, .. }) if dtype.contains("i8")));
    }
}
