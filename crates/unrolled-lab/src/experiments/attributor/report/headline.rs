//! What came out, in a sentence or two.

use super::Drawn;
use crate::report::table::{number, unbroken};
use crate::report::{failures, finding};

/// More runs than this are left to the table.
const MOST: usize = 6;

/// The sentences.
pub(super) fn of(runs: &[Drawn]) -> String {
    let failed =
        runs.iter().filter_map(|run| Some((run.run, run.stored.failed.as_ref()?.as_str())));
    let mut sentences = vec![failures(failed)];
    if runs.len() <= MOST {
        sentences.extend(runs.iter().filter_map(sentence));
    }
    finding(&sentences)
}

fn sentence(run: &Drawn) -> Option<String> {
    let stored = &run.stored;
    let (loss, terms) = (stored.loss?, stored.terms?);
    let mut text = format!("<b>{}</b> ends at a loss of {}", run.label(), number(loss));
    if let Some(floor) = stored.reachable() {
        let above = unbroken(&format!("{:.1} %", 100.0 * (loss / floor - 1.0)));
        text += &format!(
            ", {above} above {}, the least that shares of {terms} atoms which sum to 1 can reach",
            number(floor)
        );
    }
    text += ".";
    if let (Some(share), Some(entropy), Some(nonzeros)) =
        (stored.largest_share, stored.entropy, stored.nonzeros)
    {
        let sparse = match stored.attribution.as_deref() {
            Some("softmax") => "Softmax is not sparse: no share is 0; on average".to_owned(),
            _ => format!("On average {} of {terms} shares are not 0, and", number(nonzeros)),
        };
        text += &format!(
            " {sparse} the largest is {} and the entropy {} of at most {} nats.",
            unbroken(&format!("{:.1} %", 100.0 * share)),
            number(entropy),
            number((terms as f64).ln())
        );
    }
    if let (Some(distances), Some(std)) = (&stored.distances_to_means, stored.std) {
        let worst = distances.iter().copied().fold(0.0, f64::max);
        let verdict = match worst / std {
            far if far > 1.0 => "The atoms do not land on the means of the data",
            _ => "Every mean of the data has an atom near it",
        };
        text += &format!(
            " {verdict}: the mean farthest from any atom is {} away, {} standard deviations.",
            number(worst),
            number(worst / std)
        );
    }
    Some(format!("<p>{text}</p>\n"))
}
