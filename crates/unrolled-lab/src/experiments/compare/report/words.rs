//! What came out and what it means, in words.

use super::{RunView, symbol};
use crate::report::table::{escape, number};

/// The findings of all runs.
pub(super) fn findings(runs: &[RunView]) -> String {
    let sentences: String = runs
        .iter()
        .map(|run| match run.name {
            "main" => format!("<p>{}</p>\n", finding(run)),
            name => format!("<p><b>{}</b>: {}</p>\n", escape(name), finding(run)),
        })
        .collect();
    format!(
        "<div class=\"finding\">\n{sentences}</div>\n<p>These are findings about the settings below, \
         not laws: which estimator is closest depends on how far the dictionary is from the truth, on \
         the penalty and on the number of iterations.</p>\n"
    )
}

fn finding(run: &RunView) -> String {
    let iterations = run.iterations();
    let estimators = run.estimators();
    let (Some(last), false) = (iterations.last(), estimators.is_empty()) else {
        return "nothing was compared.".to_owned();
    };
    let target = match run.reference() {
        "truth" => "the true gradient",
        _ => "the lasso gradient",
    };
    let error = format!("error_to_{}", run.reference());
    let at_last = |name: &str| {
        let curve = run.curve(&["estimators", name, &error]);
        curve.last().copied().unwrap_or(f64::NAN)
    };
    let mut order = estimators.clone();
    order.sort_by(|a, b| at_last(a).total_cmp(&at_last(b)));
    let listed: Vec<String> =
        order.iter().map(|name| format!("{} {}", symbol(name), number(at_last(name)))).collect();
    let repeats = run.number("repeats").unwrap_or(1.0);
    let holds = run.curve(&["ranking", "closest_holds_in"]).last().copied().unwrap_or(0.0);
    let mut text = format!("At T = {last}, the distance to {target} is {}", listed.join(", "));
    let (first, second) = (at_last(order[0]), order.get(1).map_or(f64::NAN, |name| at_last(name)));
    if second - first < 1e-3 * second {
        text.push_str("; the first two agree to one part in a thousand.");
    } else if repeats > 1.0 {
        text.push_str(&format!("; the first is the closest in {holds} of {repeats} repeats."));
    } else {
        text.push('.');
    }
    let crossovers = run.value["ranking"]["crossovers"].as_array().map_or(&[][..], Vec::as_slice);
    let name = |c: &serde_json::Value, key: &str| symbol(c[key].as_str().unwrap_or("?"));
    match crossovers {
        [] if iterations.len() > 1 => text.push_str(&format!(
            " {} is the closest at every T that was looked at.",
            symbol(order[0])
        )),
        [] => {}
        // Two estimators that tie change places often: the last change is what matters.
        [.., c] => text.push_str(&format!(
            " The ranking changes between T = {} and T = {}: {} is the closest before, {} from there \
             on{}.",
            c["last"],
            c["first"],
            name(c, "before"),
            name(c, "after"),
            match crossovers.len() {
                1 => String::new(),
                2 => " (there is one earlier change)".to_owned(),
                many => format!(" (there are {} earlier changes)", many - 1),
            }
        )),
    }
    text
}

/// The equations, the meaning of the curves, and the source.
pub(super) fn explanation(runs: &[RunView]) -> String {
    let has = |name: &str| runs.iter().any(|run| run.estimators().contains(&name));
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
    ] {
        if has(name) {
            estimators.push_str(&format!("<li>{}: {text}</li>\n", symbol(name)));
        }
    }
    format!(
        "<p>A dictionary D explains an example x by a sparse code z, x ≈ D z. The encoder finds the \
         code by T iterations from z<sub>0</sub> = 0:</p>\n\
         <p class=\"equation\">z<sub>t+1</sub> = prox(z<sub>t</sub> − α D<sup>⊤</sup>(D \
         z<sub>t</sub> − x)).</p>\n\
         <p>Learning needs a gradient of D, and there is a choice of what to differentiate:</p>\n\
         <ul>\n{estimators}</ul>\n\
         <p>Each is held against two references. The <b>true gradient</b> g* = mean (D z* − x) \
         z*<sup>⊤</sup> uses the codes that made the data: it is what a perfect encoder would give. The \
         <b>lasso gradient</b> ĝ is the same expression at the lasso’s code ẑ, where the iterations \
         converge with the soft threshold and a constant penalty. ẑ is not z*: the penalty shrinks \
         it, so an estimator that converges to ĝ keeps the bias ‖ĝ − g*‖ however many iterations it \
         makes.</p>\n\
         <p>g<sub>ae-ls</sub> does not converge to ĝ. Close to the true dictionary its bias shrinks \
         about like λ² and the others’ about like λ, so there it can be the closest; far from it, for \
         a small penalty or for few iterations, it often is not. The figures above say which case \
         this is.</p>\n\
         <p>Source of the estimators and of this experiment: B. Tolooshams and D. Ba, <i>Stable and \
         Interpretable Unrolled Dictionary Learning</i>, Transactions on Machine Learning Research, \
         2022 (arXiv 2106.00058).</p>\n"
    )
}
