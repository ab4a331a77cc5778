//! The settings of a run, as a reviewer asks for them.

use super::Learned;

/// Symbols or names, and values, as text.
pub(super) fn of(run: &Learned) -> Vec<(String, String)> {
    let setting = |key: &str| run.run.setting(key).map(str::to_owned);
    let after_slash = |path: String| path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let init = setting("dictionary.init.method").or(setting("dictionary.init"));
    let init = init.map(|method| match setting("dictionary.init.noise") {
        Some(noise) => format!("{method}, noise {noise}"),
        None => method,
    });
    let facts = [
        ("λ", setting("encoder.prox.penalty")),
        ("α", setting("encoder.step")),
        ("T", setting("encoder.iterations")),
        ("n", setting("data.examples")),
        ("m", setting("data.features")),
        ("p", setting("data.atoms").or(setting("dictionary.atoms"))),
        ("s", setting("data.nonzeros")),
        ("estimator", setting("train.estimator").or(setting("train.estimator.name"))),
        ("encoder", setting("encoder.kind")),
        ("prox", setting("encoder.prox.kind")),
        ("D⁰", init),
        ("optimiser", setting("optimizer.kind")),
        ("rate", setting("optimizer.learning_rate")),
        ("batch", setting("train.batch_size")),
        ("steps", run.run.figure("steps").or(setting("train.steps"))),
        ("held out", setting("train.validation").filter(|share| share != "0.0")),
        ("seed", setting("seed")),
        ("precision", setting("precision")),
        ("device", setting("device")),
        ("data", setting("data.path").or(setting("data.source")).map(after_slash)),
    ];
    let facts = facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    facts.collect()
}
