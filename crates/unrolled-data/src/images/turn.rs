//! Parts of images, and images turned and mirrored.

use super::Image;

impl Image {
    /// The part of `[height, width]` whose first row is `top` and whose first column is `left`.
    ///
    /// # Panics
    /// When it does not lie within the image.
    pub fn crop(&self, top: usize, left: usize, [height, width]: [usize; 2]) -> Self {
        let within = |from: usize, count: usize, all: usize| {
            from.checked_add(count).is_some_and(|end| end <= all)
        };
        assert!(
            within(top, height, self.height) && within(left, width, self.width),
            "{height} × {width} from ({top}, {left}) is not within {} × {}",
            self.height,
            self.width
        );
        let mut values = Vec::with_capacity(self.channels * height * width);
        for channel in 0..self.channels {
            for row in top..top + height {
                let from = (channel * self.height + row) * self.width + left;
                values.extend_from_slice(&self.values[from..from + width]);
            }
        }
        Self { values, channels: self.channels, height, width }
    }

    /// One of the eight ways a square lies upon itself: mirrored left to right or not, then turned counter-clockwise
    /// by quarters (4 is as 0).
    pub fn turned(&self, quarter_turns: usize, mirrored: bool) -> Self {
        let quarter_turns = quarter_turns % 4;
        let (h, w) = (self.height, self.width);
        let (height, width) = if quarter_turns.is_multiple_of(2) { (h, w) } else { (w, h) };
        let mut values = Vec::with_capacity(self.values.len());
        for channel in 0..self.channels {
            for row in 0..height {
                for column in 0..width {
                    // Where it was before it was turned, and before it was mirrored.
                    let (y, x) = match quarter_turns {
                        0 => (row, column),
                        1 => (column, w - 1 - row),
                        2 => (h - 1 - row, w - 1 - column),
                        _ => (h - 1 - column, row),
                    };
                    let x = if mirrored { w - 1 - x } else { x };
                    values.push(self.values[(channel * h + y) * w + x]);
                }
            }
        }
        Self { values, channels: self.channels, height, width }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(channels: usize, height: usize, width: usize) -> Image {
        let values = (0..channels * height * width).map(|v| v as f32).collect();
        Image { values, channels, height, width }
    }

    #[test]
    fn a_part_has_the_pixels_of_every_channel() {
        let part = counted(3, 3, 4).crop(1, 2, [2, 2]);
        assert_eq!((part.channels, part.height, part.width), (3, 2, 2));
        assert_eq!(part.values[..4], [6.0, 7.0, 10.0, 11.0]);
        assert_eq!(part.values[8..], [30.0, 31.0, 34.0, 35.0]);
        assert_eq!(counted(1, 3, 4).crop(0, 0, [3, 4]), counted(1, 3, 4));
    }

    #[test]
    #[should_panic(expected = "2 × 2 from (2, 0) is not within 3 × 4")]
    fn a_part_beyond_the_image_is_none() {
        counted(1, 3, 4).crop(2, 0, [2, 2]);
    }

    #[test]
    fn quarters_and_mirrors_give_eight_images() {
        let image = counted(1, 2, 3);
        assert_eq!(image.turned(0, true).values, [2.0, 1.0, 0.0, 5.0, 4.0, 3.0]);
        let quarter = image.turned(1, false);
        assert_eq!((quarter.height, quarter.width), (3, 2));
        assert_eq!(quarter.values, [2.0, 5.0, 1.0, 4.0, 0.0, 3.0]);
        for mirrored in [false, true] {
            let mut turned = image.turned(0, mirrored);
            for quarters in 0..4 {
                assert_eq!(image.turned(quarters, mirrored), turned, "{quarters} {mirrored}");
                turned = turned.turned(1, false);
            }
            assert_eq!(turned, image.turned(4, mirrored));
        }
        let image = counted(3, 4, 4);
        let mut all: Vec<_> =
            (0..8).map(|way| format!("{:?}", image.turned(way % 4, way >= 4).values)).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 8);
        assert_eq!(image.turned(3, true).turned(3, true), image);
    }
}
