//! What is read of the figures of a run; the names are those of the contract.

use serde::{Deserialize, Deserializer};

use crate::Error;
use crate::report::{Finished, ReportedRun};

/// The figures of a run that came to its end.
#[derive(Deserialize)]
pub(super) struct Stored {
    pub steps: u64,
    pub parameters: u64,
    pub seconds: f64,
    /// Nothing where no images were named to test on.
    pub test: Option<Tested>,
}

/// What the test images gave: means, and each.
#[derive(Deserialize)]
pub(super) struct Tested {
    /// σ on 0–255.
    pub noise: f64,
    /// "best" on the images to validate on, or "last".
    pub network: String,
    #[serde(flatten)]
    pub mean: Scores,
    pub images: Vec<Scored>,
}

/// An image, and how well it came out.
#[derive(Deserialize)]
pub(super) struct Scored {
    pub name: String,
    #[serde(flatten)]
    pub scores: Scores,
}

/// Figures of an image, or means; nothing where one is not finite, as the PSNR of a noisy image without noise.
#[derive(Clone, Copy, Deserialize)]
pub(super) struct Scores {
    /// With the peak 1, in dB.
    #[serde(deserialize_with = "finite")]
    pub psnr: Option<f64>,
    /// With the maximum of the clean image as the peak.
    #[serde(deserialize_with = "finite")]
    pub psnr_reference: Option<f64>,
    #[serde(deserialize_with = "finite")]
    pub psnr_noisy: Option<f64>,
    #[serde(deserialize_with = "finite")]
    pub ssim: Option<f64>,
}

/// A number or null, but something.
fn finite<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Option::deserialize(deserializer)
}

/// Why a run did not come to its end, where it did not.
#[derive(Deserialize)]
struct Failure {
    failed: Option<String>,
}

/// The figures of a run, or why it has none.
pub(super) fn read(found: &Finished, run: &ReportedRun) -> Result<Result<Stored, String>, Error> {
    if let Failure { failed: Some(why) } = found.figures(run)? {
        let prefix = format!("run `{}`: ", run.name);
        return Ok(Err(why.strip_prefix(&prefix).unwrap_or(&why).to_owned()));
    }
    let stored: Stored = found.figures(run)?;
    if stored.test.as_ref().is_some_and(|test| test.images.is_empty()) {
        return Err(found.damaged(&format!("`runs.{}.test.images` is empty", run.name)));
    }
    Ok(Ok(stored))
}
