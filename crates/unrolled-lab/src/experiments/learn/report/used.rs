//! What a run has found of the use of its dictionary, read from its arrays.

use ndarray::Array2;
use unrolled_data::{DataError, read_array};

use super::Learned;
use crate::Error;

/// What a run has written of the sample, as [`crate::experiments::learn::used`] finds it.
pub(super) struct Used {
    /// The share of rows that use each atom.
    pub usage: Vec<f64>,
    /// The atoms, the most used first.
    pub order: Vec<usize>,
    /// Which rows of the sample are shown.
    pub indices: Vec<f64>,
    /// Non-zero entries of their codes.
    pub nonzeros: Vec<f64>,
    /// The rows, `[k, m]`.
    pub rows: Array2<f64>,
    /// What their codes make of them, `[k, m]`.
    pub reconstructions: Array2<f64>,
}

impl Used {
    /// Of a run; `None` where it failed, or an earlier version has written it.
    pub fn read(run: &Learned) -> Result<Option<Self>, Error> {
        if run.stored.failed.is_some() {
            return Ok(None);
        }
        let path = run.found.path.join("arrays.safetensors");
        if !path.exists() {
            return Ok(None);
        }
        let damaged = |what: &dyn std::fmt::Display| Error::damaged(&path, what);
        let read = |name: &str| match read_array(&path, &format!("{}/{name}", run.run.name)) {
            Err(DataError::Missing { .. }) => Ok(None),
            found => found.map(Some).map_err(|error| damaged(&error)),
        };
        let (Some((_, usage)), Some((_, indices)), Some((_, nonzeros)), Some(rows), Some(made)) = (
            read("usage")?,
            read("sample/indices")?,
            read("sample/nonzeros")?,
            read("sample/rows")?,
            read("sample/reconstructions")?,
        ) else {
            return Ok(None);
        };
        let matrix = |name: &str, (shape, values): (Vec<usize>, Vec<f64>)| match shape[..] {
            [rows, columns] if rows == indices.len() && rows == nonzeros.len() => {
                let matrix = Array2::from_shape_vec((rows, columns), values);
                matrix.map_err(|error| damaged(&error))
            }
            _ => Err(damaged(&format!("`{}/{name}` is of shape {shape:?}", run.run.name))),
        };
        let rows = matrix("sample/rows", rows)?;
        let reconstructions = matrix("sample/reconstructions", made)?;
        if rows.dim() != reconstructions.dim() {
            return Err(damaged(&"rows and reconstructions differ in shape"));
        }
        let mut order: Vec<usize> = (0..usage.len()).collect();
        order.sort_by(|a, b| usage[*b].total_cmp(&usage[*a]));
        Ok(Some(Self { usage, order, indices, nonzeros, rows, reconstructions }))
    }
}
