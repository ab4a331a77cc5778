//! What came out, in a sentence or two.

use super::Drawn;
use super::grid::grid;
use super::groups::{Group, groups};
use crate::report::table::{number, unbroken};
use crate::report::{failures, finding};

/// More groups of runs than this are left to tables and charts.
const MOST: usize = 6;

/// The sentences.
pub(super) fn of(runs: &[Drawn]) -> String {
    let failed =
        runs.iter().filter_map(|run| Some((run.run, run.stored.failed.as_ref()?.as_str())));
    let mut sentences = vec![failures(failed), basin(runs)];
    let groups = groups(runs);
    if groups.len() <= MOST {
        let each = [distances, rows, noise, classes];
        sentences.extend(each.iter().flat_map(|sentence| groups.iter().filter_map(*sentence)));
    }
    finding(&sentences)
}

fn paragraph(text: &str) -> String {
    format!("<p>{text}</p>\n")
}

/// Of several seeds, in words.
fn seeds(group: &Group) -> String {
    match group.runs.len() {
        1 => String::new(),
        count => format!(" over {count} seeds"),
    }
}

fn worst(group: &Group, of: impl Fn(&Drawn) -> Option<f64>) -> Option<f64> {
    let values = group.runs.iter().map(|run| of(run)).collect::<Option<Vec<f64>>>()?;
    Some(values.into_iter().fold(f64::NEG_INFINITY, f64::max))
}

fn basin(runs: &[Drawn]) -> String {
    let Some(grid) = grid(runs) else { return String::new() };
    let what = grid.up.1.split(',').next().unwrap_or(grid.up.1);
    let edges = grid.edges().into_iter().map(|(value, edge)| match edge {
        Some(edge) => format!("{what} = {value}: {edge:.2}"),
        None => format!("{what} = {value}: not on this grid"),
    });
    let edges: Vec<String> = edges.map(|edge| unbroken(&edge)).collect();
    paragraph(&format!(
        "The basin of attraction ends where half of the rows no longer find their atom, at a distance of the start of {}.",
        edges.join("; ")
    ))
}

fn distances(group: &Group) -> Option<String> {
    let start = worst(group, |run| Some(run.stored.distance.as_ref()?.initial.worst))?;
    let end = worst(group, |run| Some(run.stored.distance.as_ref()?.end.worst))?;
    let (median, _) = group.figure(|run| Some(run.stored.distance.as_ref()?.end.median))?;
    // Of rows that started nowhere near an atom, it says nothing.
    if start > 1.0 {
        return None;
    }
    let verdict = match (end, median) {
        (end, _) if end < 0.1 => "Every row converges to its atom",
        (_, median) if median < 0.1 => "Most rows converge to their atoms, not all",
        _ => "Rows do not converge to their atoms",
    };
    Some(paragraph(&format!(
        "<b>{}</b>: {} (the worst{} ends at a distance of {}, the median at {}, from {}).",
        group.name,
        verdict.to_lowercase(),
        seeds(group),
        number(end),
        number(median),
        number(start)
    )))
}

fn rows(group: &Group) -> Option<String> {
    let random = ["random", "samples"].contains(&group.runs[0].run.setting("layer.init.method")?);
    let figure = |of: fn(&super::stored::Rows) -> usize| {
        let (mean, _) = group.figure(|run| Some(of(run.stored.rows.as_ref()?) as f64))?;
        Some(if mean.fract() == 0.0 { mean.to_string() } else { format!("{mean:.1}") })
    };
    if !random {
        return None;
    }
    Some(paragraph(&format!(
        "<b>{}</b>: of the rows, {} end as an atom each, {} as duplicates, {} as mixtures, {} dead{}.",
        group.name,
        figure(|rows| rows.atoms)?,
        figure(|rows| rows.duplicates)?,
        figure(|rows| rows.mixtures)?,
        figure(|rows| rows.dead)?,
        match group.runs.len() {
            1 => String::new(),
            count => format!(" (means over {count} seeds)"),
        }
    )))
}

fn noise(group: &Group) -> Option<String> {
    let run = group.runs[0];
    if run.number("data.noise")? == 0.0 {
        return None;
    }
    let (thresholding, _) =
        group.figure(|run| Some(run.stored.decode_error.as_ref()?.thresholding))?;
    let (linear, _) = group.figure(|run| run.stored.decode_error.as_ref()?.linear)?;
    let ratio = thresholding / linear;
    Some(paragraph(&format!(
        "<b>{}</b>: thresholding decodes h with a relative error of {}, {} times that of the best linear decoder, {}.",
        group.name,
        number(thresholding),
        number(ratio),
        number(linear)
    )))
}

fn classes(group: &Group) -> Option<String> {
    let told = |of: fn(&super::stored::Classes) -> f64| {
        let (mean, _) = group.figure(|run| Some(of(run.stored.classes.as_ref()?)))?;
        Some(unbroken(&format!("{:.1} %", 100.0 * mean)))
    };
    Some(paragraph(&format!(
        "<b>{}</b>: on which side of a plane x lies, its codes tell in {} of test examples and as many principal components in \
         {}; how far from it, {} and {}.",
        group.name,
        told(|classes| classes.side.codes)?,
        told(|classes| classes.side.principal)?,
        told(|classes| classes.size.codes)?,
        told(|classes| classes.size.principal)?
    )))
}
