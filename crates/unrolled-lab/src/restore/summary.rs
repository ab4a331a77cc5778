//! What came out of `unrolled denoise`.

use super::Restore;
use crate::words::duration;

/// What came out.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// Images.
    pub images: usize,
    /// Seconds.
    pub seconds: f64,
}

impl Summary {
    /// In a line.
    pub fn describe(&self, request: &Restore) -> String {
        let images = if self.images == 1 { "image" } else { "images" };
        format!("{} {images} in {}: {}", self.images, duration(self.seconds), request.out.display())
    }
}
