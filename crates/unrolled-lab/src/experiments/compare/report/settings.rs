//! The settings of a run, as a reviewer asks for them.

use super::view::RunView;

/// Symbols or names, and values, as text.
pub(super) fn of(run: &RunView) -> Vec<(String, String)> {
    let mut facts: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        facts.extend(value.map(|value| (name.to_owned(), value)));
    };
    let setting = |key: &str| run.run.setting(key).map(str::to_owned);
    add("λ", setting("encoder.prox.penalty"));
    add(
        "α",
        setting("encoder.step").map(|step| match step.as_str() {
            "auto" => "0.99/‖D⁰‖²".to_owned(),
            _ => step,
        }),
    );
    for (name, size) in run.sizes() {
        add(name, size.map(|size| size.to_string()));
    }
    add("s", setting("data.nonzeros"));
    add("T", Some(range(run.iterations())));
    add("encoder", setting("encoder.kind"));
    let tolerance = setting("encoder.tolerance").and_then(|text| text.parse::<f64>().ok());
    add("tolerance", tolerance.map(|tolerance| format!("{tolerance:e}")));
    add(
        "prox",
        setting("encoder.prox.kind").map(|kind| {
            let sided = setting("encoder.prox.sided").unwrap_or_default();
            let decay = setting("encoder.prox.decay").map(|decay| format!(", decay {decay}"));
            format!("{kind}, {sided}-sided{}", decay.unwrap_or_default())
        }),
    );
    add(
        "D⁰",
        setting("dictionary.init.method").or(setting("dictionary.init")).map(
            |method| match setting("dictionary.init.noise") {
                Some(noise) => format!("{method}, noise {noise}"),
                None => method,
            },
        ),
    );
    add("iterations of ẑ", setting("compare.lasso_iterations"));
    add("repeats", Some(run.repeats().to_string()));
    add("seed", setting("seed"));
    add("precision", setting("precision"));
    add("device", setting("device"));
    add(
        "data",
        setting("data.path")
            .or(setting("data.source"))
            .map(|data| data.rsplit(['/', '\\']).next().unwrap_or_default().to_owned()),
    );
    facts
}

/// T as a person writes them.
fn range(iterations: &[usize]) -> String {
    let listed = |t: &[usize]| t.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    match iterations {
        few if few.len() <= 6 => listed(few),
        [first, .., last] if last - first + 1 == iterations.len() => format!("{first} … {last}"),
        [first, .., last] => format!("{first} … {last} ({} values)", iterations.len()),
        few => listed(few),
    }
}
