//! The sections of a report that explains, drawn from results.json and arrays.safetensors.

mod drawn;
mod headline;
mod rows;
mod settings;
mod stored;

use crate::Error;
use crate::report::page::Section;
use crate::report::table::escape;
use crate::report::{Figures, Finished, ReportedRun, Subject, differences, facts};
use stored::Stored;

/// A run.
struct Explained<'a> {
    found: &'a Finished,
    run: &'a ReportedRun,
    stored: Stored,
}

impl Explained<'_> {
    /// Its name on the page, as HTML.
    fn label(&self) -> String {
        escape(&self.run.label)
    }
}

/// All sections.
pub(super) fn sections(subject: &Subject, figures: &mut Figures) -> Result<Vec<Section>, Error> {
    let mut runs = Vec::new();
    for found in &subject.directories {
        for run in &found.runs {
            runs.push(Explained { found, run, stored: found.figures(run)? });
        }
    }
    let mut sections = Vec::new();
    let mut add = |title: String, html: String| {
        if !html.is_empty() {
            sections.push(Section { title, html });
        }
    };
    let settings: Vec<_> = runs.iter().map(settings::of).collect();
    add("What was explained".to_owned(), facts(&settings) + &differences(subject));
    add("What came out".to_owned(), headline::of(&runs));
    for run in runs.iter().filter(|run| run.stored.failed.is_none()) {
        let of = if runs.len() > 1 { format!(" of {}", run.run.label) } else { String::new() };
        add(format!("Examples{of}, and what they are made of"), drawn::tests(run, figures)?);
        add(format!("Atoms{of}, and what they are made of"), drawn::atoms(run, figures)?);
    }
    let filters = runs.iter().any(|run| run.stored.filter_shape.is_some());
    add(
        "What you see".to_owned(),
        EXPLANATION.replace("FILTERS", if filters { OF_FILTERS } else { "" }),
    );
    Ok(sections)
}

const EXPLANATION: &str = "<p>At a stationary point of ½‖X − Z Dᵀ‖² + λ‖Z‖₁ + ω/2 ‖D‖², sums over all training examples, the \
    dictionary is D = Xᵀ G⁻¹ Z with G = Z Zᵀ + ω I. So every atom is a weighted sum of training examples: column j of G⁻¹ Z holds \
    the weights of atom j. And so is every reconstruction D ẑ: its weights are β = G⁻¹ Z ẑ. Examples with a weight above 0 build it, \
    those with one below 0 work against it.</p>\n\
    <p>Away from a stationary point β X is not D ẑ; the difference is said above. <code>explain.polish</code> goes towards one by \
    exact steps. Examples that are similar by code have codes that point the same way; they need not contribute. \
    Once the encoder has converged, the saliency of an atom is a row of the pseudo-inverse of the atoms that the example uses: it tells \
    this atom from the others.</p>\nFILTERS\
    <p>B. Tolooshams and D. Ba, <i>Stable and Interpretable Unrolled Dictionary Learning</i>, Transactions on Machine Learning \
    Research, 2022 (arXiv 2106.00058), theorem II.4.</p>\n";

const OF_FILTERS: &str = "<p>Filters are the solution of the normal equations of all their entries, H θ = Σ b<sub>i</sub>, and so a sum over training \
    examples and over their patches, Σ H⁻¹ b<sub>i</sub>. Where patches overlap, what one of them gives to a filter is a filter, not a weight \
    times the patch: its part along the filter, divided by the filter’s square, is the share that is shown. Shares of all \
    patches sum to 1 at a stationary point, and so do those of all training examples in a reconstruction.</p>\n";
