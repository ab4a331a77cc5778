//! The charts of learning runs: a chart for each column, a curve for each run.

use super::{Learned, sample};
use crate::report::Figures;
use crate::report::chart::{Chart, Series, thinned};

/// Column, title, rest of the caption, axis, logarithmic. SAMPLE stands for which rows those are.
const CHARTS: [(&str, &str, &str, &str, bool); 14] = [
    (
        "dictionary_error",
        "Dictionary error.",
        "‖D* − D‖<sub>F</sub>/‖D*‖<sub>F</sub>, atoms compared as they stand.",
        "relative dictionary error",
        true,
    ),
    (
        "sample_reconstruction",
        "Reconstruction on the sample.",
        "½ mean ‖x − D z‖² over SAMPLE, whatever a run descends.",
        "reconstruction",
        true,
    ),
    (
        "objective",
        "Objective on the sample.",
        "The lasso over SAMPLE with atoms of norm 1 and every code solved for: what a dictionary is good for, whatever it \
         was learned by; λ is that of the run.",
        "objective",
        false,
    ),
    (
        "sample_lasso",
        "Lasso on the sample.",
        "Reconstruction + λ mean ‖z‖₁ over SAMPLE, whatever a run descends; λ is that of the run.",
        "lasso",
        true,
    ),
    (
        "loss",
        "Loss.",
        "The loss that each run descends, on the batch of the step: the lasso or the reconstruction, so that runs \
         with different estimators do not compare by it.",
        "loss of the run",
        true,
    ),
    (
        "reconstruction",
        "Reconstruction.",
        "½ mean ‖x − D z‖² on the batch of the step.",
        "reconstruction",
        true,
    ),
    ("code_error", "Code error.", "Mean ‖z<sub>T</sub> − z*‖ on the batch.", "code error", true),
    (
        "validation_loss",
        "Validation loss.",
        "The loss that each run descends, on the examples held out.",
        "loss",
        true,
    ),
    (
        "dictionary_error_aligned",
        "Dictionary error after matching.",
        "Atoms matched to the true ones, one to one, signs free.",
        "relative dictionary error",
        true,
    ),
    (
        "shifted_cosine",
        "Filters up to shift and sign.",
        "Mean |cosine| of the true filters with those matched to them, one to one, each shifted as suits it best.",
        "cosine",
        false,
    ),
    (
        "filters_recovered",
        "Filters recovered.",
        "True filters whose cosine, up to shift and sign, is 0.9 or more.",
        "filters",
        false,
    ),
    (
        "duality_gap_mean",
        "Optimality of the codes.",
        "Mean relative duality gap of the lasso; 0 is its solution.",
        "relative duality gap",
        true,
    ),
    (
        "nonzeros",
        "Sparsity.",
        "Mean number of non-zero entries of a code.",
        "non-zero entries",
        false,
    ),
    (
        "dead_atoms",
        "Dead atoms.",
        "Atoms that no code has used since the last measurement.",
        "atoms",
        false,
    ),
];

/// All charts that have anything to show.
pub(super) fn of(runs: &[Learned], joint: bool, figures: &mut Figures) -> String {
    let mut html = String::new();
    let sample = sample(runs);
    for (column, title, caption, y, log_y) in CHARTS {
        let series: Vec<Series> = runs
            .iter()
            .map(|run| Series::new(run.label(), thinned(run.curve(column)), run.style))
            .filter(|series| !series.points.is_empty())
            .collect();
        let flat = series.iter().flat_map(|s| &s.points).all(|point| point.1 == 0.0);
        if series.is_empty() || flat {
            continue;
        }
        let each = if joint { " of each directory" } else { "" };
        let chart = Chart {
            title: title.to_owned(),
            caption: caption.replace("SAMPLE", &sample),
            numbers: format!(
                "<code>metrics.csv</code>{each}, columns <code>step</code> and <code>{column}</code>"
            ),
            x: "step",
            y,
            log_y,
            series,
            marks: Vec::new(),
            level: None,
        };
        html.push_str(&figures.add(&chart, ""));
        if column == "objective" {
            html.push_str(&over_time(runs, &sample, joint, figures));
        }
    }
    html
}

/// The objective against the time of training, where it was measured.
fn over_time(runs: &[Learned], sample: &str, joint: bool, figures: &mut Figures) -> String {
    let curve = |run: &Learned| thinned(run.metrics.against(&run.run.name, "seconds", "objective"));
    let series: Vec<Series> = runs
        .iter()
        .map(|run| Series::new(run.label(), curve(run), run.style))
        .filter(|series| series.points.len() > 1)
        .collect();
    if series.is_empty() {
        return String::new();
    }
    let each = if joint { " of each directory" } else { "" };
    let chart = Chart {
        title: "Objective against time.".to_owned(),
        caption: format!(
            "The lasso over {sample}, as above, against the seconds since a run began, the time for measuring included."
        ),
        numbers: format!(
            "<code>metrics.csv</code>{each}, columns <code>seconds</code> and <code>objective</code>"
        ),
        x: "time, s",
        y: "objective",
        log_y: false,
        series,
        marks: Vec::new(),
        level: None,
    };
    figures.add(&chart, "")
}
