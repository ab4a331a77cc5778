//! MNIST and Fashion-MNIST from their IDX files, plain or gzip.

use std::path::Path;

use ndarray::Array2;

use crate::fault::Fault;
use crate::idx::Idx;
use crate::memory::reserve;
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
    let images = Idx::<3>::read(folder, &format!("{stem}-images-idx3-ubyte"))?;
    let labels = Idx::<1>::read(folder, &format!("{stem}-labels-idx1-ubyte"))?;
    let ([count, height, width], [labelled]) = (images.shape, labels.shape);
    if labelled != count {
        let fault = Fault::from(format!("{labelled} labels for {count} images"));
        return Err(fault.of_file(&labels.path, "IDX"));
    }
    if let Some(&class) = classes.iter().find(|class| !labels.bytes.contains(class)) {
        return Err(DataError::UnknownClass { path: labels.path, class });
    }
    let wanted = |label: &u8| classes.is_empty() || classes.contains(label);
    let chosen: Vec<u8> = labels.bytes.iter().copied().filter(wanted).collect();
    let size = height * width;
    let mut pixels =
        reserve(chosen.len() * size).map_err(|fault| fault.of_file(&images.path, "IDX"))?;
    for (image, label) in images.bytes.chunks_exact(size).zip(&labels.bytes) {
        if wanted(label) {
            pixels.extend(image.iter().map(|pixel| f64::from(*pixel) / 255.0));
        }
    }
    let x = Array2::from_shape_vec((chosen.len(), size), pixels)
        .expect("as many images were taken as labels");
    let image = Some([1, height, width]);
    let labels = Array2::from_shape_fn((chosen.len(), 1), |(row, _)| f64::from(chosen[row]));
    let data = DataSet { labels: Some(labels), image, ..DataSet::of_rows(x) };
    Ok(Images { data, shape: [height, width] })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::idx::tests::idx;

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
        assert_eq!(
            (all.data.labels, all.shape),
            (Some(ndarray::array![[4.0], [7.0], [4.0]]), [1, 2])
        );
        let four = load_images(folder.path(), Split::Train, &[4]).unwrap();
        assert_eq!(four.data.examples(), 2);
        let nine = load_images(folder.path(), Split::Train, &[9]);
        assert!(matches!(nine, Err(DataError::UnknownClass { class: 9, .. })));
        let test = load_images(folder.path(), Split::Test, &[]);
        assert!(matches!(test, Err(DataError::NoImages { .. })));
    }
}
