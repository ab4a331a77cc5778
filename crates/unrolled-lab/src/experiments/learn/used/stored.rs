//! The same among the arrays of a run, and out of them.

use std::path::Path;

use ndarray::Array2;
use unrolled_data::{DataError, read_array};

use super::Used;
use crate::Error;
use crate::arrays::{Arrays, Stored};

impl Used {
    /// Adds it to the arrays of a run, with numbers of so many bytes.
    pub fn put(self, run: &str, width: usize, arrays: &mut Arrays) {
        let mut put = |name: &str, shape: Vec<usize>, values: Vec<f64>| {
            arrays.insert(format!("{run}/{name}"), Stored::new(shape, &values, width));
        };
        let shape = self.rows.shape().to_vec();
        put("usage", vec![self.usage.len()], self.usage);
        put("sample/indices", vec![self.indices.len()], self.indices);
        put("sample/nonzeros", vec![self.nonzeros.len()], self.nonzeros);
        put("sample/rows", shape.clone(), self.rows.iter().copied().collect());
        put("sample/reconstructions", shape, self.reconstructions.iter().copied().collect());
    }

    /// Of a run, from the file of its arrays; `None` where an earlier version has written it.
    pub fn read(path: &Path, run: &str) -> Result<Option<Self>, Error> {
        if !path.exists() {
            return Ok(None);
        }
        let damaged = |what: &dyn std::fmt::Display| Error::damaged(path, what);
        let read = |name: &str| match read_array(path, &format!("{run}/{name}")) {
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
            _ => Err(damaged(&format!("`{run}/{name}` is of shape {shape:?}"))),
        };
        let rows = matrix("sample/rows", rows)?;
        let reconstructions = matrix("sample/reconstructions", made)?;
        if rows.dim() != reconstructions.dim() {
            return Err(damaged(&"rows and reconstructions differ in shape"));
        }
        Ok(Some(Self { usage, indices, nonzeros, rows, reconstructions }))
    }
}
