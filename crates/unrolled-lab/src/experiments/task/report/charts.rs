//! The charts of task-driven runs: a chart for each column, a curve for each run.

use super::Drawn;
use crate::report::Figures;
use crate::report::chart::{Chart, Series, thinned};

/// Column, title, rest of the caption, axis, logarithmic.
const CHARTS: [(&str, &str, &str, &str, bool); 8] = [
    (
        "task_loss",
        "Task loss.",
        "The mean loss of the scores on the batch of the step, without the ridge.",
        "task loss",
        true,
    ),
    ("accuracy", "Accuracy.", "Of the batch of the step.", "share of classes told right", false),
    (
        "held_out_task_loss",
        "Task loss, held out.",
        "The mean loss of the scores on all rows held out, without the ridge.",
        "task loss",
        true,
    ),
    (
        "held_out_accuracy",
        "Accuracy, held out.",
        "On all rows held out.",
        "share of classes told right",
        false,
    ),
    ("held_out_r_squared", "R², held out.", "On all rows held out.", "R²", false),
    (
        "reconstruction",
        "Reconstruction.",
        "The mean fit of D z to x on the batch of the step, whatever the weight of the task.",
        "reconstruction",
        true,
    ),
    (
        "held_out_nonzeros",
        "Sparsity.",
        "Mean number of non-zero entries of a code, on all rows held out.",
        "non-zero entries",
        false,
    ),
    (
        "unsolved",
        "Unsolved codes.",
        "Codes of the batch that were not solved to the tolerance.",
        "codes",
        false,
    ),
];

/// All charts that have anything to show.
pub(super) fn of(runs: &[Drawn], joint: bool, figures: &mut Figures) -> String {
    let mut html = String::new();
    for (column, title, caption, y, log_y) in CHARTS {
        let series: Vec<Series> = runs
            .iter()
            .map(|run| Series::new(run.label(), thinned(run.curve(column)), run.style))
            .filter(|series| !series.points.is_empty())
            .collect();
        let flat = series.iter().flat_map(|s| &s.points).all(|point| point.1 == 0.0);
        let single = series.iter().all(|s| s.points.len() < 2);
        if series.is_empty() || flat || single {
            continue;
        }
        let each = if joint { " of each directory" } else { "" };
        let chart = Chart {
            title: title.to_owned(),
            caption: caption.to_owned(),
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
    }
    html
}
