//! What came out, in a sentence or two.

use super::Drawn;
use super::pairs::{Pair, pairs};
use super::stored::Found;
use crate::report::table::{number, unbroken};
use crate::report::{failures, finding};

/// More pairs of runs than this are left to the table.
const MOST: usize = 6;

/// The sentences.
pub(super) fn of(runs: &[Drawn]) -> String {
    let failed =
        runs.iter().filter_map(|run| Some((run.run, run.stored.failed.as_ref()?.as_str())));
    finding(&[failures(failed), best(runs), with_and_without(runs), unsolved(runs)])
}

/// "accuracy" or "R²".
fn what(found: &Found) -> &'static str {
    if found.accuracy.is_some() { "accuracy" } else { "R²" }
}

fn best(runs: &[Drawn]) -> String {
    let judged = runs.iter().filter_map(|run| Some((run, run.stored.judged()?)));
    let judged: Vec<_> = judged.collect();
    let top = |a: &Found, b: &Found| a.score().unwrap_or(0.0).total_cmp(&b.score().unwrap_or(0.0));
    let Some((run, (found, rows))) = judged.iter().max_by(|a, b| top(a.1.0, b.1.0)) else {
        return String::new();
    };
    // Of which rows, where they are the same for every run.
    let same = judged.iter().all(|(_, (other, of))| other.examples == found.examples && of == rows);
    let of = match (same, found.examples) {
        (true, Some(count)) => format!(" on the {count} rows {rows}"),
        _ => String::new(),
    };
    let (name, value) = (what(found), found.score_text());
    let mut text = match judged.len() {
        1 => format!("The {name}{of} is {value}."),
        _ => format!("The highest {name}{of} is that of <b>{}</b>, {value}.", run.label()),
    };
    if let Some(on_rows) = run.stored.on_rows.as_ref().filter(|rows| rows.score().is_some()) {
        text += &format!(
            " A linear model of the rows themselves, without a dictionary, comes to {}.",
            on_rows.score_text()
        );
    }
    format!("<p>{text}</p>\n")
}

fn with_and_without(runs: &[Drawn]) -> String {
    let pairs = pairs(runs);
    if pairs.len() > MOST {
        return String::new();
    }
    pairs.iter().filter_map(sentence).collect()
}

fn sentence(Pair { without, with }: &Pair) -> Option<String> {
    let [(less, _), (more, _)] = [without.stored.judged()?, with.stored.judged()?];
    let beta = |run: &Drawn| run.stored.weight.unwrap_or(0.0);
    let weight = |run: &Drawn| unbroken(&format!("β = {}", beta(run)));
    let name = what(more);
    let reconstructions = less.reconstruction.zip(more.reconstruction);
    let reconstructions = reconstructions.map(|(less, more)| {
        format!("; the reconstruction goes from {} to {}", number(less), number(more))
    });
    Some(format!(
        "<p>With the task ({}) <b>{}</b> has the {name} {}, with {} of it ({}) <b>{}</b> has {}{}.</p>\n",
        weight(with),
        with.label(),
        more.score_text(),
        if beta(without) == 0.0 { "nothing" } else { "less" },
        weight(without),
        without.label(),
        less.score_text(),
        reconstructions.unwrap_or_default()
    ))
}

fn unsolved(runs: &[Drawn]) -> String {
    let missed = runs.iter().filter_map(|run| {
        let found = run.stored.unsolved.as_ref().filter(|found| found.codes > 0)?;
        Some(format!(
            "<p>Of <b>{}</b>, {} of {} codes were not solved to the tolerance in training: their gradients are not \
             those of a solution.</p>\n",
            run.label(),
            found.codes,
            found.of
        ))
    });
    missed.collect()
}
