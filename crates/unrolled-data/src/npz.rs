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
    if values.len() != shape.iter().product::<usize>() {
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
