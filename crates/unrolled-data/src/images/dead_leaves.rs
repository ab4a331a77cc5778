//! The dead-leaves model: discs that cover each other, in place of photographs.

use unrolled::random::Stream;

use super::{Channels, Image};

/// The radius of the smallest leaf, in pixels.
const LEAST: f64 = 2.0;
/// How far a leaf's colours are apart from its grey, at most.
const TINT: f64 = 0.15;
/// How much lighter or darker a leaf is at its rim than in the middle, at most.
const SHADE: f64 = 0.1;

struct Leaf {
    row: f64,
    column: f64,
    radius: f64,
    /// In the middle.
    colours: [f64; 3],
    /// From pixel to pixel, down and to the right.
    slope: [f64; 2],
}

impl Leaf {
    fn draw([height, width]: [usize; 2], channels: Channels, stream: &mut Stream) -> Self {
        let most = (height.min(width) as f64 / 3.0).max(2.0 * LEAST);
        // Density ∝ r⁻³ between the two: leaves of every scale cover the same share of the image.
        let share = 1.0 - (LEAST / most) * (LEAST / most);
        let radius = LEAST / (1.0 - share * stream.uniform()).sqrt();
        let mut along = |side: usize| stream.uniform_between(-most, side as f64 + most);
        let (row, column) = (along(height), along(width));
        let grey = stream.uniform();
        let colours = match channels {
            Channels::Grey => [grey; 3],
            Channels::Colour => [(); 3].map(|()| grey + stream.uniform_between(-TINT, TINT)),
        };
        let slope = [(); 2].map(|()| stream.uniform_between(-SHADE, SHADE) / radius);
        Self { row, column, radius, colours, slope }
    }

    /// The pixels along one side that are within `reach` of `centre`.
    fn span(centre: f64, reach: f64, side: usize) -> std::ops::Range<usize> {
        // As an integer, what is below 0 is 0.
        (centre - reach).ceil() as usize..side.min((centre + reach + 1.0).floor() as usize)
    }
}

/// Image `index` of the dead-leaves model: discs of random place and grey value, each a little lighter to one side, with
/// radii r of a density ∝ r⁻³ from 2 pixels to a third of the shorter side, cover each other until no pixel is bare.
///
/// As in photographs, objects of all sizes hide each other behind sharp edges. The same on every machine.
///
/// # Panics
/// When a side is 0.
pub fn dead_leaves(seed: u64, index: u64, shape: [usize; 2], channels: Channels) -> Image {
    let [height, width] = shape;
    let size = height * width;
    assert!(size > 0, "an image has pixels");
    let mut stream = Stream::new(seed, "data/dead-leaves", index);
    let count = channels.count();
    let mut values = vec![0.0; count * size];
    let mut bare = vec![true; size];
    let mut left = size;
    // From the top leaf down: what is covered stays.
    while left > 0 {
        let leaf = Leaf::draw(shape, channels, &mut stream);
        for row in Leaf::span(leaf.row, leaf.radius, height) {
            let down = row as f64 - leaf.row;
            let reach = (leaf.radius * leaf.radius - down * down).max(0.0).sqrt();
            for column in Leaf::span(leaf.column, reach, width) {
                let pixel = row * width + column;
                if std::mem::replace(&mut bare[pixel], false) {
                    left -= 1;
                    let right = column as f64 - leaf.column;
                    let shade = leaf.slope[0] * down + leaf.slope[1] * right;
                    for channel in 0..count {
                        let value = (leaf.colours[channel] + shade).clamp(0.0, 1.0);
                        values[channel * size + pixel] = value as f32;
                    }
                }
            }
        }
    }
    Image { values, channels: count, height, width }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_values_never_change() {
        let sum = |channels| {
            let image = dead_leaves(39, 7, [24, 40], channels);
            assert_eq!((image.height, image.width), (24, 40));
            let bits = image.values.iter().map(|v| v.to_bits());
            bits.fold(0u32, |sum, bits| sum.rotate_left(5).wrapping_add(bits))
        };
        assert_eq!((sum(Channels::Grey), sum(Channels::Colour)), (2_079_764_800, 3_251_800_129));
    }

    #[test]
    fn images_differ_and_their_leaves_are_of_all_sizes() {
        let [a, b, c] = [(1, 0), (1, 1), (2, 0)]
            .map(|(seed, index)| dead_leaves(seed, index, [128, 128], Channels::Grey));
        assert!(a != b && a != c && b != c);
        for image in [a, b, c] {
            assert!(image.values.iter().all(|v| (0.0..=1.0).contains(v)));
            let n = image.values.len() as f32;
            let mean = image.values.iter().sum::<f32>() / n;
            let variance = image.values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n;
            assert!((0.3..0.7).contains(&mean) && (0.04..0.14).contains(&variance));
            // Neighbours are mostly of one leaf, and now and then of two.
            let jumps = image.values.chunks(128).flat_map(|row| row.windows(2));
            let share = jumps.filter(|pair| (pair[0] - pair[1]).abs() > 0.1).count() as f32 / n;
            assert!((0.03..0.3).contains(&share), "{share}");
        }
        // Thin images too, and colours that are not grey.
        assert_eq!(dead_leaves(1, 0, [1, 1], Channels::Grey).values.len(), 1);
        let colour = dead_leaves(1, 0, [3, 500], Channels::Colour);
        assert_ne!(colour.values[..1500], colour.values[1500..3000]);
    }
}
