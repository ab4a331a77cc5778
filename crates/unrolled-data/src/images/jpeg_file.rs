//! JPEG, baseline and progressive.

use std::path::Path;

use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::Image;
use super::read::{check_size, of_image};
use crate::DataError;
use crate::fault::Fault;
use crate::memory::reserve;

const FORMAT: &str = "JPEG";
/// A block of 8 × 8 takes a bit at least, and stands for 32 × 32 pixels at most.
const MOST_PIXELS_A_BYTE: u64 = 8 * 32 * 32;

/// What the frame header says.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Frame {
    bits: u8,
    height: usize,
    width: usize,
    components: u8,
}

/// The image in a JPEG file.
pub(super) fn decode(path: &Path, content: &[u8]) -> Result<Image, DataError> {
    let of_image = |fault: Fault| of_image(fault, path, FORMAT);
    let frame = frame(content).map_err(of_image)?;
    let colours = |colours: String| DataError::Colours { path: path.to_owned(), colours };
    let channels = match (frame.bits, frame.components) {
        (8, 1) => 1,
        (8, 3) => 3,
        (8, 4) => return Err(colours("CMYK colours".to_owned())),
        (bits, components) => {
            return Err(colours(format!("{components} channels of {bits} bits")));
        }
    };
    let (height, width) = (frame.height, frame.width);
    // Coefficients, samples and values of three channels.
    check_size(path, [height, width], 3 * (2 + 1 + size_of::<f32>() as u64))?;
    let pixels = (height * width) as u64;
    if pixels == 0 || pixels > (content.len() as u64).saturating_mul(MOST_PIXELS_A_BYTE) {
        let reason = format!("it has no or too few bytes for {width} × {height} pixels");
        return Err(of_image(reason.into()));
    }
    let count = channels * height * width;
    let mut samples = reserve(count).map_err(of_image)?;
    samples.resize(count, 0);
    let kept = if channels == 1 { ColorSpace::Luma } else { ColorSpace::RGB };
    let side = usize::from(u16::MAX);
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(side)
        .set_max_height(side)
        .jpeg_set_out_colorspace(kept);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(content), options);
    decoder.decode_headers().map_err(|error| of_image(fault(&error)))?;
    if decoder.output_buffer_size() != Some(count) {
        return Err(of_image("it has more than one frame".into()));
    }
    decoder.decode_into(&mut samples).map_err(|error| of_image(fault(&error)))?;
    let mut values = reserve(count).map_err(of_image)?;
    for channel in 0..channels {
        let samples = samples[channel..].iter().step_by(channels);
        values.extend(samples.map(|sample| f32::from(*sample) / 255.0));
    }
    Ok(Image { values, channels, height, width })
}

/// Walks from marker to marker to the end of the image, which must be there: the decoder fills up what is missing.
fn frame(content: &[u8]) -> Result<Frame, Fault> {
    let cut = || Fault::from("it is cut short");
    let mut frame = None;
    let mut rest = &content[2..];
    loop {
        // The next marker. Within a scan, 0 stands behind every byte 255 of the data, and the markers 208 to 215
        // are part of it.
        let is_marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xd0..=0xd7 | 0xff);
        let at = rest.windows(2).position(is_marker).ok_or_else(cut)?;
        let marker = rest[at + 1];
        rest = &rest[at + 2..];
        match marker {
            0xd9 => return frame.ok_or_else(|| "it has no frame".into()),
            // These have no length.
            0x01 | 0xd8 => continue,
            _ => {}
        }
        let (length, _) = rest.split_first_chunk().ok_or_else(cut)?;
        let segment = rest.get(2..usize::from(u16::from_be_bytes(*length))).ok_or_else(cut)?;
        rest = &rest[2 + segment.len()..];
        if matches!(marker, 0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf) {
            return Err("it is coded without loss or arithmetically, which is not read".into());
        }
        if let (0xc0..=0xc2, None) = (marker, frame) {
            let [bits, h1, h0, w1, w0, components, ..] = *segment else { return Err(cut()) };
            let side = |high, low| usize::from(u16::from_be_bytes([high, low]));
            frame = Some(Frame { bits, height: side(h1, h0), width: side(w1, w0), components });
        }
    }
}

/// What the decoder found.
fn fault(error: &DecodeErrors) -> Fault {
    match error {
        DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_) => "it is cut short".into(),
        DecodeErrors::Format(reason) => reason.trim().to_owned().into(),
        DecodeErrors::FormatStatic(reason) => (*reason).into(),
        error => error.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(content: &[u8]) -> Result<Frame, String> {
        frame(content).map_err(|fault| format!("{fault:?}"))
    }

    #[test]
    fn the_frame_is_found_and_the_end_must_be_there() {
        let soi = [0xff, 0xd8];
        // A thumbnail within a segment, with an end of its own.
        let exif = [0xff, 0xe1, 0, 6, 0xff, 0xd8, 0xff, 0xd9];
        let sof = [0xff, 0xc0, 0, 11, 8, 0, 5, 0, 7, 1, 1, 0x11, 0];
        let scan = [0xff, 0xda, 0, 3, 1, 17, 0xff, 0, 0xff, 0xd0, 33, 0xff, 0xff];
        let whole = [&soi[..], &exif, &sof, &scan, &[0xff, 0xd9]].concat();
        let expected = Frame { bits: 8, height: 5, width: 7, components: 1 };
        assert_eq!(said(&whole), Ok(expected));
        for end in 2..whole.len() {
            assert!(said(&whole[..end]).unwrap_err().contains("cut short"), "{end}");
        }
        let empty = [&soi[..], &exif, &[0xff, 0xd9]].concat();
        assert!(said(&empty).unwrap_err().contains("no frame"));
    }
}
