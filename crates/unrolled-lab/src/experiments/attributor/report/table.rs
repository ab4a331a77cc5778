//! The figures of every run.

use super::{Drawn, Stored};
use crate::report::table::{Cell, number, table};

type Column = (&'static str, fn(&Stored) -> Option<String>);

const COLUMNS: [Column; 7] = [
    ("loss", |run| run.loss.map(number)),
    ("floor", |run| run.reachable().map(number)),
    ("above the floor", |run| {
        Some(format!("{:.1} %", 100.0 * (run.loss? / run.reachable()? - 1.0)))
    }),
    ("entropy,<br>nats", |run| run.entropy.map(number)),
    ("largest share", |run| run.largest_share.map(|share| format!("{share:.3}"))),
    ("shares<br>not 0", |run| run.nonzeros.map(number)),
    ("farthest mean to<br>nearest atom", |run| {
        Some(number(run.distances_to_means.as_ref()?.iter().copied().fold(0.0, f64::max)))
    }),
];

/// A row for each; columns that are empty are left out.
pub(super) fn finals(runs: &[Drawn]) -> String {
    let mut heads = vec!["run".to_owned()];
    let label = |run: &Drawn| match run.stored.failed {
        None => run.label(),
        Some(_) => format!("{}, failed", run.label()),
    };
    let mut rows: Vec<Vec<Cell>> = runs.iter().map(|run| vec![(label(run), false)]).collect();
    for (head, text) in COLUMNS {
        let texts: Vec<_> = runs.iter().map(|run| text(&run.stored)).collect();
        if texts.iter().all(Option::is_none) {
            continue;
        }
        heads.push(head.to_owned());
        for (row, text) in rows.iter_mut().zip(texts) {
            row.push((text.unwrap_or_default(), false));
        }
    }
    table(&heads, &rows)
}
