//! Images in parts that overlap by as far as a network sees, so that nothing changes.

use std::ops::Range;

use unrolled::prelude::Views;

use super::model::Model;
use crate::Error;
use crate::experiments::denoise::{Blueprint, offset};

/// Arrays of codes that are held at a time.
const ARRAYS: u64 = 8;
/// Smaller parts are mostly overlap.
const LEAST_SIDE: usize = 32;

/// How an image is cut.
pub(super) struct Tiles {
    size: [usize; 2],
    /// For both axes: the pixels of each part that count, and those that it is given.
    axes: [Vec<Part>; 2],
}

#[derive(Clone, Debug, PartialEq)]
struct Part {
    core: Range<usize>,
    given: Range<usize>,
}

/// Pixels by which a value of the output depends on its surroundings: each of T iterations looks at the filters that
/// overlap one, and the decoder at those that reach a pixel: T (h − 1) on every side.
fn reach(blueprint: &Blueprint, axis: usize) -> usize {
    let sections = blueprint.sections;
    sections.encoder.encoder.iterations.saturating_mul(sections.dictionary.size[axis] - 1)
}

/// The parts of an axis. All begin at a multiple of the stride, so that the filters lie where they lie in the whole image,
/// and are long enough that the reflection at an end of the image is the image's.
fn parts(blueprint: &Blueprint, axis: usize, pixels: usize, side: usize) -> Vec<Part> {
    let sections = blueprint.sections;
    let stride = sections.dictionary.stride;
    let margin = reach(blueprint, axis).min(pixels).next_multiple_of(stride);
    let side = side.clamp(1, pixels).next_multiple_of(stride);
    let around = sections.encoder.border + sections.encoder.split + stride;
    let least = (sections.dictionary.size[axis] + 2 * around).min(pixels);
    let part = |from: usize| {
        let core = from..(from + side).min(pixels);
        let to = (core.end + margin).min(pixels);
        let begin =
            core.start.saturating_sub(margin).min((to.saturating_sub(least)) / stride * stride);
        Part { core, given: begin..to.max((begin + least).min(pixels)) }
    };
    (0..pixels).step_by(side).map(part).collect()
}

/// Bytes for an image, or for the largest of its parts.
pub(super) fn bytes_of(blueprint: &Blueprint, size: [usize; 2], side: Option<usize>) -> u64 {
    let tiles = Tiles::new(blueprint, size, side);
    let longest = |axis: usize| {
        let given = tiles.axes[axis].iter().map(|part| part.given.len());
        given.max().unwrap_or_default()
    };
    let views: Views = blueprint.views([longest(0), longest(1)]);
    let [height, width] = views.padded();
    let dictionary = &blueprint.sections.dictionary;
    let map = |padded: usize, filter: usize| ((padded - filter) / dictionary.stride + 1) as u64;
    let codes =
        dictionary.atoms as u64 * map(height, dictionary.size[0]) * map(width, dictionary.size[1]);
    let pixels = (blueprint.channels() * height * width) as u64;
    let numbers = ARRAYS.saturating_mul(codes + pixels).saturating_mul(views.copies() as u64);
    numbers.saturating_mul(blueprint.precision.bytes() as u64)
}

/// Pixels on a side of the largest parts for which there is memory; `None` for the whole image.
pub(super) fn side_for(blueprint: &Blueprint, size: [usize; 2], usable: u64) -> Option<usize> {
    let mut side = None;
    let mut next = size[0].max(size[1]);
    while bytes_of(blueprint, size, side) > usable && next > LEAST_SIDE {
        next = (next / 2).max(LEAST_SIDE);
        side = Some(next);
    }
    side
}

impl Tiles {
    /// Of an image of a height and a width, into parts of so many pixels on a side.
    pub fn new(blueprint: &Blueprint, size: [usize; 2], side: Option<usize>) -> Self {
        let axes = [0, 1].map(|axis| match side {
            Some(side) => parts(blueprint, axis, size[axis], side),
            None => vec![Part { core: 0..size[axis], given: 0..size[axis] }],
        });
        Self { size, axes }
    }

    /// The image without its noise, of level σ; after each part `done` is told how many pixels it had, and can end the
    /// work.
    pub fn restore(
        &self,
        model: &Model,
        noisy: &[f64],
        level: f64,
        done: &mut dyn FnMut(usize) -> Result<(), Error>,
    ) -> Result<Vec<f64>, Error> {
        let [height, width] = self.size;
        let offset = offset(&model.blueprint(), noisy);
        if let ([_], [_]) = (&self.axes[0][..], &self.axes[1][..]) {
            let restored = model.restore(noisy, self.size, level, offset);
            done(height * width)?;
            return Ok(restored);
        }
        let channels = noisy.len() / (height * width);
        let mut restored = vec![0.0; noisy.len()];
        for down in &self.axes[0] {
            for across in &self.axes[1] {
                let place = |channel: usize, row: usize| (channel * height + row) * width;
                let mut part = Vec::new();
                for channel in 0..channels {
                    for row in down.given.clone() {
                        let at = place(channel, row);
                        part.extend(&noisy[at + across.given.start..at + across.given.end]);
                    }
                }
                let size = [down.given.len(), across.given.len()];
                let part = model.restore(&part, size, level, offset);
                let skipped = across.core.start - across.given.start;
                for channel in 0..channels {
                    for row in down.core.clone() {
                        let to = place(channel, row) + across.core.start;
                        let row = channel * size[0] + row - down.given.start;
                        let from = row * size[1] + skipped;
                        let count = across.core.len();
                        restored[to..to + count].copy_from_slice(&part[from..from + count]);
                    }
                }
                done(down.core.len() * across.core.len())?;
            }
        }
        Ok(restored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unrolled::random::Stream;

    /// The most by which an image in parts differs from the whole.
    fn difference(keys: &str, size: [usize; 2], side: usize) -> f64 {
        let text = format!(
            "experiment = \"denoise\"\ntrain.steps = 0\ndictionary = {{ atoms = 5, size = [4, 5], stride = 3 }}\n{keys}"
        );
        let model = Model::untrained(&text);
        let count = model.blueprint().channels() * size[0] * size[1];
        let mut stream = Stream::new(2, "image", 0);
        let noisy: Vec<f64> = (0..count).map(|_| stream.uniform()).collect();
        let restored = |side| {
            let tiles = Tiles::new(&model.blueprint(), size, side);
            let mut pixels = 0;
            let restored = tiles.restore(&model, &noisy, 0.1, &mut |count| {
                pixels += count;
                Ok(())
            });
            assert_eq!(pixels, size[0] * size[1]);
            restored.expect("nobody stops it")
        };
        let pairs = restored(None).into_iter().zip(restored(Some(side)));
        pairs.fold(0.0, |most: f64, (a, b)| most.max((a - b).abs()))
    }

    #[test]
    fn an_image_in_parts_is_the_image() {
        let encoders = [
            "encoder = { iterations = 3, prox = { penalty = 0.3 } }",
            "encoder = { iterations = 2, border = 7, untied = \"per-iteration\", prox.penalty = 0.3 }",
            "encoder = { iterations = 3, split = 3, border = 2, prox.penalty = 0.3 }",
            "encoder = { kind = \"fista\", iterations = 4, border = 1, prox.penalty = 0.3 }",
            "encoder = { iterations = 0 }",
        ];
        for encoder in encoders {
            for (size, side) in [([50, 61], 16), ([23, 90], 1), ([64, 30], 31), ([12, 13], 5)] {
                let found = difference(encoder, size, side);
                assert!(found < 1e-10, "{encoder} {size:?} {side}: {found}");
                let more =
                    "precision = \"float32\"\ndata = { channels = \"colour\", remove = \"mean\" }";
                let found = difference(&format!("{encoder}\n{more}"), size, side);
                assert!(found < 1e-5, "{encoder} {size:?} {side}: {found}");
            }
        }
    }

    #[test]
    fn parts_overlap_by_the_reach_of_the_network() {
        let text = "experiment = \"denoise\"\ntrain.steps = 0\ndictionary.size = [9, 9]\nencoder.iterations = 15\n";
        let model = Model::untrained(text);
        assert_eq!(reach(&model.blueprint(), 0), 120);
        let parts = parts(&model.blueprint(), 0, 500, 200);
        let given: Vec<_> = parts.iter().map(|part| part.given.clone()).collect();
        assert_eq!(given, [0..320, 80..500, 280..500]);
    }

    #[test]
    fn a_pixel_less_of_overlap_would_show() {
        let text = "experiment = \"denoise\"\ntrain.steps = 0\ndictionary = { atoms = 3, size = [3, 3], stride = 1 }\n\
                    encoder = { iterations = 2, prox.penalty = 0.0 }\n";
        let model = Model::untrained(text);
        let noisy: Vec<f64> = (0..30 * 30).map(|at| f64::from(at * at % 97) / 97.0).collect();
        let restored = |tiles: &Tiles| {
            tiles.restore(&model, &noisy, 0.1, &mut |_| Ok(())).expect("nobody stops it")
        };
        let whole = restored(&Tiles::new(&model.blueprint(), [30, 30], None));
        for (begin, end) in [(0, 0), (1, 0), (0, 1)] {
            let mut tiles = Tiles::new(&model.blueprint(), [30, 30], Some(15));
            tiles.axes[0][0].given.end -= end;
            tiles.axes[0][1].given.start += begin;
            let found = restored(&tiles);
            let most = whole.iter().zip(&found).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs()));
            assert_eq!(most > 1e-10, begin + end > 0, "{begin} {end}: {most}");
        }
    }

    #[test]
    fn an_image_is_cut_where_the_memory_asks_for_it() {
        let text = "experiment = \"denoise\"\ntrain.steps = 0\nencoder.iterations = 2\n";
        let model = Model::untrained(text);
        let blueprint = model.blueprint();
        let whole = bytes_of(&blueprint, [1000, 800], None);
        assert_eq!(side_for(&blueprint, [1000, 800], whole), None);
        let side = side_for(&blueprint, [1000, 800], whole / 5);
        assert_eq!(side, Some(250));
        assert!(bytes_of(&blueprint, [1000, 800], side) <= whole / 5);
        assert_eq!(side_for(&blueprint, [1000, 800], 1), Some(LEAST_SIDE));
    }
}
