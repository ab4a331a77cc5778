//! The sections of a comparison's report, drawn from results.json.

mod explanation;
mod figures;
mod implicit;
mod numbers;
mod penalty;
mod settings;
mod trouble;
mod view;
mod words;

use crate::Error;
use crate::report::page::Section;
use crate::report::table::escape;
use crate::report::{Figures, Subject, differences, differing, facts};
use figures::charts;
use view::RunView;

/// All sections.
pub(super) fn sections(subject: &Subject, figures: &mut Figures) -> Result<Vec<Section>, Error> {
    let found = subject.runs();
    let runs = found.iter().map(|(found, run)| RunView::read(found, run));
    let runs = runs.collect::<Result<Vec<_>, _>>()?;
    let all: Vec<&RunView> = runs.iter().collect();
    let named = all.len() > 1;
    let settings: Vec<_> = runs.iter().map(settings::of).collect();
    let mut sections = Vec::new();
    let mut add = |title: String, html: String| sections.push(Section { title, html });
    add("What was compared".to_owned(), facts(&settings) + &differences(subject));
    add("What came out".to_owned(), words::findings(&runs));
    if let Some(html) = implicit::section(&runs, figures) {
        add("Unrolled and implicit".to_owned(), html);
    }
    let keys = differing(&found.iter().map(|(_, run)| *run).collect::<Vec<_>>());
    if keys == ["encoder.prox.penalty"]
        && let Some(html) = penalty::section(&runs, figures)
    {
        add("How the bias grows with the penalty".to_owned(), html);
    }
    let curves: Vec<&RunView> = all.iter().copied().filter(|run| run.last() > 0).collect();
    let heading = "errors against the number of iterations";
    let groups: Vec<(String, Vec<&RunView>)> = match subject.is_joint() {
        true if curves.is_empty() => Vec::new(),
        true => vec![("Errors against the number of iterations".to_owned(), curves)],
        false if !named => vec![("Errors against the number of iterations".to_owned(), curves)],
        false => {
            curves.iter().map(|run| (format!("{}: {heading}", run.label()), vec![*run])).collect()
        }
    };
    for (title, runs) in groups.iter().filter(|(_, runs)| !runs.is_empty()) {
        let of = if named && !subject.is_joint() { runs[0].label() } else { "" };
        let html = format!("<div class=\"figures\">\n{}</div>\n", charts(runs, of, figures));
        add(title.clone(), html);
    }
    let tables = match subject.is_joint() {
        true => numbers::of(&all),
        false => all
            .iter()
            .map(|run| match named {
                true => format!("<h3>{}</h3>\n{}", escape(run.label()), numbers::of(&[run])),
                false => numbers::of(&[run]),
            })
            .collect(),
    };
    add("In numbers".to_owned(), tables);
    add("What you see".to_owned(), explanation::of(&runs));
    Ok(sections)
}

/// Positions of a handful of T, evenly spread in proportion: 1, 2, 5, 10, … and the last.
fn chosen(iterations: &[usize]) -> Vec<usize> {
    if iterations.len() <= 12 {
        return (0..iterations.len()).collect();
    }
    let wanted = (0..7).flat_map(|power| [1, 2, 5].map(|digit| digit * 10usize.pow(power)));
    let extra = [25, 250];
    let mut positions: Vec<usize> = wanted
        .chain(extra)
        .filter_map(|t| iterations.iter().position(|other| *other == t))
        .chain([0, iterations.len() - 1])
        .collect();
    positions.sort_unstable();
    positions.dedup();
    positions
}

/// How an estimator is written in HTML.
fn symbol(name: &str) -> String {
    match name.strip_prefix("g_") {
        Some(rest) => format!("g<sub>{}</sub>", escape(rest).replace('_', "-")),
        None => escape(name),
    }
}
