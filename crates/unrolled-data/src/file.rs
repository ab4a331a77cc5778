//! `source = "file"`: examples that somebody else made.

use std::path::Path;

use crate::arrays::ArrayFile;
use crate::{DataError, DataSet};

/// Under which names a file keeps its arrays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// X, `[n, m]`, required.
    pub x: String,
    /// D*, `[m, p]`; `None` takes `D_star` where it is there.
    pub true_dictionary: Option<String>,
    /// Z*, `[n, p]`; `None` takes `Z_star` where it is there.
    pub true_codes: Option<String>,
    /// What reconstructions are held against, of the shape of X; `None` for X itself.
    pub target: Option<String>,
    /// What a task asks of every example, `[n]` or `[n, k]`, floats or integers; read where it is named.
    pub label: Option<String>,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            x: "X".to_owned(),
            true_dictionary: None,
            true_codes: None,
            target: None,
            label: None,
        }
    }
}

/// Reads `X` `[n, m]`, or images `[n, channels, height, width]`, and, where there is one, `D_star` `[m, p]` and `Z_star` `[n, p]`.
///
/// Shapes must agree and every entry must be finite.
pub fn load(path: &Path, keys: &Keys) -> Result<DataSet, DataError> {
    let mut file = ArrayFile::open(path)?;
    let (x, image) = file.rows(&keys.x)?;
    let target = keys.target.as_ref().map(|key| Ok((key.clone(), file.rows(key)?))).transpose()?;
    let labels = keys.label.as_ref().map(|key| Ok((key.clone(), file.labels(key)?))).transpose()?;
    let names = file.names();
    let mut optional = |named: &Option<String>, default: &str, expected: &str| {
        let present = || names.iter().any(|name| name == default).then(|| default.to_owned());
        let key = named.clone().or_else(present);
        key.map(|key| Ok((key.clone(), file.matrix(&key, expected)?))).transpose()
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
    if let Some((key, (target, _))) = &target
        && target.dim() != (n, m)
    {
        return Err(wrong(key, target.dim(), format!("as `{}`, {n} rows of {m}", keys.x)));
    }
    if let Some((key, labels)) = &labels
        && (labels.nrows() != n || labels.ncols() == 0)
    {
        let expected = format!("[n] or [n, k] with n = {n}, a row for each of `{}`", keys.x);
        return Err(wrong(key, labels.dim(), expected));
    }
    Ok(DataSet {
        labels: labels.map(|(_, labels)| labels),
        true_dictionary: dictionary.map(|(_, matrix)| matrix),
        true_codes: codes.map(|(_, matrix)| matrix),
        target: target.map(|(_, (target, _))| target),
        image,
        ..DataSet::of_rows(x)
    })
}

/// Reads one array of a .safetensors, .npz or .pt file, of any rank, and checks that every entry is finite: its shape and
/// its values.
pub fn read_array(path: &Path, key: &str) -> Result<(Vec<usize>, Vec<f64>), DataError> {
    ArrayFile::open(path)?.floats(key)
}

/// Reads examples as rows, and the channels, the height and the width of each where they are images
/// `[n, channels, height, width]`, and nothing else of the file.
pub fn read_rows(
    path: &Path,
    key: &str,
) -> Result<(ndarray::Array2<f64>, Option<[usize; 3]>), DataError> {
    ArrayFile::open(path)?.rows(key)
}

/// Reads one matrix of a .safetensors, .npz or .pt file, and nothing else of it.
pub fn read_matrix(path: &Path, key: &str) -> Result<ndarray::Array2<f64>, DataError> {
    ArrayFile::open(path)?.matrix(key, "[rows, columns]")
}
