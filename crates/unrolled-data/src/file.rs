//! `source = "file"`: examples that somebody else made.

use std::path::Path;

use crate::arrays::matrix;
use crate::{DataError, DataSet, read_arrays};

/// Under which names a file keeps its arrays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// X, `[n, m]`, required.
    pub x: String,
    /// D*, `[m, p]`; `None` takes `D_star` where it is there.
    pub true_dictionary: Option<String>,
    /// Z*, `[n, p]`; `None` takes `Z_star` where it is there.
    pub true_codes: Option<String>,
}

impl Default for Keys {
    fn default() -> Self {
        Self { x: "X".to_owned(), true_dictionary: None, true_codes: None }
    }
}

/// Reads `X` `[n, m]` and, where there is one, `D_star` `[m, p]` and `Z_star` `[n, p]`.
///
/// Shapes must agree and every entry must be finite.
pub fn load(path: &Path, keys: &Keys) -> Result<DataSet, DataError> {
    let mut arrays = read_arrays(path)?;
    let x = matrix(&mut arrays, path, &keys.x, "[n, m]")?;
    let mut optional = |named: &Option<String>, default: &str, expected: &str| match named {
        Some(key) => matrix(&mut arrays, path, key, expected).map(|m| Some((key.clone(), m))),
        None if arrays.contains_key(default) => {
            matrix(&mut arrays, path, default, expected).map(|m| Some((default.to_owned(), m)))
        }
        None => Ok(None),
    };
    let dictionary = optional(&keys.true_dictionary, "D_star", "[m, p]")?;
    let codes = optional(&keys.true_codes, "Z_star", "[n, p]")?;

    let wrong = |key: &str, shape: (usize, usize), expected: String| DataError::Shape {
        path: path.to_owned(),
        key: key.to_owned(),
        shape: vec![shape.0, shape.1],
        expected,
    };
    let (n, m) = x.dim();
    if n == 0 || m == 0 {
        return Err(wrong(&keys.x, (n, m), "with at least one row and one column".to_owned()));
    }
    if let Some((key, d)) = &dictionary
        && (d.nrows() != m || d.ncols() == 0)
    {
        let expected = format!("[m, p] with m = {m} rows, the columns of `{}`", keys.x);
        return Err(wrong(key, d.dim(), expected));
    }
    if let Some((key, z)) = &codes {
        if z.nrows() != n || z.ncols() == 0 {
            let expected = format!("[n, p] with n = {n} rows, as `{}`", keys.x);
            return Err(wrong(key, z.dim(), expected));
        }
        if let Some((dictionary_key, d)) = &dictionary
            && d.ncols() != z.ncols()
        {
            let expected = format!("[n, p] with p = {} columns, as `{dictionary_key}`", d.ncols());
            return Err(wrong(key, z.dim(), expected));
        }
    }
    Ok(DataSet {
        x,
        true_dictionary: dictionary.map(|(_, matrix)| matrix),
        true_codes: codes.map(|(_, matrix)| matrix),
        labels: None,
    })
}

/// Reads one matrix of a .safetensors or .npz file.
pub fn read_matrix(path: &Path, key: &str) -> Result<ndarray::Array2<f64>, DataError> {
    matrix(&mut read_arrays(path)?, path, key, "[rows, columns]")
}
