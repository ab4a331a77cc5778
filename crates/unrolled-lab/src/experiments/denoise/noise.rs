//! Noise and masks: of a training step, or of an image, from the seed alone.

use burn::tensor::{Device, Tensor, TensorData};
use unrolled::random::Stream;

/// Adds noise of a standard deviation to values, from the stream of a purpose and an index.
pub(super) fn add_noise(values: &mut [f64], level: f64, seed: u64, purpose: &str, index: u64) {
    if level > 0.0 {
        let mut stream = Stream::new(seed, purpose, index);
        values.iter_mut().for_each(|value| *value += level * stream.normal());
    }
}

/// 1 for pixels that are kept and 0 for others, `[1, c·H·W]`: the same in every channel.
pub(super) fn mask(
    [channels, height, width]: [usize; 3],
    keep: f64,
    (seed, purpose, index): (u64, &str, u64),
    device: &Device,
) -> Tensor<2> {
    let mut stream = Stream::new(seed, purpose, index);
    let pixels: Vec<f32> =
        (0..height * width).map(|_| f32::from(u8::from(stream.uniform() < keep))).collect();
    let count = channels * pixels.len();
    Tensor::from_data(TensorData::new(pixels.repeat(channels), [1, count]), device)
}
