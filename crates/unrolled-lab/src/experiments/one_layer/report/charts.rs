//! The charts: by step, by a setting that runs differ in, by the threshold of decoding.

use super::Drawn;
use super::groups::{Group, groups};
use crate::report::Figures;
use crate::report::chart::{Chart, Series, numbered, thinned};

/// More groups of runs than this are not told apart.
const MOST: usize = 8;

/// Column, title, rest of the caption, axis, logarithmic.
const BY_STEP: [(&str, &str, &str, &str, bool); 9] = [
    (
        "distance_median",
        "Distance of the rows.",
        "Median over the rows of the distance to their own atom; the band holds all rows where runs are few, else it is ± one \
         standard deviation over seeds.",
        "distance",
        true,
    ),
    (
        "distance_worst",
        "The worst row.",
        "The largest distance of a row to its own atom.",
        "distance",
        true,
    ),
    (
        "cosine",
        "Does the gradient lead the right way?",
        "Cosine of −∂W, the whole matrix, with the way from W to Aᵀ, on the batch of the next step.",
        "cosine",
        false,
    ),
    (
        "cosine_rows_least",
        "And for the worst row?",
        "The least of the cosines of the rows.",
        "cosine",
        false,
    ),
    (
        "rows_astray",
        "Rows led astray.",
        "Rows whose gradient leads away from their atom: a cosine of 0 or less. At the end, where only noise is left, that is \
         about half of them.",
        "rows",
        false,
    ),
    (
        "rows_decoding",
        "Rows that decode.",
        "Rows that are active with the right sign in at least 9 of 10 test examples that hold their atom.",
        "rows",
        false,
    ),
    (
        "exact",
        "Supports and signs.",
        "The share of test examples whose support and signs are all right.",
        "share of examples",
        false,
    ),
    (
        "atoms_found",
        "Atoms found.",
        "Atoms with a row that has a cosine of 0.9 or more with them, whatever its sign.",
        "atoms",
        false,
    ),
    ("loss", "Loss.", "½ mean ‖x − D z‖² on the batch of the step, before it.", "loss", true),
];

fn series(group: &Group, column: &str, style: (usize, usize), few: bool) -> Option<Series> {
    if let [run] = group.runs[..] {
        let points = run.curve(column);
        if points.len() < 2 {
            return None;
        }
        let bounds = ["distance_least", "distance_worst"].map(|column| run.curve(column));
        let mut series = Series::new(group.name.clone(), points, run.style);
        let whole = bounds.iter().all(|bound| bound.len() == series.points.len());
        if column == "distance_median" && few && whole {
            let [least, most] = &bounds;
            series.range = Some(least.iter().zip(most).map(|(a, b)| (a.1, b.1)).collect());
            return Some(series);
        }
        series.points = thinned(series.points);
        return Some(series);
    }
    let (points, spread) = group.curve(column);
    (points.len() > 1).then(|| {
        let mut series = Series::new(group.name.clone(), points, style);
        // Not of what is taken at every step: the points would be thinned, and the band not.
        match series.points.len() > 400 {
            true => series.points = thinned(series.points),
            false => series.spread = spread,
        }
        series
    })
}

/// Charts against the steps.
pub(super) fn by_step(runs: &[Drawn], joint: bool, figures: &mut Figures) -> String {
    let groups = groups(runs);
    if groups.len() > MOST {
        return String::new();
    }
    let few = groups.len() <= 2;
    let mut html = String::new();
    for (column, title, caption, y, log_y) in BY_STEP {
        let each = groups.iter().enumerate();
        let series: Vec<Series> =
            each.filter_map(|(at, group)| series(group, column, numbered(at), few)).collect();
        if series.is_empty() {
            continue;
        }
        let where_from = if joint { " of each directory" } else { "" };
        let chart = Chart {
            title: title.to_owned(),
            caption: caption.to_owned(),
            numbers: format!(
                "<code>metrics.csv</code>{where_from}, columns <code>step</code> and <code>{column}</code>"
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

/// Settings that runs may differ in, and their names.
const SETTINGS: [(&str, &str); 5] = [
    ("data.features", "m, features"),
    ("layer.threshold", "θ"),
    ("data.noise", "standard deviation of the noise"),
    ("data.nonzeros", "s, non-zero entries of h"),
    ("layer.init.distance", "distance at the start"),
];

type Figure = (&'static str, fn(&Drawn) -> Option<f64>);

/// What is drawn against a setting: a title, the axis, a name for each curve.
const BY_SETTING: [(&str, &str, &str, bool, &[Figure]); 3] = [
    (
        "Error of decoding.",
        "Σ ‖ẑ − h‖² / Σ ‖h‖² on the test examples: of thresholded scores W x, at the best threshold, and of the best linear map \
         of x.",
        "relative error",
        true,
        &[
            ("thresholding", |run| Some(run.stored.decode_error.as_ref()?.thresholding)),
            ("best linear decoder", |run| run.stored.decode_error.as_ref()?.linear),
        ],
    ),
    (
        "Distance at the end.",
        "Of the rows from their atoms.",
        "distance",
        true,
        &[
            ("median row", |run| Some(run.stored.distance.as_ref()?.end.median)),
            ("worst row", |run| Some(run.stored.distance.as_ref()?.end.worst)),
        ],
    ),
    (
        "Supports and signs at the end.",
        "On the test examples.",
        "share",
        false,
        &[
            ("support precision", |run| Some(run.stored.decode.as_ref()?.support_precision)),
            ("support recall", |run| Some(run.stored.decode.as_ref()?.support_recall)),
            ("examples all right", |run| Some(run.stored.decode.as_ref()?.exact)),
        ],
    ),
];

/// Charts against the one setting that runs differ in, beside their seeds.
pub(super) fn by_setting(runs: &[Drawn], figures: &mut Figures) -> String {
    let groups = groups(runs);
    let of = |key: &str| groups.iter().map(|group| group.runs[0].number(key)).collect::<Vec<_>>();
    let differs = |key: &&(&str, &str)| of(key.0).windows(2).any(|w| w[0] != w[1]);
    let differing: Vec<&(&str, &str)> = SETTINGS.iter().filter(differs).collect();
    // Where m differs, p goes with it.
    let (Some((key, name)), true) = (differing.first(), differing.len() == 1 && groups.len() > 2)
    else {
        return String::new();
    };
    let mut html = String::new();
    for (title, caption, y, log_y, curves) in BY_SETTING {
        let curve = |(at, (name, figure)): (usize, &Figure)| {
            let mut points: Vec<(f64, (f64, Option<f64>))> = groups
                .iter()
                .filter_map(|group| Some((group.runs[0].number(key)?, group.figure(figure)?)))
                .collect();
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            let spread = points.iter().map(|(_, (_, std))| *std).collect::<Option<Vec<f64>>>();
            let points = points.into_iter().map(|(x, (mean, _))| (x, mean)).collect();
            let mut series = Series::new((*name).to_owned(), points, numbered(at));
            series.spread = spread;
            series
        };
        let series: Vec<Series> = curves.iter().enumerate().map(curve).collect();
        let series: Vec<Series> = series.into_iter().filter(|s| s.points.len() > 1).collect();
        if series.is_empty() {
            continue;
        }
        let chart = Chart {
            title: title.to_owned(),
            caption: caption.to_owned(),
            numbers: "<code>results.json</code>".to_owned(),
            x: name,
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

/// A chart for each run: how decoding depends on the threshold.
pub(super) fn by_threshold(runs: &[Drawn], figures: &mut Figures) -> String {
    if runs.len() > MOST {
        return String::new();
    }
    let mut html = String::new();
    for run in runs {
        let Some(found) = &run.stored.by_threshold else { continue };
        let curve = |at: usize, name: &str, values: &[f64]| {
            let points = found.threshold.iter().copied().zip(values.iter().copied()).collect();
            Series::new(name.to_owned(), points, numbered(at))
        };
        let chart = Chart {
            title: format!("{}: decoding.", run.run.label),
            caption: "Scores W x with a hard threshold, at the end of training, on the test examples. The dashed line is θ."
                .to_owned(),
            numbers: "<code>results.json</code>, <code>by_threshold</code>".to_owned(),
            x: "threshold",
            y: "share",
            log_y: false,
            series: vec![
                curve(0, "support precision", &found.support_precision),
                curve(1, "support recall", &found.support_recall),
                curve(2, "examples with support and signs all right", &found.exact),
            ],
            marks: run.number("layer.threshold").into_iter().collect(),
            level: None,
        };
        html.push_str(&figures.add(&chart, ""));
    }
    html
}
