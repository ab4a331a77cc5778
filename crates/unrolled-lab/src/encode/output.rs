//! The file that `unrolled encode` writes.

use std::io::Write;
use std::path::PathBuf;

use ndarray::{ArrayView2, s};
use safetensors::Dtype;

use super::Encode;
use crate::Error;
use crate::arrays::{Arrays, Stored};
use crate::files::WholeFile;

/// The file of codes. Dense codes are written as they come; the file appears under its name when it is
/// whole.
pub(super) struct Output {
    path: PathBuf,
    file: WholeFile,
    sparse: bool,
    overwrite: bool,
    shape: [usize; 2],
    gaps: Vec<f64>,
    pointers: Vec<i64>,
    indices: Vec<i32>,
    values: Vec<f64>,
}

impl Output {
    /// Into a file that was begun, for so many examples and atoms.
    pub fn begin(
        request: &Encode,
        path: PathBuf,
        file: WholeFile,
        shape: [usize; 2],
    ) -> Result<Self, Error> {
        let mut output = Self {
            path,
            file,
            sparse: request.sparse,
            overwrite: request.overwrite,
            shape,
            gaps: Vec::new(),
            pointers: vec![0],
            indices: Vec::new(),
            values: Vec::new(),
        };
        if !request.sparse {
            output.write_header()?;
        }
        Ok(output)
    }

    /// The header of a safetensors file with `codes` and `gaps`, whose sizes are known beforehand.
    fn write_header(&mut self) -> Result<(), Error> {
        let [n, p] = self.shape;
        let codes = 8 * n * p;
        let header = serde_json::json!({
            "codes": { "dtype": "F64", "shape": [n, p], "data_offsets": [0, codes] },
            "gaps": { "dtype": "F64", "shape": [n], "data_offsets": [codes, codes + 8 * n] },
        });
        let mut header = header.to_string();
        // The data begin at a multiple of eight bytes.
        header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
        self.put(&(header.len() as u64).to_le_bytes())?;
        self.put(header.as_bytes())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(|error| Error::writing(&self.path, &error))
    }

    /// Writes the codes of the examples that come next, and their gaps.
    pub fn write(&mut self, codes: &ArrayView2<f64>, gaps: &[f64]) -> Result<(), Error> {
        self.gaps.extend(gaps);
        for example in 0..codes.nrows() {
            let row = codes.slice(s![example, ..]);
            if self.sparse {
                for (atom, value) in row.iter().enumerate().filter(|(_, value)| **value != 0.0) {
                    self.indices.push(atom as i32);
                    self.values.push(*value);
                }
                self.pointers.push(self.indices.len() as i64);
            } else {
                let bytes: Vec<u8> = row.iter().flat_map(|value| value.to_le_bytes()).collect();
                self.put(&bytes)?;
            }
        }
        Ok(())
    }

    /// Writes the rest and gives the file its name.
    pub fn finish(mut self) -> Result<(), Error> {
        if self.sparse {
            let integers = |bytes: Vec<u8>, dtype, shape| Stored::raw(shape, bytes, dtype);
            let pointers = self.pointers.iter().flat_map(|v| v.to_le_bytes()).collect();
            let indices = self.indices.iter().flat_map(|v| v.to_le_bytes()).collect();
            let shape = self.shape.iter().flat_map(|v| (*v as i64).to_le_bytes()).collect();
            let parts = [
                ("indptr", integers(pointers, Dtype::I64, vec![self.pointers.len()])),
                ("indices", integers(indices, Dtype::I32, vec![self.indices.len()])),
                ("shape", integers(shape, Dtype::I64, vec![2])),
                ("values", Stored::new(vec![self.values.len()], &self.values, 8)),
                ("gaps", Stored::new(vec![self.gaps.len()], &self.gaps, 8)),
            ];
            let mut arrays = Arrays::default();
            parts.into_iter().for_each(|(name, array)| arrays.insert(name, array));
            self.put(&arrays.to_bytes())?;
        } else {
            let gaps: Vec<u8> = self.gaps.iter().flat_map(|gap| gap.to_le_bytes()).collect();
            self.put(&gaps)?;
        }
        match self.overwrite {
            true => self.file.finish(),
            false => self.file.finish_as_new(),
        }
    }
}
