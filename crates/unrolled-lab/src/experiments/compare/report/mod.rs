//! The sections of a comparison's report, drawn from results.json.

mod figures;
mod penalty;
mod words;

use serde_json::Value;

use crate::report::page::Section;
use crate::report::table::{Cell, escape, number, table};
use figures::charts;

/// One run of results.json.
pub(super) struct RunView<'a> {
    pub name: &'a str,
    pub value: &'a Value,
}

impl<'a> RunView<'a> {
    /// The numbers at a path of keys; empty where there are none, not-a-number where one is missing.
    pub fn curve(&self, keys: &[&str]) -> Vec<f64> {
        let found = keys.iter().try_fold(self.value, |value, key| value.get(key));
        let entries = found.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        entries.iter().map(|entry| entry.as_f64().unwrap_or(f64::NAN)).collect()
    }

    /// The number at a key.
    pub fn number(&self, key: &str) -> Option<f64> {
        self.value.get(key).and_then(Value::as_f64)
    }

    /// The T.
    pub fn iterations(&self) -> Vec<usize> {
        self.curve(&["iterations"]).into_iter().map(|t| t as usize).collect()
    }

    /// The estimators, in the order of the configuration.
    pub fn estimators(&self) -> Vec<&'a str> {
        let found = self.value["estimators"].as_object();
        found.map(|map| map.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    /// "truth" or "lasso": what the ranking is by.
    pub fn reference(&self) -> &'static str {
        match self.value["ranking"]["by"].as_str() {
            Some("error_to_lasso") => "lasso",
            _ => "truth",
        }
    }
}

/// All sections.
pub(super) fn sections(results: &Value) -> Vec<Section> {
    let Some(runs) = results["runs"].as_object() else {
        return Vec::new();
    };
    let runs: Vec<RunView> = runs.iter().map(|(name, value)| RunView { name, value }).collect();
    let mut sections =
        vec![Section { title: "What came out".to_owned(), html: words::findings(&runs) }];
    if results["differ_in_penalty_only"] == true {
        sections.extend(penalty::section(&runs));
    }
    for run in runs.iter().filter(|run| run.iterations().len() > 1) {
        let title = match run.name {
            "main" => "Errors against the number of iterations".to_owned(),
            name => format!("{name}: errors against the number of iterations"),
        };
        let html = format!("<div class=\"figures\">\n{}</div>\n", charts(run));
        sections.push(Section { title, html });
    }
    sections.push(Section {
        title: "In numbers".to_owned(),
        html: runs.iter().map(|run| numbers(run, runs.len() > 1)).collect(),
    });
    sections.push(Section { title: "What you see".to_owned(), html: words::explanation(&runs) });
    sections
}

/// A table at chosen T.
fn numbers(run: &RunView, with_name: bool) -> String {
    let iterations = run.iterations();
    let estimators = run.estimators();
    let reference = run.reference();
    let holds = run.curve(&["ranking", "closest_holds_in"]);
    let repeats = run.number("repeats").unwrap_or(1.0);
    let of = if reference == "truth" { "g*" } else { "ĝ" };
    let mut heads = vec!["T".to_owned(), "‖z<sub>T</sub> − ẑ‖".to_owned()];
    let to_truth = run.curve(&["code_error", "to_truth"]);
    if !to_truth.is_empty() {
        heads.push("‖z<sub>T</sub> − z*‖".to_owned());
    }
    heads.extend(estimators.iter().map(|name| format!("{}<br>error to {of}", symbol(name))));
    heads.push("closest<br>the same in".to_owned());
    let rows: Vec<Vec<Cell>> = chosen(&iterations)
        .into_iter()
        .map(|index| {
            let mut row = vec![(iterations[index].to_string(), false)];
            let at = |curve: Vec<f64>| curve.get(index).map_or(String::new(), |v| number(*v));
            row.push((at(run.curve(&["code_error", "to_lasso"])), false));
            if !to_truth.is_empty() {
                row.push((number(to_truth[index]), false));
            }
            let error = format!("error_to_{reference}");
            let errors: Vec<f64> = estimators
                .iter()
                .filter_map(|name| run.curve(&["estimators", name, &error]).get(index).copied())
                .collect();
            let least = errors.iter().copied().fold(f64::MAX, f64::min);
            for (name, value) in estimators.iter().zip(&errors) {
                let std = run.curve(&["estimators", name, &format!("{error}_std")]);
                let spread = std.get(index).map_or(String::new(), |s| format!(" ± {}", spread(*s)));
                let relative = run.curve(&["estimators", name, &format!("relative_{error}")]);
                let relative = relative.get(index).map_or(String::new(), |v| percent(*v));
                let text = format!("{}{spread}<br><small>{relative}</small>", number(*value));
                row.push((text, *value == least));
            }
            let holds = holds.get(index).map_or(String::new(), |h| format!("{h} of {repeats}"));
            row.push((holds, false));
            row
        })
        .collect();
    let title = match with_name {
        true => format!("<h3>{}</h3>\n", escape(run.name)),
        false => String::new(),
    };
    let norms = [
        ("truth_gradient_norm", "‖g*‖"),
        ("lasso_gradient_norm", "‖ĝ‖"),
        ("lasso_gradient_error_to_truth", "‖ĝ − g*‖"),
    ];
    let norms: Vec<String> = norms
        .iter()
        .filter_map(|(key, label)| Some(format!("{label} = {}", number(run.number(key)?))))
        .collect();
    format!(
        "{title}{}<p>{}. Below each error: relative to ‖{of}‖.</p>\n",
        table(&heads, &rows),
        norms.join(", ")
    )
}

/// A standard deviation: two digits tell enough.
fn spread(value: f64) -> String {
    match value {
        v if v < 1e-4 => format!("{v:.0e}"),
        v => {
            let digits = (1 - v.log10().floor() as i32).max(0) as usize;
            format!("{v:.digits$}")
        }
    }
}

fn percent(value: f64) -> String {
    match 100.0 * value {
        p if p >= 10.0 => format!("{p:.0} %"),
        p => format!("{p:.1} %"),
    }
}

/// Positions of a handful of T, evenly spread in proportion: 1, 2, 5, 10, … and the last.
pub(super) fn chosen(iterations: &[usize]) -> Vec<usize> {
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
pub(super) fn symbol(name: &str) -> String {
    match name {
        "g_dec" => "g<sub>dec</sub>".to_owned(),
        "g_ae_lasso" => "g<sub>ae-lasso</sub>".to_owned(),
        "g_ae_ls" => "g<sub>ae-ls</sub>".to_owned(),
        other => escape(other),
    }
}
