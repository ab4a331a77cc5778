//! NumPy's .npz: a zip archive of .npy files.

use std::fs::File;
use std::io::{BufReader, Read};

use npyz::Order;
use zip::{CompressionMethod, ZipArchive};

use crate::Array;
use crate::arrays::Kinds;
use crate::fault::Fault;
use crate::memory::MOST_INFLATED;
use crate::npy::{Header, row_major};
use crate::numbers::extent;

/// The library's own words name its types.
const NO_ARCHIVE: &str = "it is no zip archive, or it is cut short or damaged";

/// An open archive: its list of entries, of which one at a time is read.
#[derive(Debug)]
pub(crate) struct NpzFile {
    archive: ZipArchive<BufReader<File>>,
    /// Bytes of the file.
    size: u64,
}

impl NpzFile {
    pub fn open(file: File) -> Result<Self, Fault> {
        let size = file.metadata()?.len();
        let archive = ZipArchive::new(BufReader::new(file)).map_err(|_| NO_ARCHIVE)?;
        Ok(Self { archive, size })
    }

    pub fn names(&self) -> Vec<String> {
        let names = self.archive.file_names().filter_map(Result::ok);
        names.filter_map(|name| name.strip_suffix(".npy").map(str::to_owned)).collect()
    }

    pub fn read(&mut self, name: &str, kinds: Kinds) -> Result<Option<Array>, Fault> {
        let Some(index) = self.archive.index_for_name(&format!("{name}.npy")) else {
            return Ok(None);
        };
        let mut entry = self.archive.by_index(index).map_err(|_| NO_ARCHIVE)?;
        let header = Header::read(&mut entry)?;
        let shape = header.shape;
        let name = || header.name;
        let number = match header.number.and_then(|number| kinds.take(number, name)) {
            Ok(number) => number,
            Err(dtype) => return Ok(Some(Array { shape, values: Err(dtype) })),
        };
        // What the header promises, what the archive promises, and what its bytes can hold.
        let (size, packed) = (entry.size(), entry.compressed_size().min(self.size));
        let most = match entry.compression() {
            CompressionMethod::Stored => packed,
            _ => packed.saturating_mul(MOST_INFLATED),
        };
        let promised = extent(&shape, number.width())
            .and_then(|(count, bytes)| Some((count, bytes.checked_add(header.length)?)));
        let count = match promised {
            Some((count, bytes)) if bytes == size && size <= most => count,
            _ => return Err(format!("it has too few or too many bytes for {shape:?}").into()),
        };
        let values = number.read(&mut entry, count)?;
        // One byte more finds the end, where the checksum is compared.
        if entry.read(&mut [0])? != 0 {
            return Err(format!("it has too many bytes for {shape:?}").into());
        }
        let values = match header.order {
            Order::C => values,
            Order::Fortran => row_major(&shape, values)?,
        };
        Ok(Some(Array { shape, values: Ok(values) }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};
    use std::path::{Path, PathBuf};

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

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

    fn npy(shape: &str, values: &[f64]) -> Vec<u8> {
        let text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        bytes
    }

    /// The error of `X` in an archive of these entries.
    fn refusal(entries: &[(&str, &[u8])]) -> Option<String> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in entries {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(content).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npz");
        std::fs::write(&path, writer.finish().unwrap().into_inner()).unwrap();
        read_matrix(&path, "X").err().map(|error| error.to_string())
    }

    #[test]
    fn only_the_entry_that_was_named_is_read() {
        let good = npy("(1, 2)", &[1.0, 2.0]);
        let bad = [("bad.npy", &b"no array"[..]), ("X.npy", &good), ("notes.txt", b"hello")];
        assert_eq!(refusal(&bad), None);
        let said = refusal(&[("bad.npy", b"no array"), ("Y.npy", &good)]).unwrap();
        assert!(said.contains("has no array `X`; it holds `Y`, `bad`; name"), "{said}");
    }

    #[test]
    fn sizes_are_checked_before_memory_is_taken() {
        for shape in ["(1, 3)", "(1, 1)", "(1000000000, 100000)", "(0, 1000000000)"] {
            let said = refusal(&[("X.npy", &npy(shape, &[1.0, 2.0]))]).unwrap();
            assert!(said.contains("`X`: it has too few or too many bytes for ["), "{said}");
        }
        let said = refusal(&[("X.npy", &npy("(4294967296, 4294967296)", &[1.0]))]).unwrap();
        assert!(said.contains("`X`: its header is not one that NumPy writes"), "{said}");
    }
}
