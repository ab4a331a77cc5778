//! A NumPy .npy file: one array behind its header.

use std::fs::File;
use std::io::BufReader;

use npyz::Order;

use crate::Array;
use crate::arrays::Kinds;
use crate::fault::Fault;
use crate::npy::{Header, row_major};
use crate::numbers::extent;

/// An open file whose header agrees with its length, as far as the type of its numbers is known.
#[derive(Debug)]
pub(crate) struct NpyFile {
    file: BufReader<File>,
    pub header: Header,
}

impl NpyFile {
    pub fn open(file: File) -> Result<Self, Fault> {
        let size = file.metadata()?.len();
        let mut file = BufReader::new(file);
        let header = Header::read(&mut file)?;
        if let Ok(number) = &header.number {
            let held = size.saturating_sub(header.length);
            let shape = &header.shape;
            if extent(shape, number.width()).is_none_or(|(_, bytes)| bytes != held) {
                return Err(format!(
                    "its header describes an array of shape {shape:?}, and {held} bytes are there"
                )
                .into());
            }
        }
        Ok(Self { file, header })
    }

    /// All of it; once, from where the header ends.
    pub fn read(&mut self, kinds: Kinds) -> Result<Array, Fault> {
        use std::io::{Seek, SeekFrom};
        let Header { shape, order, number, name, length } = &self.header;
        let number = match number.clone().and_then(|number| kinds.take(number, || name.clone())) {
            Ok(number) => number,
            Err(dtype) => return Ok(Array { shape: shape.clone(), values: Err(dtype) }),
        };
        self.file.seek(SeekFrom::Start(*length))?;
        let values = number.read(&mut self.file, shape.iter().product())?;
        let values = match order {
            Order::C => values,
            Order::Fortran => row_major(shape, values)?,
        };
        Ok(Array { shape: shape.clone(), values: Ok(values) })
    }

    /// The file itself; the array begins behind its header.
    pub fn into_file(self) -> File {
        self.file.into_inner()
    }
}
