//! Images from files: what a file holds is told by its content, whatever its name says.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{Channels, Image, jpeg_file, png_file};
use crate::DataError;
use crate::fault::Fault;
use crate::memory::{affordable, reserve};

/// More pixels than this are not read.
const MOST_PIXELS: u64 = 1 << 28;

/// Reads a PNG (any colour type, 1 to 16 bits) or a JPEG (grey or colour, 8 bits), with the channels asked for.
///
/// Values are those of the file over its greatest: no gamma, no colour profile, no turn that a camera has noted. Of an
/// animated PNG the first picture is read. An alpha channel that is opaque everywhere is dropped; any other is
/// refused.
pub fn read_image(path: &Path, channels: Channels) -> Result<Image, DataError> {
    Ok(read_image_as_is(path)?.with_channels(channels))
}

/// As [`read_image`], grey or colour as the file is.
pub fn read_image_as_is(path: &Path) -> Result<Image, DataError> {
    let content = content(path)?;
    match content.as_slice() {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => png_file::decode(path, &content),
        [0xff, 0xd8, 0xff, ..] => jpeg_file::decode(path, &content),
        other => Err(DataError::NotPngOrJpeg { path: path.to_owned(), content: kind(other) }),
    }
}

/// The bytes of a file, where there is memory for them.
fn content(path: &Path) -> Result<Vec<u8>, DataError> {
    let unreadable = |reason: String| DataError::Unreadable { path: path.to_owned(), reason };
    let opened = std::fs::metadata(path).and_then(|found| Ok((found, File::open(path)?)));
    let (found, file) = opened.map_err(|error| unreadable(error.to_string()))?;
    if !found.is_file() {
        return Err(unreadable("it is not a file".to_owned()));
    }
    let length = usize::try_from(found.len()).unwrap_or(usize::MAX);
    let mut bytes = reserve(length).map_err(|fault| fault.of_file(path, "image"))?;
    file.take(found.len())
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(error.to_string()))?;
    Ok(bytes)
}

/// What a file is that is neither, as far as it can be told.
fn kind(content: &[u8]) -> &'static str {
    match content {
        [] => "it is empty",
        [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, ..] => "only its first bytes are those of one",
        [b'G', b'I', b'F', b'8', ..] => "it is a GIF",
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => "it is a TIFF",
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => "it is a BMP",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "it is a WebP",
        [b'P', b'1'..=b'6', b' ' | b'\n' | b'\r' | b'\t', ..] => "it is a PNM",
        other
            if other.iter().take(512).all(|&b| b >= 32 && b != 127 || b.is_ascii_whitespace()) =>
        {
            "it is text"
        }
        _ => "its content is something else",
    }
}

/// An error where a header speaks of more pixels than are read, or where each of them would take so many bytes and
/// these are not free.
pub(super) fn check_size(
    path: &Path,
    [height, width]: [usize; 2],
    bytes_per_pixel: u64,
) -> Result<(), DataError> {
    let pixels = (height as u64).saturating_mul(width as u64);
    if pixels > MOST_PIXELS {
        return Err(DataError::TooManyPixels { path: path.to_owned(), height, width });
    }
    affordable(pixels * bytes_per_pixel).map_err(|fault| of_image(fault, path, ""))
}

/// Said of the image in a file of this format.
pub(super) fn of_image(fault: Fault, path: &Path, format: &'static str) -> DataError {
    match fault {
        Fault::TooLarge(needed) => {
            DataError::TooLarge { path: path.to_owned(), what: "the image".to_owned(), needed }
        }
        malformed => malformed.of_file(path, format),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_image_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        for (content, expected) in [
            (&b""[..], "it is empty"),
            (b"width = 3\n", "it is text"),
            ("Größe".as_bytes(), "it is text"),
            (b"GIF89a\0\0", "it is a GIF"),
            (b"II*\0....", "it is a TIFF"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "it is a WebP"),
            (b"P5 2 2 255\n....", "it is a PNM"),
            (b"\x89PNG", "only its first bytes are those of one"),
            (b"\xff\xd8", "only its first bytes are those of one"),
            (b"\0\x01\x02", "its content is something else"),
        ] {
            std::fs::write(&path, content).unwrap();
            let said = read_image(&path, Channels::Grey).unwrap_err().to_string();
            let expected = format!(
                "{}: is neither a PNG nor a JPEG ({expected}), whatever its ending; convert it to one of them",
                path.display()
            );
            assert_eq!(said, expected);
        }
        let said = read_image_as_is(folder.path()).unwrap_err().to_string();
        assert!(said.contains("cannot be read (it is not a file)"), "{said}");
        let said = read_image_as_is(&folder.path().join("none.png")).unwrap_err().to_string();
        assert!(said.contains("none.png: cannot be read ("), "{said}");
    }
}
