//! A chart for each column, a curve for each run.

use super::Drawn;
use crate::report::Figures;
use crate::report::chart::{Chart, Series, thinned};

/// Column, title, rest of the caption, axis, logarithmic.
const CHARTS: [(&str, &str, &str, &str, bool); 4] = [
    (
        "loss",
        "Loss.",
        "Mean of (x − x̂)², and of the penalties where there are any, on the examples of the step, before it. The dashed \
         line is the floor of shares that sum to 1.",
        "loss",
        true,
    ),
    (
        "entropy",
        "Entropy of the shares.",
        "Mean over the examples of −Σ a log a: 0 where each has one atom, log k where all share alike.",
        "entropy, nats",
        false,
    ),
    (
        "largest_share",
        "The largest share.",
        "Mean over the examples: 1 where each has one atom, 1/k where all share alike.",
        "share",
        false,
    ),
    (
        "nonzeros",
        "Shares that are not 0.",
        "Mean over the examples. A softmax has no share that is 0.",
        "shares",
        false,
    ),
];

/// All charts that have anything to show.
pub(super) fn of(runs: &[Drawn], joint: bool, figures: &mut Figures) -> String {
    let mut html = String::new();
    let mut floors: Vec<f64> = runs.iter().filter_map(|run| run.stored.reachable()).collect();
    floors.dedup();
    for (column, title, caption, y, log_y) in CHARTS {
        let series: Vec<Series> = runs
            .iter()
            .map(|run| (run, run.metrics.curve(&run.run.name, column)))
            .filter(|(_, points)| points.len() > 1)
            .map(|(run, points)| Series::new(run.label(), thinned(points), run.style))
            .collect();
        if series.is_empty() {
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
            level: floors.first().copied().filter(|_| column == "loss" && floors.len() == 1),
        };
        html.push_str(&figures.add(&chart, ""));
    }
    html
}
