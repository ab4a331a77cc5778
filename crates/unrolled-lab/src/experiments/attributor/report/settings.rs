//! The settings of a run, as a reviewer asks for them.

use super::Drawn;

/// Symbols or names, and values, as text.
pub(super) fn of(run: &Drawn) -> Vec<(String, String)> {
    let setting = |key: &str| run.run.setting(key).map(str::to_owned);
    let encodes = run.stored.attribution.as_deref() == Some("encoder");
    let of_encoder = |key: &str| setting(key).filter(|_| encodes);
    let after_slash = |path: String| path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let facts = [
        ("attribution", setting("attributor.attribution")),
        ("terms", setting("attributor.terms")),
        ("entropy", setting("attributor.entropy").filter(|weight| weight != "0.0")),
        ("orthogonality", setting("attributor.orthogonality").filter(|weight| weight != "0.0")),
        ("encoder", of_encoder("encoder.kind")),
        ("T", of_encoder("encoder.iterations")),
        ("λ", of_encoder("encoder.prox.penalty")),
        ("D⁰", setting("dictionary.init.method")),
        ("optimiser", setting("optimizer.kind")),
        ("rate", setting("optimizer.learning_rate")),
        ("batch", setting("train.batch_size")),
        ("steps", run.run.figure("steps").or(setting("train.steps"))),
        ("seed", setting("seed")),
        ("precision", setting("precision")),
        ("device", setting("device")),
        ("data", setting("data.path").map(after_slash).or(setting("data.source"))),
        ("n", setting("data.examples")),
        ("std", setting("data.std")),
    ];
    let facts = facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    facts.collect()
}
