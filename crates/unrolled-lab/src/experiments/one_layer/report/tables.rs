//! The tables of one layer.

use super::Drawn;
use super::groups::groups;
use crate::report::table::{Cell, number, table};

/// A table with more rows than this is closed at first.
const MOST_OPEN: usize = 16;

type Figure = (&'static str, fn(&Drawn) -> Option<f64>);

/// Figures as they stand in a table: a heading, the figure, and whether it is a share.
const COLUMNS: [(Figure, bool); 22] = [
    (
        ("distance at the start,<br>median", |run| {
            Some(run.stored.distance.as_ref()?.initial.median)
        }),
        false,
    ),
    (("at the end,<br>best row", |run| Some(run.stored.distance.as_ref()?.end.least)), false),
    (("median", |run| Some(run.stored.distance.as_ref()?.end.median)), false),
    (("worst row", |run| Some(run.stored.distance.as_ref()?.end.worst)), false),
    (("rows near<br>their atom", |run| run.stored.recovered), true),
    (("unit<br>roundoff", |run| run.stored.unit_roundoff), false),
    (("largest cosine<br>of two atoms", |run| run.stored.coherence), false),
    (
        ("atoms found<br>at the start", |run| {
            Some(run.stored.rows_at_start.as_ref()?.atoms as f64)
        }),
        false,
    ),
    (("at the end", |run| Some(run.stored.rows.as_ref()?.atoms as f64)), false),
    (("duplicates", |run| Some(run.stored.rows.as_ref()?.duplicates as f64)), false),
    (("mixtures", |run| Some(run.stored.rows.as_ref()?.mixtures as f64)), false),
    (("dead", |run| Some(run.stored.rows.as_ref()?.dead as f64)), false),
    (("rows that<br>decode", |run| Some(run.stored.decode.as_ref()?.rows as f64)), false),
    (("support<br>precision", |run| Some(run.stored.decode.as_ref()?.support_precision)), true),
    (("support<br>recall", |run| Some(run.stored.decode.as_ref()?.support_recall)), true),
    (("signs<br>right", |run| Some(run.stored.decode.as_ref()?.sign_accuracy)), true),
    (("examples<br>all right", |run| Some(run.stored.decode.as_ref()?.exact)), true),
    (("side told<br>by codes", |run| Some(run.stored.classes.as_ref()?.side.codes)), true),
    (("by principal<br>components", |run| Some(run.stored.classes.as_ref()?.side.principal)), true),
    (("size told<br>by codes", |run| Some(run.stored.classes.as_ref()?.size.codes)), true),
    (("by principal<br>components", |run| Some(run.stored.classes.as_ref()?.size.principal)), true),
    (("reconstruction<br>of test examples", |run| run.stored.test_reconstruction), false),
];

fn written((mean, std): (f64, Option<f64>), share: bool) -> String {
    let text = |value: f64| match share {
        true => format!("{:.1}", 100.0 * value),
        false if value.fract() == 0.0 && value.abs() < 1e6 => value.to_string(),
        false => number(value),
    };
    let unit = if share { " %" } else { "" };
    match std {
        Some(std) => format!("{} ± {}{unit}", text(mean), text(std)).replace(' ', "\u{a0}"),
        None => format!("{}{unit}", text(mean)).replace(' ', "\u{a0}"),
    }
}

/// The figures of every run, or of every group of seeds; columns that are empty are left out.
pub(super) fn all(runs: &[Drawn]) -> String {
    let groups = groups(runs);
    let seeds = groups.iter().map(|group| group.runs.len()).max().unwrap_or(0);
    let mut heads = vec!["run".to_owned()];
    let mut rows: Vec<Vec<Cell>> =
        groups.iter().map(|group| vec![(group.name.clone(), false)]).collect();
    for ((head, figure), share) in COLUMNS {
        let found: Vec<_> = groups.iter().map(|group| group.figure(figure)).collect();
        if found.iter().all(Option::is_none) {
            continue;
        }
        heads.push(head.to_owned());
        for (row, found) in rows.iter_mut().zip(found) {
            row.push((found.map_or(String::new(), |found| written(found, share)), false));
        }
    }
    let mut html = table(&heads, &rows);
    if seeds > 1 {
        html += &format!("<p>“±” is the standard deviation over {seeds} seeds (n − 1).</p>\n");
    }
    if groups.len() > MOST_OPEN {
        html = format!(
            "<details><summary>The figures of {} settings</summary>\n{html}</details>\n",
            groups.len()
        );
    }
    html
}
