//! PyTorch's .pt and .pth state dictionaries: the zip archives that `torch.save` writes since 1.6.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use pytorch_reader::{DType, PytorchReader};
use zip::{CompressionMethod, ZipArchive};

use crate::Array;
use crate::arrays::Kinds;
use crate::fault::Fault;
use crate::memory::reserve;
use crate::numbers::Number;

/// The longest list of arrays that is read, and the most entries: it takes many times its length in
/// memory.
const LONGEST_LIST: u64 = 1 << 20;
const MOST_ENTRIES: usize = 10_000;
/// A view that repeats its numbers may take more than the whole file, up to this.
const LARGEST_VIEW: u64 = 1 << 20;

/// An open state dictionary, of which one array at a time is read.
#[derive(Debug)]
pub(crate) struct PytorchFile {
    reader: PytorchReader,
    /// Bytes of the file.
    size: u64,
}

impl PytorchFile {
    pub fn open(path: &Path, file: File) -> Result<Self, Fault> {
        let size = file.metadata()?.len();
        check_archive(file)?;
        let reader = PytorchReader::new(path).map_err(|error| in_words(&error))?;
        Ok(Self { reader, size })
    }

    pub fn names(&self) -> Vec<String> {
        self.reader.keys()
    }

    pub fn read(&mut self, name: &str, kinds: Kinds) -> Result<Option<Array>, Fault> {
        let Some(tensor) = self.reader.get(name) else { return Ok(None) };
        let shape = tensor.shape().to_vec();
        let name = || format!("{:?}", tensor.dtype());
        let number = match tensor.dtype() {
            DType::F64 => Ok(Number::F64),
            DType::F32 => Ok(Number::F32),
            DType::U8 => Ok(Number::U8),
            DType::I32 => Ok(Number::I32),
            DType::I64 => Ok(Number::I64),
            _ => Err(name()),
        };
        let number = match number.and_then(|number| kinds.take(number, name)) {
            Ok(number) => number,
            Err(dtype) => return Ok(Some(Array { shape, values: Err(dtype) })),
        };
        if tensor.byte_len() as u64 > self.size.max(LARGEST_VIEW) {
            return Err(format!(
                "it is a view that repeats the numbers of the file to the shape {shape:?}, which \
                 .contiguous() writes out"
            )
            .into());
        }
        let mut values = reserve(tensor.num_elements())?;
        number.append(&tensor.read().map_err(|error| in_words(&error))?, &mut values);
        Ok(Some(Array { shape, values: Ok(values) }))
    }
}

/// What the reader says, but where it names the types of its own libraries.
fn in_words(error: &dyn std::fmt::Display) -> String {
    let said = error.to_string();
    if said.contains("::") { "it is cut short or damaged".to_owned() } else { said }
}

/// Nothing in the archive may take more memory than it takes in the file.
fn check_archive(file: File) -> Result<(), Fault> {
    let archive = ZipArchive::new(BufReader::new(file)).map_err(
        |_| "it is no zip archive, as torch.save writes them since PyTorch 1.6: load it there",
    )?;
    if archive.len() > MOST_ENTRIES {
        return Err(format!("it has more than {MOST_ENTRIES} entries").into());
    }
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index).map_err(|_| "an entry of it is damaged")?;
        if entry.compression() != CompressionMethod::Stored {
            return Err("it is compressed, which torch.save never does".into());
        }
        if entry.name_raw().ends_with(b"data.pkl") && entry.size() > LONGEST_LIST {
            return Err(format!("its list of arrays takes more than {LONGEST_LIST} bytes").into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read, Write};
    use std::path::{Path, PathBuf};

    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipArchive, ZipWriter};

    use crate::read_matrix;

    fn fixture() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/state.pt")
    }

    #[test]
    fn a_state_dictionary_is_read() {
        let weights = read_matrix(&fixture(), "W").unwrap();
        assert_eq!(weights, ndarray::array![[1.0, 0.5], [-2.0, 0.25], [3.0, 4.0]]);
        assert!(read_matrix(&fixture(), "b").is_err(), "a vector is no matrix");
    }

    /// What is said of `W` in the fixture after a change of its list of arrays.
    fn read_changed(
        method: CompressionMethod,
        change: impl Fn(Vec<u8>) -> Vec<u8>,
    ) -> Result<usize, String> {
        let mut archive = ZipArchive::new(std::fs::File::open(fixture()).unwrap()).unwrap();
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).unwrap();
            let (name, mut content) = (entry.name().unwrap().into_owned(), Vec::new());
            entry.read_to_end(&mut content).unwrap();
            let content = if name.ends_with("data.pkl") { change(content) } else { content };
            let options = SimpleFileOptions::default().compression_method(method);
            writer.start_file(name, options).unwrap();
            writer.write_all(&content).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.pt");
        std::fs::write(&path, writer.finish().unwrap().into_inner()).unwrap();
        read_matrix(&path, "W").map(|matrix| matrix.len()).map_err(|error| error.to_string())
    }

    /// The pickle with the shape (3, 2) and the stride (2, 1) of `W` replaced; all in BININT.
    fn expanded(pickle: &[u8], shape: [i32; 2]) -> Vec<u8> {
        let old = b"K\x03K\x02\x86";
        let at = pickle.windows(old.len()).position(|bytes| bytes == old).unwrap();
        let strides = b"K\x02K\x01\x86";
        let then = at + pickle[at..].windows(5).position(|bytes| bytes == strides).unwrap();
        let mut changed = pickle[..at].to_vec();
        shape.iter().for_each(|d| changed.extend([&b"J"[..], &d.to_le_bytes()].concat()));
        changed.extend(&pickle[at + 4..then]);
        changed.extend(b"K\x00K\x00");
        changed.extend(&pickle[then + 4..]);
        changed
    }

    #[test]
    fn a_view_that_repeats_few_numbers_to_very_many_is_refused() {
        let read = |shape| read_changed(CompressionMethod::Stored, |old| expanded(&old, shape));
        assert_eq!(read([100, 20]), Ok(2000));
        let said = read([1_000_000, 2_000]).unwrap_err();
        assert!(said.contains("`W`: it is a view that repeats the numbers"), "{said}");
    }

    #[test]
    fn what_could_unpack_to_more_than_the_file_is_refused() {
        let said = read_changed(CompressionMethod::Deflated, |old| old).unwrap_err();
        assert!(said.contains("it is compressed, which torch.save never does"), "{said}");
        let padded = |mut old: Vec<u8>| {
            old.resize(2 << 20, b']');
            old
        };
        let said = read_changed(CompressionMethod::Stored, padded).unwrap_err();
        assert!(said.contains("its list of arrays takes more than 1048576 bytes"), "{said}");
    }
}
