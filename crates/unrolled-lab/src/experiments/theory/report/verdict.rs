//! What a theorem says, what was measured, and whether they agree.

use super::Drawn;
use crate::report::finding;
use crate::report::table::escape;

/// The boxes of a theorem.
pub(super) fn of(run: &Drawn, theorem: &str) -> String {
    let verdicts = run.stored.verdicts.iter().filter(|verdict| verdict.theorem == theorem);
    let one = |verdict: &super::Verdict| {
        let mut html = format!(
            "<p><b>The theorem.</b> {}</p>\n<p><b>Measured.</b> {}</p>\n<p><b>{}</b></p>\n",
            escape(&verdict.says),
            escape(&verdict.measured),
            if verdict.agrees { "They agree." } else { "They do not agree here." }
        );
        if !verdict.counter_examples.is_empty() {
            let items: String = verdict
                .counter_examples
                .iter()
                .map(|example| format!("<li>{}</li>\n", escape(example)))
                .collect();
            html += &format!(
                "<details><summary>Counter-examples: {}</summary>\n<ul>\n{items}</ul>\n</details>\n",
                verdict.counter_examples.len()
            );
        }
        finding(&[html])
    };
    verdicts.map(one).collect()
}
