//! PNG files of every colour type and depth, with and without alpha.

use png::{BitDepth, ColorType};

use crate::read;

const SHAPE: [usize; 2] = [5, 7];

/// A PNG of 5 × 7 with these samples, channel beside channel.
fn png(colour: ColorType, depth: BitDepth, samples: &[u16], trns: Option<&[u8]>) -> Vec<u8> {
    let bits = depth as usize;
    let mut data = Vec::new();
    for row in samples.chunks_exact(SHAPE[1] * colour.samples()) {
        match bits {
            16 => data.extend(row.iter().flat_map(|sample| sample.to_be_bytes())),
            // Packed into bytes, the first sample in the highest bits.
            bits => data.extend(row.chunks(8 / bits).map(|part| {
                let packed = part.iter().fold(0, |byte, sample| byte << bits | sample);
                (packed << (bits * (8 / bits - part.len()))) as u8
            })),
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SHAPE[1] as u32, SHAPE[0] as u32);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if colour == ColorType::Indexed {
        encoder.set_palette((0..1 << bits).flat_map(palette).collect::<Vec<u8>>());
    }
    if let Some(trns) = trns {
        encoder.set_trns(trns.to_vec());
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&data).unwrap();
    drop(writer);
    bytes
}

fn palette(index: usize) -> [u8; 3] {
    [index as u8, 255 - index as u8, (3 * index % 256) as u8]
}

/// Samples that use all bits.
fn samples(count: usize, bits: u32) -> Vec<u16> {
    (0..count as u32).map(|i| ((i * i * 40_503 + 12_345 * i + 7) % (1 << bits)) as u16).collect()
}

#[test]
fn every_colour_type_and_depth_is_read() {
    use BitDepth::{Eight, Four, One, Sixteen, Two};
    let kinds = [
        (ColorType::Grayscale, &[One, Two, Four, Eight, Sixteen][..]),
        (ColorType::GrayscaleAlpha, &[Eight, Sixteen]),
        (ColorType::Rgb, &[Eight, Sixteen]),
        (ColorType::Rgba, &[Eight, Sixteen]),
        (ColorType::Indexed, &[One, Two, Four, Eight]),
    ];
    for (colour, depths) in kinds {
        for &depth in depths {
            let (beside, most) = (colour.samples(), (1u32 << depth as u32) - 1);
            let mut samples = samples(beside * SHAPE[0] * SHAPE[1], depth as u32);
            if matches!(colour, ColorType::GrayscaleAlpha | ColorType::Rgba) {
                samples.chunks_exact_mut(beside).for_each(|pixel| pixel[beside - 1] = most as u16);
            }
            let image = read(&png(colour, depth, &samples, None)).unwrap();
            let channels = match colour {
                ColorType::Grayscale | ColorType::GrayscaleAlpha => 1,
                _ => 3,
            };
            assert_eq!([image.channels, image.height, image.width], [channels, 5, 7]);
            let expected = (0..channels).flat_map(|channel| {
                samples.chunks_exact(beside).map(move |pixel| match colour {
                    ColorType::Indexed => f32::from(palette(pixel[0].into())[channel]) / 255.0,
                    _ => f32::from(pixel[channel]) / most as f32,
                })
            });
            assert_eq!(image.values, expected.collect::<Vec<_>>(), "{colour:?} {depth:?}");
        }
    }
}

#[test]
fn alpha_that_is_not_opaque_everywhere_is_refused() {
    let refused = "a.png: has an alpha channel that is not opaque everywhere; lay the image on a background and \
                   write it without alpha";
    let count = SHAPE[0] * SHAPE[1];
    for depth in [BitDepth::Eight, BitDepth::Sixteen] {
        for colour in [ColorType::GrayscaleAlpha, ColorType::Rgba] {
            let most = ((1u32 << depth as u32) - 1) as u16;
            let mut samples = vec![most; colour.samples() * count];
            assert!(read(&png(colour, depth, &samples, None)).is_ok());
            *samples.last_mut().unwrap() -= 1;
            assert_eq!(read(&png(colour, depth, &samples, None)).unwrap_err(), refused);
        }
    }
    // A colour, or an entry of the palette, that shows what is behind it, where it is used.
    let grey = |samples: &[u16]| png(ColorType::Grayscale, BitDepth::Eight, samples, Some(&[0, 9]));
    assert_eq!(read(&grey(&vec![9; count])).unwrap_err(), refused);
    assert_eq!(read(&grey(&vec![8; count])).unwrap().channels, 1);
    let trns = [255, 0];
    let indexed = |of| png(ColorType::Indexed, BitDepth::Two, &vec![of; count], Some(&trns));
    assert_eq!(read(&indexed(1)).unwrap_err(), refused);
    assert_eq!(read(&indexed(2)).unwrap().channels, 3);
}
