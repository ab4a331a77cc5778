//! The settings of a run, as a reviewer asks for them.

use super::Drawn;

/// Symbols or names, and values, as text.
pub(super) fn of(run: &Drawn) -> Vec<(String, String)> {
    let setting = |key: &str| run.run.setting(key).map(str::to_owned);
    let facts = [
        ("data", setting("data.source")),
        ("n", run.run.figure("examples")),
        ("m", run.run.figure("features")),
        ("p", run.run.figure("atoms")),
        ("s", setting("data.nonzeros")),
        ("noise on X", setting("data.noise")),
        ("λ", setting("encoder.prox.penalty")),
        ("α", setting("encoder.step")),
        ("sided", setting("encoder.prox.sided").map(|sided| sided.replace('"', ""))),
        ("seed", setting("seed")),
        ("precision", setting("precision")),
    ];
    let facts = facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    facts.collect()
}
