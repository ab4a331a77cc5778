//! The place of an image that is most textured.

use unrolled_data::Image;

/// How much each pixel differs from those after it in its row and its column, over all channels: a sum over all pixels
/// above and left of each place. A lone edge counts little, a texture much.
struct Differences {
    width: usize,
    sums: Vec<f64>,
}

impl Differences {
    fn of(image: &Image) -> Self {
        let Image { height, width, channels, .. } = *image;
        let mut sums = vec![0.0; (height + 1) * (width + 1)];
        let at = |channel: usize, y: usize, x: usize| {
            let (y, x) = (y.min(height - 1), x.min(width - 1));
            f64::from(image.values[(channel * height + y) * width + x])
        };
        for y in 0..height {
            let mut row = 0.0;
            for x in 0..width {
                let difference = |channel: usize| {
                    let value = at(channel, y, x);
                    (at(channel, y + 1, x) - value).abs() + (at(channel, y, x + 1) - value).abs()
                };
                row += (0..channels).map(difference).sum::<f64>();
                sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1] + row;
            }
        }
        Self { width: width + 1, sums }
    }

    fn over(&self, [top, left]: [usize; 2], [height, width]: [usize; 2]) -> f64 {
        let at = |y: usize, x: usize| self.sums[y * self.width + x];
        let (bottom, right) = (top + height, left + width);
        at(bottom, right) - at(top, right) - at(bottom, left) + at(top, left)
    }
}

/// Top and left of the part of a size whose neighbouring pixels differ most: the first of them. The image is as large as
/// the part, or larger.
pub(super) fn most_textured(image: &Image, size: [usize; 2]) -> [usize; 2] {
    let differences = Differences::of(image);
    let mut best = ([0, 0], f64::NEG_INFINITY);
    for top in 0..=image.height - size[0] {
        for left in 0..=image.width - size[1] {
            let found = differences.over([top, left], size);
            if found > best.1 {
                best = ([top, left], found);
            }
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_texture_is_found_beside_a_strong_edge() {
        let mut values = vec![0.25; 2 * 20 * 30];
        for (y, x) in (0..20).flat_map(|y| (20..30).map(move |x| (y, x))) {
            values[y * 30 + x] = 1.0;
        }
        for (y, x) in (7..12).flat_map(|y| (10..15).map(move |x| (y, x))) {
            values[600 + y * 30 + x] = ((y + x) % 2) as f32;
        }
        let image = Image { values, channels: 2, height: 20, width: 30 };
        assert_eq!(most_textured(&image, [6, 6]), [6, 9]);
        assert_eq!(most_textured(&image, [20, 30]), [0, 0]);
    }
}
