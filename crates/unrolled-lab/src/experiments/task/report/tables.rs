//! The tables of task-driven runs.

use super::Drawn;
use super::stored::Found;
use crate::report::over_seeds;
use crate::report::table::{Cell, number, table};
use crate::statistics::mean_and_std;

/// More runs than this have no confusions of their own.
const MOST: usize = 8;

type Column = (&'static str, fn(&Drawn) -> String);

fn plain(value: Option<f64>) -> String {
    value.map_or(String::new(), number)
}

fn count(value: Option<usize>) -> String {
    value.map_or(String::new(), |count| count.to_string())
}

const COLUMNS: [Column; 13] = [
    ("β", |run| as_is(run.stored.weight)),
    ("steps", |run| as_is(run.metrics.steps(&run.run.name))),
    ("rows<br>held out", |run| count(run.stored.held_out.examples)),
    ("accuracy<br>held out", |run| accuracy(&run.stored.held_out)),
    ("R²<br>held out", |run| plain(run.stored.held_out.r_squared)),
    ("task loss<br>held out", |run| plain(run.stored.held_out.task_loss)),
    ("reconstruction<br>held out", |run| plain(run.stored.held_out.reconstruction)),
    ("non-zero<br>entries", |run| plain(run.stored.held_out.nonzeros)),
    ("not solved<br>held out", |run| count(run.stored.held_out.unsolved_codes)),
    ("accuracy<br>in training", |run| of_training(run, accuracy)),
    ("R²<br>in training", |run| of_training(run, |found| plain(found.r_squared))),
    ("task loss<br>in training", |run| of_training(run, |found| plain(found.task_loss))),
    ("linear model<br>of the rows", |run| {
        run.stored.on_rows.as_ref().map_or(String::new(), Found::score_text)
    }),
];

/// As it is written.
fn as_is(value: Option<f64>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

fn accuracy(found: &Found) -> String {
    found.accuracy.map_or(String::new(), super::stored::share)
}

fn of_training(run: &Drawn, text: fn(&Found) -> String) -> String {
    run.stored.training.as_ref().map_or(String::new(), text)
}

/// The figures of every run; columns that are empty are left out, and the best score is marked.
pub(super) fn finals(runs: &[Drawn]) -> String {
    let scores: Vec<Option<f64>> = runs.iter().map(|run| run.stored.held_out.score()).collect();
    let best = scores.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut heads = vec!["run".to_owned()];
    let label = |run: &Drawn| {
        let failed = if run.has_failed() { ", failed" } else { "" };
        format!("{}{failed}", run.label())
    };
    let mut rows: Vec<Vec<Cell>> = runs.iter().map(|run| vec![(label(run), false)]).collect();
    for (head, text) in COLUMNS {
        let texts: Vec<String> = runs.iter().map(text).collect();
        if texts.iter().all(String::is_empty) {
            continue;
        }
        let judges = ["accuracy<br>held out", "R²<br>held out"].contains(&head);
        heads.push(head.to_owned());
        for ((row, text), score) in rows.iter_mut().zip(texts).zip(&scores) {
            row.push((text, judges && runs.len() > 1 && *score == Some(best)));
        }
    }
    table(&heads, &rows)
}

/// Mean and spread of the figures of runs that differ in the seed alone.
pub(super) fn spread_over_seeds(runs: &[Drawn]) -> String {
    let runs: Vec<&Drawn> = runs.iter().filter(|run| !run.has_failed()).collect();
    let pairs: Vec<_> = runs.iter().map(|run| (run.found, run.run)).collect();
    type Figure = (&'static str, fn(&Found) -> Option<f64>);
    let columns: [Figure; 4] = [
        ("accuracy<br>held out, %", |found| found.accuracy.map(|share| 100.0 * share)),
        ("R²<br>held out", |found| found.r_squared),
        ("task loss<br>held out", |found| found.task_loss),
        ("reconstruction<br>held out", |found| found.reconstruction),
    ];
    let has = |column: &&Figure| runs.iter().any(|run| (column.1)(&run.stored.held_out).is_some());
    let columns: Vec<&Figure> = columns.iter().filter(has).collect();
    let rows: Vec<Vec<Cell>> = over_seeds(&pairs)
        .into_iter()
        .map(|(name, group)| {
            let cells = columns.iter().map(|(_, of)| {
                let values: Vec<[f64; 1]> =
                    group.iter().filter_map(|at| Some([of(&runs[*at].stored.held_out)?])).collect();
                let curves: Vec<&[f64]> = values.iter().map(|value| value.as_slice()).collect();
                match mean_and_std(&curves) {
                    (mean, Some(std)) => format!("{:.4} ± {}", mean[0], number(std[0])),
                    _ => String::new(),
                }
            });
            let head = [name, group.len().to_string()];
            head.into_iter().chain(cells).map(|text| (text, false)).collect()
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let heads = ["over seeds", "seeds"].into_iter().chain(columns.iter().map(|(head, _)| *head));
    let table = table(&heads.map(str::to_owned).collect::<Vec<_>>(), &rows);
    format!("{table}<p>“±” is the standard deviation over the seeds (n − 1).</p>\n")
}

/// A table for every run: how many rows of a true class were taken for each class.
pub(super) fn confusions(runs: &[Drawn]) -> String {
    let mut html = String::new();
    for run in runs.iter().take(MOST) {
        let Some((found, rows)) = run.stored.judged() else { continue };
        let (Some(confusion), Some(classes)) = (&found.confusion, &run.stored.classes) else {
            continue;
        };
        let heads = std::iter::once("true class".to_owned());
        let heads: Vec<String> =
            heads.chain(classes.iter().map(|class| format!("taken for {class}"))).collect();
        let lines: Vec<Vec<Cell>> = classes
            .iter()
            .zip(confusion)
            .enumerate()
            .map(|(at, (class, counts))| {
                let head = (class.to_string(), false);
                let counts = counts.iter().enumerate();
                let cells = counts.map(|(other, count)| (count.to_string(), other == at));
                std::iter::once(head).chain(cells).collect()
            })
            .collect();
        html.push_str(&format!(
            "<h3>{}</h3>\n{}<p>Rows {rows}; right in bold. Numbers: <code>results.json</code>, \
             <code>confusion</code>.</p>\n",
            run.label(),
            table(&heads, &lines)
        ));
    }
    if !html.is_empty() && runs.len() > MOST {
        html.push_str(&format!(
            "<p>Of the first {MOST} runs; the others are in results.json.</p>\n"
        ));
    }
    html
}
