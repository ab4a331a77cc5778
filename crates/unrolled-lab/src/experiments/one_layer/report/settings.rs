//! The settings of a run, as a reviewer asks for them.

use super::Drawn;

/// Symbols or names, and values, as text.
pub(super) fn of(run: &Drawn) -> Vec<(String, String)> {
    let setting = |key: &str| run.run.setting(key).map(str::to_owned);
    let synthetic = |key: &str| {
        setting(key).filter(|_| setting("data.source").is_some_and(|source| source == "synthetic"))
    };
    let after_slash = |path: String| path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let facts = [
        ("data", setting("data.path").map(after_slash).or(setting("data.source"))),
        ("m", run.run.figure("features").or(setting("data.features"))),
        ("units", run.run.figure("units")),
        ("s", synthetic("data.nonzeros")),
        ("A", synthetic("data.dictionary")),
        ("noise", synthetic("data.noise")),
        ("φ", setting("layer.activation")),
        ("θ", setting("layer.threshold")),
        ("b", setting("layer.bias")),
        ("output", setting("layer.output")),
        ("W⁰", setting("layer.init.method")),
        ("distance", setting("layer.init.distance")),
        ("rounding", setting("layer.rounding").filter(|rounding| rounding != "none")),
        ("estimator", setting("train.estimator")),
        ("optimiser", setting("optimizer.kind")),
        ("rate", setting("optimizer.learning_rate")),
        ("batch", setting("train.batch_size")),
        ("fresh", setting("data.fresh").filter(|fresh| fresh == "true")),
        ("steps", run.run.figure("steps").or(setting("train.steps"))),
        ("seed", setting("seed")),
        ("precision", setting("precision")),
        ("device", setting("device")),
    ];
    let facts = facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    facts.collect()
}
