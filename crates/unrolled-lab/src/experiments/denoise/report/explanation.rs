//! What the figures mean, in words.

use super::Restoration;

/// The equations, what the runs have beyond them, and the source.
pub(super) fn of(runs: &[Restoration]) -> String {
    let any = |key: &str, is: &dyn Fn(&str) -> bool| {
        runs.iter().any(|run| run.run.setting(key).is_some_and(is))
    };
    let measured = any("measurement.kind", &|kind| kind != "none");
    let mut html = match measured {
        false => {
            "<p>A noisy image y is the clean image x with independent normal noise of the standard deviation σ, counted on \
             0–255, in every value. D z is the sum over filters of each filter, laid down at every place of its code, \
             where places are a stride apart. T iterations from z<sub>0</sub>\u{a0}=\u{a0}0 find a sparse code of y, and \
             its decoding is the denoised image:</p>\n\
             <p class=\"equation\">z<sub>t+1</sub> = prox(z<sub>t</sub> − α D<sup>⊤</sup>(D z<sub>t</sub> − y)), \
             \u{2003}x̂ = D z<sub>T</sub>.</p>\n"
        }
        true => {
            "<p>What is measured of a clean image x is y\u{a0}=\u{a0}A x with independent normal noise of the standard \
             deviation σ, counted on 0–255; A leaves out pixels, or blurs. D z is the sum over filters of each filter, \
             laid down at every place of its code, where places are a stride apart. T iterations from \
             z<sub>0</sub>\u{a0}=\u{a0}0 find a sparse code of y, and its decoding, without A, is the restored image:</p>\n\
             <p class=\"equation\">z<sub>t+1</sub> = prox(z<sub>t</sub> − α D<sup>⊤</sup>A<sup>⊤</sup>(A D z<sub>t</sub> \
             − y)), \u{2003}x̂ = D z<sub>T</sub>.</p>\n"
        }
    }
    .to_owned();
    let more = [
        (
            any("encoder.prox.kind", &|kind| kind == "soft"),
            "The soft threshold is prox(v) = sign(v) max(|v| − b, 0) with b = αλ, or with thresholds b that are learned.",
        ),
        (
            any("encoder.prox.kind", &|kind| kind == "hard"),
            "The hard threshold keeps what is larger than it, as it is, and makes the rest 0.",
        ),
        (
            any("encoder.kind", &|kind| kind == "fista"),
            "FISTA takes each iteration from a point that is moved on along the last step.",
        ),
        (
            any("encoder.untied", &|untied| untied != "false"),
            "Untied, the iterations have filters of their own in place of D<sup>⊤</sup> and D; the decoder keeps its own.",
        ),
        (
            any("train.target", &|target| target == "noisy"),
            "With the target \"noisy\", training holds x̂ against y in place of x.",
        ),
        (
            any("encoder.split", &|split| split != "1"),
            "With a split s, s² copies of an image, each shifted otherwise, are restored, shifted back and averaged.",
        ),
    ];
    let more: Vec<&str> = more.into_iter().filter(|(is, _)| *is).map(|(_, text)| text).collect();
    if !more.is_empty() {
        html += &format!("<p>{}</p>\n", more.join(" "));
    }
    html + "<p>Training moves the filters to lessen ½ mean ‖x̂ − x‖² on random crops, by the gradient through the decoder \
            and all iterations, or by what other estimator a run names, and puts them back into their constraint after \
            every step. The figures are of whole images that were not trained on. SSIM compares means, variances and \
            covariances of the two images in small windows; 1 is equality.</p>\n\
            <p>Source of network and estimators: B. Tolooshams and D. Ba, <i>Stable and Interpretable Unrolled \
            Dictionary Learning</i>, Transactions on Machine Learning Research, 2022 (arXiv 2106.00058).</p>\n"
}
