//! How close an image is to a clean one, and how noisy it is. Images are `[channels, height, width]`, 0 black and 1
//! white.

/// The side of the window of [`ssim`], and the standard deviation of its Gaussian.
const WINDOW: (usize, f64) = (11, 1.5);

/// The peak signal-to-noise ratio in decibels, 10 log₁₀(peak² / mean squared error), infinite where there is no error.
/// The estimate is clamped to [0, 1], the clean image is not.
///
/// # Panics
/// When the two are not of one length.
pub fn psnr(estimate: &[f64], clean: &[f64], peak: f64) -> f64 {
    assert_eq!(estimate.len(), clean.len(), "an estimate has the size of the clean image");
    let squares: f64 =
        estimate.iter().zip(clean).map(|(e, c)| (e.clamp(0.0, 1.0) - c).powi(2)).sum();
    10.0 * (peak * peak * clean.len() as f64 / squares).log10()
}

/// The mean structural similarity of Wang, Bovik, Sheikh and Simoncelli (2004): 1 where the two are equal.
///
/// Means, variances and covariance under a Gaussian window of 11 × 11 (σ = 1.5), with K₁ = 0.01, K₂ = 0.03 and L = 1;
/// averaged over the places where the window lies within the image, and over channels. Where a side is less than 11, the
/// window's sides are the greatest odd number that fits. The estimate is clamped to [0, 1], the clean image is not.
///
/// # Panics
/// When the two do not have this shape, or no pixels.
pub fn ssim(estimate: &[f64], clean: &[f64], channels: usize, shape: [usize; 2]) -> f64 {
    let [height, width] = shape;
    let size = height * width;
    assert!(channels * size > 0, "an image has pixels");
    assert_eq!((estimate.len(), clean.len()), (channels * size, channels * size), "of one shape");
    let window = window(height.min(width));
    let of_channel = |(a, b): (&[f64], &[f64])| {
        let a: Vec<f64> = a.iter().map(|v| v.clamp(0.0, 1.0)).collect();
        let product = |a: &[f64], b: &[f64]| {
            let product: Vec<f64> = a.iter().zip(b).map(|(a, b)| a * b).collect();
            filtered(&product, shape, &window)
        };
        let (mean_a, mean_b) = (filtered(&a, shape, &window), filtered(b, shape, &window));
        let (aa, bb, ab) = (product(&a, &a), product(b, b), product(&a, b));
        let at = |i: usize| {
            let (c1, c2) = (0.01 * 0.01, 0.03 * 0.03);
            let (ma, mb) = (mean_a[i], mean_b[i]);
            let (va, vb, covariance) = (aa[i] - ma * ma, bb[i] - mb * mb, ab[i] - ma * mb);
            let luminance = (2.0 * ma * mb + c1) / (ma * ma + mb * mb + c1);
            luminance * (2.0 * covariance + c2) / (va + vb + c2)
        };
        (0..mean_a.len()).map(at).sum::<f64>() / mean_a.len() as f64
    };
    let pairs = estimate.chunks_exact(size).zip(clean.chunks_exact(size));
    pairs.map(of_channel).sum::<f64>() / channels as f64
}

/// The weights along a side of the window that fits.
fn window(shorter: usize) -> Vec<f64> {
    let (most, deviation) = WINDOW;
    let side = most.min(shorter);
    let reach = ((side - 1) / 2) as i32;
    let weights: Vec<f64> = (-reach..=reach)
        .map(|t| (-f64::from(t * t) / (2.0 * deviation * deviation)).exp())
        .collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// Weighted means at every place where the window lies within the image, along rows and then along columns.
fn filtered(image: &[f64], [height, width]: [usize; 2], window: &[f64]) -> Vec<f64> {
    let kept = [height, width].map(|side| side + 1 - window.len());
    let mut rows = vec![0.0; height * kept[1]];
    for (row, image) in rows.chunks_exact_mut(kept[1]).zip(image.chunks_exact(width)) {
        for (shift, weight) in window.iter().enumerate() {
            row.iter_mut().zip(&image[shift..]).for_each(|(sum, v)| *sum += weight * v);
        }
    }
    let mut means = vec![0.0; kept[0] * kept[1]];
    for (shift, weight) in window.iter().enumerate() {
        let shifted = &rows[shift * kept[1]..];
        means.iter_mut().zip(shifted).for_each(|(sum, v)| *sum += weight * v);
    }
    means
}

/// The standard deviation of an image's normal noise, as Donoho and Johnstone (1994) estimate it: the median of the
/// sizes of the finest diagonal Haar details, over 0.6745; of several channels, the mean.
///
/// What is smooth has no such details. Edges do, so that an image of many edges and little noise is taken for a noisier
/// one. Not-a-number where there are fewer than 2 rows or columns.
///
/// # Panics
/// When the image does not have this shape.
pub fn noise_level(image: &[f64], channels: usize, [height, width]: [usize; 2]) -> f64 {
    assert_eq!(image.len(), channels * height * width, "an image of this shape");
    if height < 2 || width < 2 {
        return f64::NAN;
    }
    let of_channel = |image: &[f64]| {
        let mut details: Vec<f64> = image
            .chunks_exact(2 * width)
            .flat_map(|rows| {
                let (upper, lower) = rows.split_at(width);
                upper.chunks_exact(2).zip(lower.chunks_exact(2))
            })
            .map(|(upper, lower)| ((upper[0] - upper[1] - lower[0] + lower[1]) / 2.0).abs())
            .collect();
        let middle = details.len() / 2;
        *details.select_nth_unstable_by(middle, f64::total_cmp).1 / 0.6745
    };
    image.chunks_exact(height * width).map(of_channel).sum::<f64>() / channels as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn the_peak_signal_to_noise_ratio_is_that_of_the_definition() {
        // Errors 0.1 and −0.3: 10 log₁₀(1 / 0.05).
        let found = psnr(&[0.6, 0.2], &[0.5, 0.5], 1.0);
        assert!((found - 13.010_299_956_639_813).abs() < 1e-12, "{found}");
        // Clamped, the estimate is off by 0.1 at one of four places: 10 log₁₀(4 / 0.01).
        let found = psnr(&[-3.0, 1.7, 0.5, 0.2], &[0.0, 1.0, 0.4, 0.2], 1.0);
        assert!((found - 26.020_599_913_279_625).abs() < 1e-9, "{found}");
        // The clean image is as it is.
        let found = psnr(&[2.0], &[2.0], 1.0);
        assert_eq!(found, 0.0);
        let found = psnr(&[0.0], &[0.5], 2.0);
        assert!((found - 12.041_199_826_559_248).abs() < 1e-12, "{found}");
        assert_eq!(psnr(&[0.3], &[0.3], 1.0), f64::INFINITY);
        assert!(psnr(&[f64::NAN], &[0.3], 1.0).is_nan());
    }

    /// A ramp, other in every channel, and the same with values of a pattern added that leave [0, 1].
    fn pair(channels: usize, [height, width]: [usize; 2]) -> (Vec<f64>, Vec<f64>) {
        let mut clean = Vec::new();
        for channel in 1..=channels {
            let most = channel * (width - 1) + 2 * (height - 1);
            for y in 0..height {
                clean.extend((0..width).map(|x| (x * channel + 2 * y) as f64 / most as f64));
            }
        }
        let pattern = |i: usize| (((7 * i + 3).pow(2) * 5) % 1009) as f64 / 1009.0;
        let estimate = clean.iter().enumerate().map(|(i, v)| v + 0.3 * (pattern(i) - 0.5));
        (estimate.collect(), clean)
    }

    #[test]
    fn structural_similarity_is_that_of_scikit_image() {
        // scikit-image 0.26: structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        // data_range=1, full=True), without 5 pixels at every border. Its window does not shrink: where a side is less
        // than 11, NumPy with weights that are not separated.
        for (channels, shape, expected) in [
            (1, [16, 20], 0.572_493_888_877_438_9),
            (3, [24, 13], 0.529_516_863_442_047_7),
            (1, [11, 11], 0.813_209_138_415_169_2),
            (1, [7, 9], 0.891_236_479_179_503_3),
            (3, [5, 30], 0.455_604_829_086_578_6),
            (1, [4, 6], 0.936_535_983_846_154_6),
        ] {
            let (estimate, clean) = pair(channels, shape);
            let found = ssim(&estimate, &clean, channels, shape);
            assert!((found - expected).abs() < 1e-12, "{channels} {shape:?}: {found}");
            let same = ssim(&clean, &clean, channels, shape);
            assert!((same - 1.0).abs() < 1e-12, "{same}");
        }
        assert!(ssim(&[0.2], &[0.7], 1, [1, 1]) < 1.0);
    }

    #[test]
    fn the_noise_of_an_image_is_found() {
        let [height, width] = [255, 256];
        // Waves, a disc and a bright half: smooth but for a few edges.
        let clean = |y: usize, x: usize| {
            let (y, x) = (y as f64 / 256.0, x as f64 / 256.0);
            let disc = f64::from((y - 0.4).hypot(x - 0.6) < 0.2);
            0.4 + 0.2 * (9.0 * x + 4.0 * y).sin() + 0.3 * disc + 0.2 * f64::from(2.0 * y < x + 0.3)
        };
        for level in [10.0, 20.0, 30.0, 50.0] {
            let sigma = level / 255.0;
            let mut stream = Stream::new(1, "noise level", level as u64);
            for channels in [1, 3] {
                let pixels = (0..channels * height * width).map(|i| i % (height * width));
                let noisy: Vec<f64> =
                    pixels.map(|i| clean(i / width, i % width) + sigma * stream.normal()).collect();
                let found = noise_level(&noisy, channels, [height, width]);
                assert!((found / sigma - 1.0).abs() < 0.05, "{level}: {}", 255.0 * found);
            }
        }
        let ramp: Vec<f64> = (0..36).map(f64::from).collect();
        assert_eq!(noise_level(&ramp, 1, [6, 6]), 0.0);
        assert!(noise_level(&[0.0; 5], 1, [1, 5]).is_nan());
    }
}
