//! MNIST and Fashion-MNIST from their IDX files, plain or gzip.

use std::io::Read;
use std::path::{Path, PathBuf};

use ndarray::Array2;

use crate::{DataError, DataSet};

/// Which half of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// 60 000 images.
    Train,
    /// 10 000 images.
    Test,
}

/// Images as rows of pixels in [0, 1] and the images' height and width.
#[derive(Clone, Debug)]
pub struct Images {
    /// X, `[n, height · width]`, and labels; no truth.
    pub data: DataSet,
    /// Height and width.
    pub shape: [usize; 2],
}

/// Reads the images of some classes (all where the list is empty) from a folder with the four IDX
/// files.
pub fn load_images(folder: &Path, split: Split, classes: &[u8]) -> Result<Images, DataError> {
    let stem = match split {
        Split::Train => "train",
        Split::Test => "t10k",
    };
    let (images_path, images) = read_idx(folder, &format!("{stem}-images-idx3-ubyte"))?;
    let (labels_path, labels) = read_idx(folder, &format!("{stem}-labels-idx1-ubyte"))?;
    let malformed = |path: &Path, reason: String| DataError::Malformed {
        path: path.to_owned(),
        format: "IDX",
        reason,
    };
    let ([count, height, width], pixels) =
        parse::<3>(&images).map_err(|reason| malformed(&images_path, reason))?;
    let ([labelled], labels) =
        parse::<1>(&labels).map_err(|reason| malformed(&labels_path, reason))?;
    if labelled != count {
        let reason = format!("{labelled} labels for {count} images");
        return Err(malformed(&labels_path, reason));
    }
    if let Some(absent) = classes.iter().find(|class| !labels.contains(class)) {
        return Err(DataError::UnknownClass { path: labels_path, class: *absent });
    }
    let size = height * width;
    let wanted: Vec<usize> =
        (0..count).filter(|&i| classes.is_empty() || classes.contains(&labels[i])).collect();
    let mut x = Array2::zeros((wanted.len(), size));
    for (mut row, &image) in x.rows_mut().into_iter().zip(&wanted) {
        let pixels = &pixels[image * size..(image + 1) * size];
        row.iter_mut().zip(pixels).for_each(|(x, pixel)| *x = f64::from(*pixel) / 255.0);
    }
    let labels = Some(wanted.iter().map(|&image| labels[image]).collect());
    let data = DataSet { x, true_dictionary: None, true_codes: None, labels };
    Ok(Images { data, shape: [height, width] })
}

/// The content of `name` or `name.gz`.
fn read_idx(folder: &Path, name: &str) -> Result<(PathBuf, Vec<u8>), DataError> {
    let (plain, zipped) = (folder.join(name), folder.join(format!("{name}.gz")));
    let unreadable = |path: &Path, error: &std::io::Error| DataError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    if let Ok(bytes) = std::fs::read(&plain) {
        return Ok((plain, bytes));
    }
    match std::fs::File::open(&zipped) {
        Err(_) => Err(DataError::NoImages { folder: folder.to_owned(), name: name.to_owned() }),
        Ok(file) => {
            let mut bytes = Vec::new();
            flate2::read::GzDecoder::new(file)
                .read_to_end(&mut bytes)
                .map_err(|error| unreadable(&zipped, &error))?;
            Ok((zipped, bytes))
        }
    }
}

/// The dimensions and the bytes behind them: a header of two zeros, the type 8 (unsigned byte), the
/// number of dimensions, and each dimension as a big-endian 32-bit number.
fn parse<const R: usize>(bytes: &[u8]) -> Result<([usize; R], &[u8]), String> {
    let header = 4 + 4 * R;
    if bytes.len() < header || bytes[..4] != [0, 0, 8, R as u8] {
        return Err(format!("the header is not that of {R}-dimensional unsigned bytes"));
    }
    let mut shape = [0; R];
    for (dimension, field) in shape.iter_mut().zip(bytes[4..header].as_chunks::<4>().0) {
        *dimension = u32::from_be_bytes(*field) as usize;
    }
    let expected = shape.iter().try_fold(1usize, |product, d| product.checked_mul(*d));
    match expected == Some(bytes.len() - header) {
        true => Ok((shape, &bytes[header..])),
        false => Err(format!("it holds {} bytes for the shape {shape:?}", bytes.len() - header)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn idx(dimensions: &[u32], bytes: &[u8]) -> Vec<u8> {
        let mut file = vec![0, 0, 8, dimensions.len() as u8];
        dimensions.iter().for_each(|d| file.extend(d.to_be_bytes()));
        file.extend(bytes);
        file
    }

    #[test]
    fn images_are_read_plain_and_zipped_and_chosen_by_class() {
        let folder = tempfile::tempdir().unwrap();
        let images = idx(&[3, 1, 2], &[0, 255, 51, 0, 255, 255]);
        std::fs::write(folder.path().join("train-images-idx3-ubyte"), images).unwrap();
        let zipped =
            std::fs::File::create(folder.path().join("train-labels-idx1-ubyte.gz")).unwrap();
        let mut writer = flate2::write::GzEncoder::new(zipped, flate2::Compression::fast());
        writer.write_all(&idx(&[3], &[4, 7, 4])).unwrap();
        writer.finish().unwrap();
        let all = load_images(folder.path(), Split::Train, &[]).unwrap();
        assert_eq!(all.data.x, ndarray::array![[0.0, 1.0], [0.2, 0.0], [1.0, 1.0]]);
        assert_eq!((all.data.labels, all.shape), (Some(vec![4, 7, 4]), [1, 2]));
        let four = load_images(folder.path(), Split::Train, &[4]).unwrap();
        assert_eq!(four.data.examples(), 2);
        let nine = load_images(folder.path(), Split::Train, &[9]);
        assert!(matches!(nine, Err(DataError::UnknownClass { class: 9, .. })));
        let test = load_images(folder.path(), Split::Test, &[]);
        assert!(matches!(test, Err(DataError::NoImages { .. })));
    }

    #[test]
    fn a_corrupt_header_is_refused() {
        assert!(parse::<3>(&[0, 0, 8]).is_err());
        assert!(parse::<1>(&idx(&[3], &[1, 2])).is_err());
        assert!(parse::<3>(&idx(&[3], &[1, 2, 3])).is_err());
        assert!(parse::<3>(&idx(&[u32::MAX, u32::MAX, u32::MAX], &[])).is_err());
    }
}
