//! Which theorems agree with what was measured.

use super::{Drawn, PANELS};
use crate::experiments::theory::plan::EXACT;
use crate::report::finding;
use crate::report::table::{Cell, number, table};

/// A sentence for each run, and a table.
pub(super) fn of(runs: &[Drawn]) -> String {
    let sentences: Vec<String> = runs.iter().map(sentence).collect();
    finding(&sentences) + &overview(runs)
}

fn sentence(run: &Drawn) -> String {
    let verdicts = &run.stored.verdicts;
    let agree = verdicts.iter().filter(|verdict| verdict.agrees).count();
    let differ: Vec<&str> = verdicts
        .iter()
        .filter(|verdict| !verdict.agrees)
        .map(|verdict| verdict.theorem.as_str())
        .collect();
    let exceptions: usize = verdicts.iter().map(|verdict| verdict.counter_examples.len()).sum();
    let outcome = match differ.len() {
        0 => format!("All {agree} statements agree with what was measured."),
        _ => format!(
            "{agree} of {} statements agree with what was measured; those that do not are of theorem {}.",
            verdicts.len(),
            differ.join(", ")
        ),
    };
    let noisy = match run.stored.misfit > EXACT {
        true => format!(
            " The examples differ from D* z* by {} of their size, and the theorems are about examples that do not.",
            number(run.stored.misfit)
        ),
        false => String::new(),
    };
    format!(
        "<p><b>{}</b>: {outcome}{noisy} Counter-examples, outside of what the theorems ask for: {exceptions}.</p>\n",
        run.label()
    )
}

/// Statements that agree, by run and theorem.
fn overview(runs: &[Drawn]) -> String {
    let mut heads = vec!["statements that agree".to_owned()];
    heads.extend(PANELS.iter().map(|(theorem, what, _)| format!("{theorem}: {what}")));
    let row = |run: &Drawn| -> Vec<Cell> {
        let mut cells = vec![(run.label(), false)];
        for (theorem, _, _) in PANELS {
            let of = run.stored.verdicts.iter().filter(|verdict| verdict.theorem == theorem);
            let (agree, all) = (of.clone().filter(|verdict| verdict.agrees).count(), of.count());
            cells.push((format!("{agree} of {all}"), agree == all));
        }
        cells
    };
    table(&heads, &runs.iter().map(row).collect::<Vec<_>>())
}
