//! The table of errors at chosen T.

use super::view::{Reference, RunView};
use super::{chosen, symbol};
use crate::report::table::{Cell, escape, number, table, unbroken};

/// A table of one run, or of several with the runs side by side at each T.
pub(super) fn of(runs: &[&RunView]) -> String {
    let named = runs.len() > 1;
    let truth = runs.iter().all(|run| run.reference() == Reference::Truth);
    let reference = if truth { Reference::Truth } else { Reference::Lasso };
    let has_true_codes = runs.iter().any(|run| !run.code_error("to_truth").is_empty());
    // One repeat agrees with itself.
    let repeated = runs.iter().any(|run| run.repeats() > 1)
        && runs.iter().all(|run| run.reference() == reference);
    let mut estimators: Vec<&str> = Vec::new();
    for name in runs.iter().flat_map(|run| run.estimators()) {
        if !estimators.contains(&name) {
            estimators.push(name);
        }
    }
    let mut heads = vec![if named { "run" } else { "T" }.to_owned()];
    heads.push(unbroken("‖z<sub>T</sub> − ẑ‖"));
    if has_true_codes {
        heads.push(unbroken("‖z<sub>T</sub> − z*‖"));
    }
    let to = reference.symbol();
    heads.extend(estimators.iter().map(|name| format!("{}<br>error to {to}", symbol(name))));
    if repeated {
        heads.push("closest<br>the same in".to_owned());
    }
    let mut farther = false;
    let mut row = |t: usize, run: &RunView| -> Option<Vec<Cell>> {
        let at = run.position(t)?;
        // The first column stays where a narrow page scrolls.
        let mut row = vec![match named {
            true => (format!("{}<br><small>T\u{a0}=\u{a0}{t}</small>", escape(run.label())), false),
            false => (t.to_string(), false),
        }];
        let value = |curve: &[f64]| curve.get(at).map_or(String::new(), |v| number(*v));
        row.push((value(run.code_error("to_lasso")), false));
        if has_true_codes {
            row.push((value(run.code_error("to_truth")), false));
        }
        let errors: Vec<(f64, f64)> =
            estimators.iter().map(|name| run.error(name, reference, at)).collect();
        let least = errors.iter().map(|error| error.0).fold(f64::MAX, f64::min);
        for (name, (mean, std)) in estimators.iter().zip(&errors) {
            if run.curve(name, "error_to_lasso").is_empty() {
                row.push((String::new(), false));
                continue;
            }
            let spread = if run.repeats() > 1 && mean.is_finite() {
                format!(" ± {}", spread(*std))
            } else {
                String::new()
            };
            let relative = run.curve(name, &format!("relative_error_to_{}", reference.name()));
            let relative = relative.get(at).copied().unwrap_or(f64::NAN);
            let mark = if relative > 1.0 { " †" } else { "" };
            farther |= relative > 1.0;
            let small = unbroken(&format!("{}{mark}", percent(relative)));
            row.push((
                format!("{}{spread}<br><small>{small}</small>", number(*mean)),
                *mean == least,
            ));
        }
        if repeated {
            let holds = run.closest_holds_in()[at];
            let several = run.repeats() > 1;
            row.push((
                if several { format!("{holds} of {}", run.repeats()) } else { String::new() },
                false,
            ));
        }
        Some(row)
    };
    let mut wanted: Vec<usize> = runs
        .iter()
        .flat_map(|run| chosen(run.iterations()).into_iter().map(|at| run.iterations()[at]))
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut rows = Vec::new();
    for t in wanted {
        rows.extend(runs.iter().filter_map(|run| row(t, run)));
    }
    let zero = match farther {
        true => format!(
            " † The error exceeds ‖{to}‖: the gradient is farther from {to} than the zero gradient is."
        ),
        false => String::new(),
    };
    let norms: String = runs.iter().map(|run| norms(run, named)).collect();
    format!("{}{norms}<p>Below each error: relative to ‖{to}‖.{zero}</p>\n", table(&heads, &rows))
}

fn norms(run: &RunView, named: bool) -> String {
    let norms = run.norms().into_iter();
    let norms = norms.filter_map(|(label, norm)| Some((label, norm?)));
    let norms: Vec<String> =
        norms.map(|(label, norm)| unbroken(&format!("{label} = {}", number(norm)))).collect();
    let name = if named { format!("<b>{}</b>: ", escape(run.label())) } else { String::new() };
    match norms.is_empty() {
        true => String::new(),
        false => format!("<p>{name}{}.</p>\n", norms.join(", ")),
    }
}

/// A standard deviation: two digits tell enough.
pub(super) fn spread(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        v if !(1e-6..1e5).contains(&v) => number(v),
        v => {
            let digits = (1 - v.log10().floor() as i32).max(0) as usize;
            format!("{v:.digits$}")
        }
    }
}

fn percent(value: f64) -> String {
    match 100.0 * value {
        p if !p.is_finite() => String::new(),
        p if p >= 1e4 => format!("{} times", number(value)),
        p if p >= 10.0 => format!("{p:.0} %"),
        p => format!("{p:.1} %"),
    }
}
