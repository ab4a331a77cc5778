//! What the curves mean, in words.

use super::symbol;
use super::view::{Reference, RunView};

/// The equations, the meaning of the curves, and the source.
pub(super) fn of(runs: &[RunView]) -> String {
    let is = |label: &str, name: &str| {
        label == name
            || matches!(name, "g_one_step" | "g_truncated" | "g_implicit")
                && label.starts_with(name)
    };
    let has =
        |name: &str| runs.iter().any(|run| run.estimators().iter().any(|label| is(label, name)));
    let has_truth = runs.iter().any(|run| run.reference() == Reference::Truth);
    let mut estimators = String::new();
    for (name, text) in [
        (
            "g_dec",
            "mean over examples of (D z<sub>T</sub> − x) z<sub>T</sub><sup>⊤</sup>: the derivative of \
             the lasso with the codes held fixed. Costs a forward pass.",
        ),
        (
            "g_ae_lasso",
            "the derivative of the lasso through the decoder and all T iterations of the encoder. \
             Costs about three forward passes and keeps T iterates in memory.",
        ),
        (
            "g_ae_ls",
            "the derivative of the reconstruction ½‖x − D z<sub>T</sub>‖² alone, through all T \
             iterations; the penalty acts in the encoder only. Costs the same.",
        ),
        (
            "g_one_step",
            "the derivative through the last iteration only: a forward pass and one iteration back.",
        ),
        (
            "g_truncated",
            "the derivative through the last iterations only, as many as its window: what is before them is held \
             fixed.",
        ),
        (
            "g_implicit",
            "the derivative through the solution, by the conditions of optimality on the support of the codes at \
             hand: codes and a linear system for each, with one iterate in memory whatever T. It is exact where the \
             codes are the solution.",
        ),
    ] {
        if has(name) {
            estimators.push_str(&format!("<li>{}: {text}</li>\n", symbol(name)));
        }
    }
    let biases = match has("g_implicit") {
        true => {
            "its bias and that of g<sub>implicit</sub> shrink about like λ² and those of the lasso’s estimators about \
             like λ, so there they can be the closest; far from it, for a small penalty or for few iterations, they \
             often are not."
        }
        false => {
            "its bias shrinks about like λ² and the others’ about like λ, so there it can be the closest; far from it, \
             for a small penalty or for few iterations, it often is not."
        }
    };
    let references = match has_truth {
        true => format!(
            "<p>Each is held against two references. The <b>true gradient</b> g* = mean (D z* − x) \
             z*<sup>⊤</sup> uses the codes that made the data: it is what a perfect encoder would give. The \
             <b>lasso gradient</b> ĝ is the same expression at the lasso’s code ẑ, where the iterations \
             converge with the soft threshold and a constant penalty. ẑ is not z*: the penalty shrinks \
             it, so an estimator that converges to ĝ keeps the bias ‖ĝ − g*‖ however many iterations it \
             makes.</p>\n\
             <p>g<sub>ae-ls</sub> does not converge to ĝ. Close to the true dictionary {biases} The figures above say \
             which case this is.</p>\n"
        ),
        false => {
            "<p>Each is held against the <b>lasso gradient</b> ĝ = mean (D ẑ − x) ẑ<sup>⊤</sup> at the lasso’s \
             code ẑ, where the iterations converge with the soft threshold and a constant penalty. The data came \
             without the codes that made them, so nothing is said of how far ĝ itself is from their gradient; \
             g<sub>ae-ls</sub> does not converge to ĝ, which does not make it the worse one.</p>\n".to_owned()
        }
    };
    let unrolled = "The encoder finds the code by T iterations from z<sub>0</sub>\u{a0}=\u{a0}0:</p>\n\
         <p class=\"equation\">z<sub>t+1</sub> = prox(z<sub>t</sub> − α D<sup>⊤</sup>(D \
         z<sub>t</sub> − x)).</p>\n";
    let solved = "The encoder solves for the code that minimises the fit and the penalty together, each example to a \
         tolerance or until T iterations are made; z<sub>T</sub> is what is there then.</p>\n";
    let encoder = match (runs.iter().all(RunView::is_solved), runs.iter().any(RunView::is_solved)) {
        (true, _) => solved.to_owned(),
        (false, false) => unrolled.to_owned(),
        (false, true) => {
            format!("{unrolled}<p>With kind solved: {}", solved.replace("The encoder", "it"))
        }
    };
    let implicit = match has("g_implicit") {
        true => {
            " g<sub>implicit</sub>: Q. Bertrand and others, <i>Implicit differentiation for fast hyperparameter \
             selection in non-smooth convex learning</i>, JMLR 2022; J. Mairal, F. Bach and J. Ponce, <i>Task-driven \
             dictionary learning</i>, IEEE TPAMI 2012."
        }
        false => "",
    };
    format!(
        "<p>A dictionary D explains an example x by a sparse code z, x ≈ D z. {encoder}\
         <p>Learning needs a gradient of D, and there is a choice of what to differentiate:</p>\n\
         <ul>\n{estimators}</ul>\n{references}\
         <p>Source of the estimators and of this experiment: B. Tolooshams and D. Ba, <i>Stable and \
         Interpretable Unrolled Dictionary Learning</i>, Transactions on Machine Learning Research, \
         2022 (arXiv 2106.00058).{implicit}</p>\n"
    )
}
