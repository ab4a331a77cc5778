//! PNG.

use std::io::Cursor;
use std::path::Path;

use png::{BitDepth, ColorType, DecodingError, Transformations};

use super::Image;
use super::read::{check_size, of_image};
use crate::DataError;
use crate::fault::Fault;
use crate::memory::{MOST_INFLATED, reserve};

const FORMAT: &str = "PNG";

/// The image in a PNG file.
pub(super) fn decode(path: &Path, content: &[u8]) -> Result<Image, DataError> {
    let wrong = |error: DecodingError| of_image(fault(error), path, FORMAT);
    let malformed = |reason: &str| of_image(reason.into(), path, FORMAT);
    let mut decoder = png::Decoder::new(Cursor::new(content));
    // A palette becomes colours, and 1, 2 and 4 bits become 8.
    decoder.set_transformations(Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let header = decoder.read_header_info().map_err(wrong)?;
    let (height, width) = (header.height as usize, header.width as usize);
    // Its samples, of which there can be four of 16 bits, and the image's values.
    check_size(path, [height, width], 8 + 3 * size_of::<f32>() as u64)?;
    // What is not there takes no memory.
    let raw = (header.raw_row_length() as u64).saturating_mul(height as u64);
    if raw > (content.len() as u64).saturating_mul(MOST_INFLATED) {
        return Err(malformed("it is cut short"));
    }
    let mut reader = decoder.read_info().map_err(wrong)?;
    let size = reader.output_buffer_size().unwrap_or(usize::MAX);
    let mut samples = reserve(size).map_err(|fault| of_image(fault, path, FORMAT))?;
    samples.resize(size, 0);
    let frame = reader.next_frame(&mut samples).map_err(wrong)?;
    if (frame.height as usize, frame.width as usize) != (height, width) {
        return Err(malformed("its first picture is smaller than the header says"));
    }
    reader.finish().map_err(wrong)?;

    let depth = match frame.bit_depth {
        BitDepth::Sixteen => 2,
        _ => 1,
    };
    let (colours, has_alpha) = match frame.color_type {
        ColorType::Grayscale => (1, false),
        ColorType::GrayscaleAlpha => (1, true),
        ColorType::Rgb => (3, false),
        ColorType::Rgba => (3, true),
        ColorType::Indexed => return Err(malformed("its palette is missing")),
    };
    let pixels = || samples.chunks_exact((colours + usize::from(has_alpha)) * depth);
    let opaque = |pixel: &[u8]| pixel[colours * depth..].iter().all(|byte| *byte == u8::MAX);
    if has_alpha && !pixels().all(opaque) {
        return Err(DataError::Translucent { path: path.to_owned() });
    }
    let count = colours * height * width;
    let mut values = reserve(count).map_err(|fault| of_image(fault, path, FORMAT))?;
    for colour in 0..colours {
        match depth {
            1 => values.extend(pixels().map(|pixel| f32::from(pixel[colour]) / 255.0)),
            _ => values.extend(pixels().map(|pixel| {
                f32::from(u16::from_be_bytes([pixel[2 * colour], pixel[2 * colour + 1]])) / 65535.0
            })),
        }
    }
    Ok(Image { values, channels: colours, height, width })
}

/// What the decoder found.
fn fault(error: DecodingError) -> Fault {
    match error {
        DecodingError::IoError(error) => error.into(),
        DecodingError::LimitsExceeded => "a row of it is too long".into(),
        error => error.to_string().into(),
    }
}

/// A PNG of 8 bits, values below 0 as 0 and above 1 as 1.
///
/// # Panics
/// When the image has no pixels, or not as many values as its shape says.
pub fn write_png(image: &Image) -> Vec<u8> {
    let size = image.height * image.width;
    assert_eq!(image.values.len(), image.channels * size, "as many values as the shape says");
    let byte = |value: f32| (255.0 * value.clamp(0.0, 1.0)).round() as u8;
    let pixels: Vec<u8> = (0..size)
        .flat_map(|pixel| (0..image.channels).map(move |channel| channel * size + pixel))
        .map(|index| byte(image.values[index]))
        .collect();
    let side = |count: usize| u32::try_from(count).expect("a side of an image has 32 bits");
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side(image.width), side(image.height));
    encoder.set_color(if image.channels == 1 { ColorType::Grayscale } else { ColorType::Rgb });
    encoder.set_depth(BitDepth::Eight);
    let mut writer = encoder.write_header().expect("an image has pixels");
    writer.write_image_data(&pixels).expect("there are as many pixels as the size says");
    drop(writer);
    bytes
}
