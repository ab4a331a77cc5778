//! .safetensors files: the header first, and of the arrays only what is asked for.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use crate::Array;
use crate::arrays::Kinds;
use crate::fault::Fault;
use crate::numbers::Number;

/// The longest header that is read: it takes many times its length in memory.
const LONGEST_HEADER: u64 = 16 << 20;

/// An open file whose header agrees with itself and with the file's length.
#[derive(Debug)]
pub(crate) struct SafetensorsFile {
    file: File,
    /// Where the arrays begin.
    start: u64,
    metadata: Metadata,
}

impl SafetensorsFile {
    pub fn open(mut file: File) -> Result<Self, Fault> {
        let size = file.metadata()?.len();
        let mut length = [0; 8];
        file.read_exact(&mut length)?;
        let length = u64::from_le_bytes(length);
        if length > LONGEST_HEADER {
            return Err("header too large".into());
        }
        let start = 8 + length;
        let Some(held) = size.checked_sub(start) else {
            return Err("its header is longer than the file".into());
        };
        let mut header = vec![0; length as usize];
        file.read_exact(&mut header)?;
        // Its shapes and offsets are checked against each other as it is read.
        let metadata: Metadata =
            serde_json::from_slice(&header).map_err(|error| error.to_string())?;
        let described = metadata.data_len() as u64;
        if described != held {
            return Err(format!(
                "its header describes {described} bytes of arrays and {held} are there"
            )
            .into());
        }
        Ok(Self { file, start, metadata })
    }

    pub fn names(&self) -> Vec<String> {
        self.metadata.offset_keys()
    }

    /// Shape and type of an array.
    pub fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.metadata.info(name)
    }

    pub fn read(&mut self, name: &str, kinds: Kinds) -> Result<Option<Array>, Fault> {
        let Some(info) = self.info(name).cloned() else { return Ok(None) };
        let values = match number(info.dtype, kinds) {
            Err(dtype) => Err(dtype),
            Ok(number) => {
                let (from, to) = info.data_offsets;
                let count = (to - from) / number.width();
                Ok(self.numbers(from as u64, number, count)?)
            }
        };
        Ok(Some(Array { shape: info.shape, values }))
    }

    /// The file itself, and where the arrays begin in it.
    pub fn into_parts(self) -> (File, u64) {
        (self.file, self.start)
    }

    /// `count` numbers, the first at `offset` from where the arrays begin.
    fn numbers(&mut self, offset: u64, number: Number, count: usize) -> Result<Vec<f64>, Fault> {
        self.file.seek(SeekFrom::Start(self.start + offset))?;
        number.read(&mut self.file, count)
    }
}

/// How numbers of this type are written; the name of a type that is not read.
pub(crate) fn number(dtype: Dtype, kinds: Kinds) -> Result<Number, String> {
    let name = || format!("{dtype:?}");
    let number = match dtype {
        Dtype::F16 => Number::F16,
        Dtype::BF16 => Number::BF16,
        Dtype::F32 => Number::F32,
        Dtype::F64 => Number::F64,
        Dtype::BOOL | Dtype::U8 => Number::U8,
        Dtype::I8 => Number::I8,
        Dtype::U16 => Number::U16,
        Dtype::I16 => Number::I16,
        Dtype::U32 => Number::U32,
        Dtype::I32 => Number::I32,
        Dtype::U64 => Number::U64,
        Dtype::I64 => Number::I64,
        _ => return Err(name()),
    };
    kinds.take(number, name)
}
