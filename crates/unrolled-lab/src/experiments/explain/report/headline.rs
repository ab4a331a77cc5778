//! What came out, in a sentence or two.

use super::Explained;
use crate::report::table::number;
use crate::report::{failures, finding};

/// Reconstructions from examples that differ by less are taken for those of the dictionary.
const CLOSE: f64 = 1e-6;

/// The sentences.
pub(super) fn of(runs: &[Explained]) -> String {
    let failed =
        runs.iter().filter_map(|run| Some((run.run, run.stored.failed.as_ref()?.as_str())));
    let mut sentences = vec![failures(failed)];
    sentences.extend(runs.iter().filter_map(sentence));
    finding(&sentences)
}

fn sentence(run: &Explained) -> Option<String> {
    let stored = &run.stored;
    let (s, difference) = (stored.stationarity.as_ref()?, stored.difference?);
    let verdict = match difference {
        close if close < CLOSE => {
            "The dictionary is stationary, and the weights below are exact".to_owned()
        }
        _ => format!(
            "The dictionary is not stationary: {} by {} of their size, and the weights below hold as far as that",
            match stored.filter_shape {
                None => "reconstructions from training examples differ from its own",
                Some(_) => "filters made of the training examples differ from its own",
            },
            number(difference)
        ),
    };
    let rounds = match stored.polish_rounds {
        Some(0) | None => String::new(),
        Some(rounds) => format!(" after {rounds} rounds of exact steps"),
    };
    let mut text = format!(
        "<b>{}</b>: {verdict} (the largest entry of the derivative by D is {}, the largest violation of the lasso’s conditions {}{rounds}).",
        run.label(),
        number(s.gradient),
        number(s.kkt)
    );
    if let Some(unused) = stored.unused_atoms.filter(|count| *count > 0) {
        text += &format!(
            " {unused} {} by no example: no example contributes to {}.",
            if unused == 1 { "atom is used" } else { "atoms are used" },
            if unused == 1 { "it" } else { "them" }
        );
    }
    if stored.tests_of.as_deref() == Some("training") {
        text += " There are no test examples: training examples are explained.";
    }
    Some(format!("<p>{text}</p>\n"))
}
