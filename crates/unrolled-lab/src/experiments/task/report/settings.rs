//! The settings of a run, as a reviewer asks for them.

use super::Drawn;

/// Symbols or names, and values, as text.
pub(super) fn of(run: &Drawn) -> Vec<(String, String)> {
    let setting = |key: &str| run.run.setting(key).map(str::to_owned);
    let after_slash = |path: String| path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let facts = [
        ("task", setting("task.kind")),
        ("β", setting("task.weight")),
        ("ridge", setting("task.ridge")),
        ("held out", setting("task.validation")),
        ("λ", setting("encoder.prox.penalty")),
        ("γ", setting("encoder.prox.ratio")),
        ("prox", setting("encoder.prox.kind")),
        ("fit", setting("encoder.fit.kind")),
        ("encoder", setting("encoder.kind")),
        ("T", setting("encoder.iterations")),
        ("tolerance", setting("encoder.tolerance")),
        ("α", setting("encoder.step").filter(|step| step != "auto")),
        ("p", setting("dictionary.atoms")),
        ("D⁰", setting("dictionary.init.method")),
        ("constraint", setting("dictionary.constraint")),
        ("estimator", setting("train.estimator").or(setting("train.estimator.name"))),
        ("optimiser", setting("optimizer.kind")),
        ("rate", setting("optimizer.learning_rate")),
        ("batch", setting("train.batch_size")),
        ("steps", run.run.figure("steps").or(setting("train.steps"))),
        ("seed", setting("seed")),
        ("precision", setting("precision")),
        ("device", setting("device")),
        ("data", setting("data.path").map(after_slash)),
        ("n", setting("data.examples")),
        ("classes", setting("data.classes").filter(|classes| classes != "[]")),
    ];
    let facts = facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    facts.collect()
}
