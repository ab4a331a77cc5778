//! The settings of a run, as a reviewer asks for them.

use super::Explained;

/// Symbols or names, and values, as text.
pub(super) fn of(run: &Explained) -> Vec<(String, String)> {
    let setting = |key: &str| run.run.setting(key).map(str::to_owned);
    let after_slash = |path: String| path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let facts = [
        ("data", setting("data.path").map(after_slash).or(setting("data.source"))),
        ("n", run.run.figure("examples")),
        ("ω", setting("explain.ridge")),
        ("λ", setting("encoder.prox.penalty")),
        ("codes", setting("explain.codes").map(|codes| codes.replace('"', ""))),
        ("polish", setting("explain.polish")),
        ("D⁰", setting("dictionary.init.method")),
        ("steps", run.run.figure("steps")),
        ("T", setting("encoder.iterations")),
        ("estimator", setting("train.estimator")),
        ("seed", setting("seed")),
        ("precision", setting("precision")),
    ];
    let facts = facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    facts.collect()
}
