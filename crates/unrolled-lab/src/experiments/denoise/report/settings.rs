//! The settings of a run, as a reviewer asks for them.

use super::Restoration;
use crate::report::table::number;
use crate::words::duration;

/// Symbols or names, and values, as text.
pub(super) fn of(run: &Restoration) -> Vec<(String, String)> {
    let setting = |key: &str| run.run.setting(key).map(str::to_owned);
    let unless = |key: &str, usual: &str| setting(key).filter(|value| value != usual);
    let stored = run.outcome.as_ref().ok();
    let filters = || {
        let size = size(&setting("dictionary.size")?);
        Some(format!("{} of {size}", setting("dictionary.atoms")?))
    };
    let prox = || {
        let kind = setting("encoder.prox.kind")?;
        let threshold = setting("encoder.prox.threshold").map(|t| format!(", threshold {t}"));
        let sided = unless("encoder.prox.sided", "two").map(|sided| format!(", {sided}-sided"));
        let learned = unless("encoder.prox.learned", "none").map(|how| format!(", learned {how}"));
        let on = |key: &str, text: &str| match setting(key).as_deref() {
            Some("true") => Some(text.to_owned()),
            _ => None,
        };
        let by_iteration = on("encoder.prox.by_iteration", ", in every iteration");
        let by_noise = on("encoder.prox.by_noise", ", by noise");
        let more = [threshold, sided, learned, by_iteration, by_noise];
        Some(more.into_iter().flatten().fold(kind, |all, more| all + &more))
    };
    let noise = || match (setting("data.noise.low"), setting("data.noise.high")) {
        (Some(low), Some(high)) => Some(format!("{low} to {high}")),
        _ => setting("data.noise"),
    };
    let measurement = || {
        let kind = unless("measurement.kind", "none")?;
        let keep = setting("measurement.keep").map(|keep| format!(", {keep} of the pixels kept"));
        let width = setting("measurement.width").map(|width| format!(", width {width} pixels"));
        Some(format!("{kind}{}", keep.or(width).unwrap_or_default()))
    };
    let init = || match setting("dictionary.init.path") {
        Some(path) => Some(format!("{}, {}", after_slash(&path), setting("dictionary.init.key")?)),
        None => setting("dictionary.init.method"),
    };
    let trains = stored.is_none_or(|stored| stored.steps > 0);
    let trained = |value: Option<String>| value.filter(|_| trains);
    let facts = [
        ("λ", setting("encoder.prox.penalty")),
        ("α", setting("encoder.step")),
        ("T", setting("encoder.iterations")),
        ("filters", filters()),
        ("stride", setting("dictionary.stride")),
        ("channels", setting("data.channels")),
        ("split", setting("encoder.split")),
        ("border", setting("encoder.border")),
        ("untied", setting("encoder.untied")),
        ("encoder", setting("encoder.kind")),
        ("prox", prox()),
        ("measurement", measurement()),
        ("σ", trained(noise())),
        ("σ of the test", setting("data.test_noise")),
        ("taken off", unless("data.remove", "nothing")),
        ("source", unless("data.source", "images")),
        ("train", trained(setting("data.train").map(|images| name(&images)))),
        ("validation", setting("data.validation").map(|images| name(&images))),
        ("test", setting("data.test").map(|images| name(&images))),
        ("crop", trained(setting("data.crop"))),
        ("D⁰", init()),
        ("constraint", setting("dictionary.constraint")),
        ("estimator", trained(setting("train.estimator").or(setting("train.estimator.name")))),
        ("target", trained(setting("train.target"))),
        ("steps", stored.map(|stored| stored.steps.to_string()).or(setting("train.steps"))),
        ("batch", trained(setting("train.batch_size"))),
        ("optimiser", trained(setting("optimizer.kind"))),
        ("rate", trained(setting("optimizer.learning_rate"))),
        ("schedule", trained(unless("optimizer.schedule.kind", "constant"))),
        ("parameters", stored.map(|stored| stored.parameters.to_string())),
        ("training time", trained(stored.map(|stored| time(stored.seconds)))),
        ("seed", setting("seed")),
        ("precision", setting("precision")),
        ("device", setting("device")),
    ];
    let facts = facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    facts.collect()
}

/// A duration, whatever the file says it is.
pub(super) fn time(seconds: f64) -> String {
    match (0.0..1e9).contains(&seconds) {
        true => duration(seconds),
        false => format!("{} s", number(seconds)),
    }
}

fn after_slash(path: &str) -> String {
    path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned()
}

/// As in "9 × 9".
fn size(pair: &str) -> String {
    pair.trim_matches(['[', ']']).split(',').map(str::trim).collect::<Vec<_>>().join(" × ")
}

/// Images as a folder or file, how many of those, or how many are drawn.
fn name(images: &str) -> String {
    let list = format!("images = {images}").parse::<toml::Table>();
    let list = list.as_ref().ok().and_then(|table| table.get("images")?.as_array());
    match list.map(Vec::as_slice) {
        Some([toml::Value::String(path)]) => after_slash(path),
        Some(paths) => format!("{} paths", paths.len()),
        None => after_slash(images),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_called_by_the_end_of_their_path() {
        assert_eq!(name("/none/bsd68"), "bsd68");
        assert_eq!(name("64"), "64");
        assert_eq!(name("[\"/none/a\"]"), "a");
        assert_eq!(name("[\"/none/a, b\", \"c\"]"), "2 paths");
        assert_eq!(size("[9, 11]"), "9 × 11");
    }
}
