//! IDX, the format of MNIST: unsigned bytes behind their dimensions, plain or gzip.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use crate::DataError;
use crate::fault::Fault;
use crate::memory::{MOST_INFLATED, affordable, reserve};
use crate::numbers::extent;

/// A file's dimensions, none of them 0, and the bytes behind them.
#[derive(Debug)]
pub(crate) struct Idx<const R: usize> {
    pub path: PathBuf,
    pub shape: [usize; R],
    pub bytes: Vec<u8>,
}

impl<const R: usize> Idx<R> {
    /// Reads `name` or `name.gz`.
    pub fn read(folder: &Path, name: &str) -> Result<Self, DataError> {
        let (plain, zipped) = (folder.join(name), folder.join(format!("{name}.gz")));
        let (path, is_zipped) = match plain.exists() {
            true => (plain, false),
            false if zipped.exists() => (zipped, true),
            false => {
                return Err(DataError::NoImages {
                    folder: folder.to_owned(),
                    name: name.to_owned(),
                });
            }
        };
        let opened = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (size, file) = opened.map_err(|error| DataError::Unreadable {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        let file = BufReader::new(file);
        let content = match is_zipped {
            false => parse(file, size),
            true => parse(GzDecoder::new(file), size.saturating_mul(MOST_INFLATED)),
        };
        match content {
            Ok((shape, bytes)) => Ok(Self { path, shape, bytes }),
            Err(fault) => Err(fault.of_file(&path, "IDX")),
        }
    }
}

/// Bytes for which room is made before they are there.
const BELIEVED: usize = 1 << 24;

/// The dimensions, none of them 0, that the header says: two zeros, the type 8 (unsigned byte), the number of dimensions,
/// and each dimension as a big-endian 32-bit number.
fn header(source: &mut impl Read) -> Result<Vec<usize>, Fault> {
    let mut magic = [0; 4];
    source.read_exact(&mut magic)?;
    let [0, 0, 8, rank @ 1..=4] = magic else {
        return Err("the header is not that of unsigned bytes in 1 to 4 dimensions".into());
    };
    let mut shape = vec![0; usize::from(rank)];
    for dimension in &mut shape {
        let mut field = [0; 4];
        source.read_exact(&mut field)?;
        *dimension = u32::from_be_bytes(field) as usize;
    }
    match shape.contains(&0) {
        true => Err(format!("a dimension of its shape {shape:?} is 0").into()),
        false => Ok(shape),
    }
}

fn wrong_size(shape: &[usize]) -> String {
    format!("it has too few or too many bytes for the shape {shape:?}")
}

/// The dimensions, and where the bytes begin, of a plain file of this size.
pub(crate) fn locate(source: &mut impl Read, size: u64) -> Result<(Vec<usize>, u64), Fault> {
    let shape = header(source)?;
    let start = 4 + 4 * shape.len() as u64;
    match extent(&shape, 1) {
        Some((_, bytes)) if size.checked_sub(start) == Some(bytes) => Ok((shape, start)),
        _ => Err(wrong_size(&shape).into()),
    }
}

/// The dimensions and the bytes behind them, of which there can be `most`.
fn parse<const R: usize>(mut source: impl Read, most: u64) -> Result<([usize; R], Vec<u8>), Fault> {
    let shape: [usize; R] = header(&mut source)?.try_into().map_err(|_| {
        Fault::from(format!("the header is not that of {R}-dimensional unsigned bytes"))
    })?;
    let wrong = || wrong_size(&shape);
    let (count, _) = extent(&shape, 1).filter(|(_, bytes)| *bytes <= most).ok_or_else(wrong)?;
    affordable(count as u64)?;
    // What a packed file promises is believed as it comes.
    let mut bytes = reserve(count.min(BELIEVED))?;
    // One byte more would be one too many, and finds the checksum behind the last.
    let mut next = [0];
    source.by_ref().take(count as u64).read_to_end(&mut bytes)?;
    match bytes.len() == count && source.read(&mut next)? == 0 {
        true => Ok((shape, bytes)),
        false => Err(wrong().into()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use super::*;

    pub(crate) fn idx(dimensions: &[u32], bytes: &[u8]) -> Vec<u8> {
        let mut file = vec![0, 0, 8, dimensions.len() as u8];
        dimensions.iter().for_each(|d| file.extend(d.to_be_bytes()));
        file.extend(bytes);
        file
    }

    fn refused<const R: usize>(content: &[u8]) -> bool {
        parse::<R>(content, content.len() as u64).is_err()
    }

    #[test]
    fn a_corrupt_header_is_refused() {
        assert!(refused::<3>(&[0, 0, 8]));
        assert!(refused::<1>(&idx(&[3], &[1, 2])));
        assert!(refused::<1>(&idx(&[3], &[1, 2, 3, 4])));
        assert!(refused::<3>(&idx(&[3], &[1, 2, 3])));
        assert!(refused::<3>(&idx(&[u32::MAX, u32::MAX, u32::MAX], &[])));
        assert!(!refused::<1>(&idx(&[3], &[1, 2, 3])));
    }

    #[test]
    fn nothing_is_taken_for_what_is_not_there() {
        for shape in [[0, 28, 28], [3, 0, 28], [0, u32::MAX, u32::MAX], [1, 0, u32::MAX]] {
            assert!(refused::<3>(&idx(&shape, &[])), "{shape:?}");
        }
        assert!(refused::<3>(&idx(&[3, u32::MAX, 16], &[0; 100])));
    }

    #[test]
    fn a_zipped_file_holds_no_more_than_its_header_says() {
        let folder = tempfile::tempdir().unwrap();
        let read = |content: &[u8]| {
            let file = File::create(folder.path().join("a.gz")).unwrap();
            let mut writer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
            writer.write_all(content).unwrap();
            writer.finish().unwrap();
            Idx::<1>::read(folder.path(), "a").map(|idx| idx.bytes).map_err(|e| e.to_string())
        };
        assert_eq!(read(&idx(&[2], &[1, 2])), Ok(vec![1, 2]));
        for content in [idx(&[2], &[0; 1 << 20]), idx(&[3], &[1, 2]), idx(&[u32::MAX], &[1])] {
            let said = read(&content).unwrap_err();
            assert!(said.contains("it has too few or too many bytes for the shape ["), "{said}");
        }
    }
}
