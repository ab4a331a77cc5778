//! What came out, in a sentence or two.

use super::{Restoration, Words, decibels, gain, similarity, tested_alike};
use crate::report::table::{number, unbroken};
use crate::report::{failures, finding};

/// Runs that are tested in more ways than this are left to the table.
const MOST: usize = 6;

/// The sentences.
pub(super) fn of(runs: &[Restoration]) -> String {
    let failed =
        runs.iter().filter_map(|run| Some((run.run, run.outcome.as_ref().err()?.as_str())));
    finding(&[failures(failed), judgement(runs)])
}

fn judgement(runs: &[Restoration]) -> String {
    let groups = tested_alike(runs);
    if groups.is_empty() {
        return match runs.iter().any(|run| run.outcome.is_ok()) {
            true => {
                "<p>No images were named to test on with <code>data.test</code>.</p>\n".to_owned()
            }
            false => String::new(),
        };
    }
    let mut text = match groups.len() {
        1 => String::new(),
        _ => "<p>The runs are not all tested on the same images with the same noise and measurement: only figures of \
              the same test compare.</p>\n"
            .to_owned(),
    };
    if groups.len() <= MOST {
        text.extend(groups.iter().map(|group| sentence(group)));
    }
    text
}

/// σ, without a fraction where it has none.
fn level(noise: f64) -> String {
    match noise.fract() == 0.0 && noise.abs() < 1e5 {
        true => noise.to_string(),
        false => number(noise),
    }
}

/// Of runs that are tested alike.
fn sentence(runs: &[&Restoration]) -> String {
    let figures = |run: &Restoration| Some(run.tested()?.mean);
    let best = |of: fn(&super::Scores) -> Option<f64>| {
        let scored = runs.iter().filter_map(|run| Some((*run, of(&figures(run)?)?)));
        scored.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(run, _)| run)
    };
    let (Some(first), Some(last)) = (best(|scores| scores.psnr), best(|scores| scores.ssim)) else {
        return String::new();
    };
    let (Some(test), Some(scores)) = (first.tested(), figures(first)) else {
        return String::new();
    };
    let given = Words::of(runs).given;
    let images = match test.images.len() {
        1 => "the test image".to_owned(),
        count => format!("{count} test images"),
    };
    let noise = unbroken(&format!("σ = {}", level(test.noise)));
    let psnr = unbroken(&format!("{} dB", decibels(scores.psnr)));
    let name = match runs.len() {
        1 => format!("The mean PSNR on {images} with noise of {noise} is {psnr}"),
        _ => format!(
            "The highest mean PSNR on {images} with noise of {noise} is that of <b>{}</b>, {psnr}",
            first.label()
        ),
    };
    let above = gain(&scores).map(|gain| {
        let side = if gain < 0.0 { "below" } else { "above" };
        let size = unbroken(&format!("{} dB", decibels(Some(gain.abs()))));
        format!(": {size} {side} the {given} images")
    });
    let ssim = similarity(scores.ssim);
    let ssim = match std::ptr::eq(first, last) {
        true => format!("Its mean SSIM is {ssim}"),
        false => format!(
            "Its mean SSIM is {ssim}; the highest is that of <b>{}</b>, {}",
            last.label(),
            similarity(figures(last).and_then(|scores| scores.ssim))
        ),
    };
    let ssim = if runs.len() == 1 { ssim.replacen("Its", "The", 1) } else { ssim };
    format!("<p>{name}{}. {ssim}.</p>\n", above.unwrap_or_default())
}
