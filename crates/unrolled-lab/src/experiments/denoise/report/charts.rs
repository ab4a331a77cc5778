//! The charts of runs over images: a chart for each column, a curve for each run, over steps or over time.

use super::Restoration;
use crate::report::Figures;
use crate::report::chart::{Chart, Series, thinned};

/// What a curve is drawn over.
#[derive(Clone, Copy, PartialEq)]
enum Over {
    Steps,
    Seconds,
}

struct Drawn {
    column: &'static str,
    over: Over,
    title: &'static str,
    caption: &'static str,
    y: &'static str,
    log_y: bool,
}

const CHARTS: [Drawn; 8] = [
    Drawn {
        column: "validation_psnr",
        over: Over::Seconds,
        title: "Validation PSNR against training time.",
        caption: "Mean over the images to validate on, peak 1. The time is that of the steps and of measuring between them.",
        y: "PSNR (dB)",
        log_y: false,
    },
    Drawn {
        column: "validation_psnr",
        over: Over::Steps,
        title: "Validation PSNR.",
        caption: "Mean over the images to validate on, peak 1.",
        y: "PSNR (dB)",
        log_y: false,
    },
    Drawn {
        column: "validation_ssim",
        over: Over::Steps,
        title: "Validation SSIM.",
        caption: "Mean over the images to validate on.",
        y: "SSIM",
        log_y: false,
    },
    Drawn {
        column: "loss",
        over: Over::Steps,
        title: "Loss.",
        caption: "The loss that each run descends, on the crops of the step, so that runs with different estimators do \
                  not compare by it.",
        y: "loss of the run",
        log_y: true,
    },
    Drawn {
        column: "reconstruction",
        over: Over::Steps,
        title: "Reconstruction.",
        caption: "½ mean ‖x̂ − target‖² on the crops of the step.",
        y: "reconstruction",
        log_y: true,
    },
    Drawn {
        column: "nonzeros",
        over: Over::Steps,
        title: "Sparsity.",
        caption: "The share of the entries of the codes that are not zero, on crops of the step.",
        y: "share of entries that are not 0",
        log_y: false,
    },
    Drawn {
        column: "bias",
        over: Over::Steps,
        title: "Learned thresholds.",
        caption: "Their mean over filters, and over iterations where each has its own.",
        y: "mean threshold",
        log_y: false,
    },
    Drawn {
        column: "spectral_norm_squared",
        over: Over::Steps,
        title: "Norm of the filters.",
        caption: "‖D‖², the largest squared singular value of the decoder: many iterations with a step α stay bounded \
                  where α‖D‖² is at most 1.",
        y: "‖D‖²",
        log_y: false,
    },
];

/// All charts that have anything to show; nothing where there are none.
pub(super) fn of(runs: &[Restoration], joint: bool, figures: &mut Figures) -> String {
    let mut html = String::new();
    let curves_of = |column: &str| runs.iter().map(|run| run.curve(column)).collect::<Vec<_>>();
    let losses = curves_of("loss");
    let same = curves_of("reconstruction") == losses;
    for Drawn { column, over, title, caption, y, log_y } in CHARTS {
        if column == "reconstruction" && same {
            continue;
        }
        let series: Vec<Series> = runs
            .iter()
            .map(|run| Series::new(run.label(), thinned(curve(run, column, over)), run.style))
            .filter(|series| !series.points.is_empty())
            .collect();
        let flat = series.iter().flat_map(|s| &s.points).all(|point| point.1 == 0.0);
        if series.is_empty() || flat {
            continue;
        }
        let each = if joint { " of each directory" } else { "" };
        let (along, x) = match over {
            Over::Steps => ("step", "step"),
            Over::Seconds => ("seconds", "training time (s)"),
        };
        let mut caption = caption.to_owned();
        if column == "loss" && same {
            caption += " Here it is the reconstruction ½ mean ‖x̂ − target‖².";
        }
        let chart = Chart {
            title: title.to_owned(),
            caption,
            numbers: format!(
                "<code>metrics.csv</code>{each}, columns <code>{along}</code> and <code>{column}</code>"
            ),
            x,
            y,
            log_y,
            series,
            marks: Vec::new(),
            level: None,
        };
        html.push_str(&figures.add(&chart, ""));
    }
    match html.is_empty() {
        true => html,
        false => format!("<div class=\"figures\">\n{html}</div>\n"),
    }
}

/// A column against what it is drawn over.
fn curve(run: &Restoration, column: &str, over: Over) -> Vec<(f64, f64)> {
    let curve = run.curve(column);
    if over == Over::Steps {
        return curve;
    }
    // Both are in the order of the rows.
    let mut times = run.curve("seconds").into_iter();
    let at = |(step, value): (f64, f64)| Some((times.find(|time| time.0 == step)?.1, value));
    curve.into_iter().filter_map(at).collect()
}
