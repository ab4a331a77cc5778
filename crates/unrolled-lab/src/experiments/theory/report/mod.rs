//! The sections of a report on the theory, drawn from results.json.

mod charts;
mod grid;
mod headline;
mod settings;
mod verdict;

use serde::Deserialize;

use super::measure::contraction::Contraction;
use super::measure::near_truth::{NearTruth, with_noise, with_penalty};
use super::measure::stationarity::Round;
use super::verdicts::Verdict;
use crate::Error;
use crate::report::page::Section;
use crate::report::table::escape;
use crate::report::{Figures, ReportedRun, Subject, differences, facts};

/// A run.
struct Drawn<'a> {
    run: &'a ReportedRun,
    stored: Stored,
    /// What stands before the titles of its charts; nothing where there is one run.
    of: String,
}

/// What is read of the figures of a run.
#[derive(Deserialize)]
struct Stored {
    penalty: f64,
    misfit: f64,
    curves_at: f64,
    iterations: Vec<usize>,
    near_truth: Vec<NearTruth>,
    contraction: Vec<Contraction>,
    stationarity: Vec<Round>,
    verdicts: Vec<Verdict>,
}

impl Drawn<'_> {
    /// Its name on the page, as HTML.
    fn label(&self) -> String {
        escape(&self.run.label)
    }

    /// The measurements with one dictionary noise.
    fn with_noise(&self, noise: f64) -> Vec<&NearTruth> {
        with_noise(&self.stored.near_truth, noise)
    }

    /// The measurements with one penalty.
    fn with_penalty(&self, penalty: f64) -> Vec<&NearTruth> {
        with_penalty(&self.stored.near_truth, penalty)
    }

    /// That at which curves over T are drawn.
    fn focus(&self) -> Option<&NearTruth> {
        let near = self.with_noise(self.stored.curves_at);
        near.into_iter().find(|near| near.at.penalty == self.stored.penalty)
    }

    /// Every λ, ascending.
    fn penalties(&self) -> Vec<f64> {
        distinct(self.stored.near_truth.iter().map(|near| near.at.penalty))
    }

    /// Every dictionary noise, ascending, from 0 on.
    fn noises(&self) -> Vec<f64> {
        distinct(self.stored.near_truth.iter().map(|near| near.at.dictionary_noise))
    }
}

fn distinct(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

/// A theorem, what it is about, and its charts.
type Panel = (&'static str, &'static str, fn(&Drawn, &mut Figures) -> String);

const PANELS: [Panel; 4] = [
    ("II.1", "the code error", charts::codes),
    ("II.2", "the descent to the dictionary", charts::descent),
    ("II.3", "the three gradients", charts::gradients),
    ("II.4", "the dictionary as a sum of its data", charts::stationarity),
];

/// All sections.
pub(super) fn sections(subject: &Subject, figures: &mut Figures) -> Result<Vec<Section>, Error> {
    let several = subject.runs().len() > 1;
    let mut runs = Vec::new();
    for found in &subject.directories {
        for run in &found.runs {
            let of = if several { run.label.clone() } else { String::new() };
            runs.push(Drawn { run, stored: found.figures(run)?, of });
        }
    }
    let mut sections = Vec::new();
    let mut add = |title: String, html: String| sections.push(Section { title, html });
    let settings: Vec<_> = runs.iter().map(settings::of).collect();
    add("What was measured".to_owned(), facts(&settings) + &differences(subject));
    add("What came out".to_owned(), headline::of(&runs));
    for run in &runs {
        for (theorem, what, charts) in PANELS {
            let of = if several { format!(", {}", run.run.label) } else { String::new() };
            let verdicts = verdict::of(run, theorem);
            let charts = charts(run, figures);
            let html = format!("{verdicts}<div class=\"figures\">\n{charts}</div>\n");
            add(format!("Theorem {theorem}: {what}{of}"), html);
        }
    }
    add("What you see".to_owned(), EXPLANATION.to_owned());
    Ok(sections)
}

const EXPLANATION: &str = "<p>Examples are x = D* z*, atoms of norm 1, and noise where the data have it. From a dictionary D⁰ = normalise(D* + noise · N), T iterations of ISTA give the code \
    z_T; the lasso’s code ẑ, solved to a relative duality gap of 10<sup>−13</sup>, is what they tend to. g* and ĝ are the \
    gradients of D with the codes held fixed at z* and at ẑ. Errors of codes are means over the examples of Euclidean norms, errors of \
    gradients Frobenius norms.</p>\n\
    <p>The theorems bound such errors up to constants, near the truth and for codes that are sparse enough. What is measured here is \
    whether the errors behave as the bounds do, and where they cease to: those places are listed as counter-examples, \
    and do not contradict the theorems, whose conditions they lie outside of.</p>\n\
    <p>B. Tolooshams and D. Ba, <i>Stable and Interpretable Unrolled Dictionary Learning</i>, Transactions on Machine Learning \
    Research, 2022 (arXiv 2106.00058).</p>\n";
