//! `compare.estimators`: what they are called, and which can be compared.

use unrolled::gradient::{Estimator, NAMES, Reach};

use crate::config::{EncoderConfig, EstimatorConfig, Problems};
use crate::experiments::compare::plan::Network;
use crate::words::{list, nearest};

const PATH: &str = "compare.estimators";

/// Those of a comparison that names none.
pub(super) fn default(encoder: &EncoderConfig) -> Vec<EstimatorConfig> {
    let names: &[&str] = match encoder.is_solved() {
        true => &["g_dec", "g_implicit"],
        false => &["g_dec", "g_ae_lasso", "g_ae_ls"],
    };
    names.iter().map(|name| EstimatorConfig::Named((*name).to_owned())).collect()
}

/// A name that is there once stays as it is; of several, each has all that sets it apart.
pub(super) fn labels(estimators: &[EstimatorConfig]) -> Vec<String> {
    let count = |name: &str| estimators.iter().filter(|other| other.name() == name).count();
    let label = |estimator: &EstimatorConfig| match count(estimator.name()) {
        1 => estimator.name().to_owned(),
        _ => estimator.label(),
    };
    estimators.iter().map(label).collect()
}

/// Notes what cannot be compared; `shortest` is the smallest T.
pub(super) fn check(
    estimators: &[EstimatorConfig],
    encoder: &EncoderConfig,
    shortest: usize,
    problems: &Problems,
) {
    let labels = labels(estimators);
    for (index, (estimator, label)) in estimators.iter().zip(&labels).enumerate() {
        let name = estimator.name();
        let Some(built) = estimator.build::<Network>() else {
            problems.add(PATH, format!("`{PATH}` {}", unknown(estimator)));
            continue;
        };
        problems.require(!labels[..index].contains(label), PATH, || {
            format!("`{PATH}` names \"{label}\" twice; name it once")
        });
        let reach = Estimator::<Network>::reach(built.as_ref());
        if let Some(reason) = estimator.unsuited(reach, encoder) {
            problems.add(PATH, format!("`{PATH}` names \"{name}\", {reason}"));
        }
        if let Reach::Window(window) = reach {
            problems.require(!encoder.is_solved() || window < shortest, PATH, || {
                format!(
                    "`{PATH}` names \"{label}\", which goes back through {window} of the at most {shortest} \
                     iterations of a solver at the first of `compare.iterations`; begin them at {}",
                    window.saturating_add(1)
                )
            });
        }
    }
}

/// What is wrong with an estimator that there is not.
fn unknown(estimator: &EstimatorConfig) -> String {
    let name = estimator.name();
    if let Some(loss) = estimator.unknown_loss() {
        return format!(
            "has the loss \"{loss}\" for \"{name}\"; choose {}",
            list(&["least-squares", "lasso"])
        );
    }
    match (name, nearest(name, &NAMES)) {
        ("g_truncated", _) => {
            "names \"g_truncated\", which needs a window; write { name = \"g_truncated\", \
                               loss = \"least-squares\", window = 10 }"
                .to_owned()
        }
        (_, Some(near)) => format!("names \"{name}\"; did you mean \"{near}\"?"),
        (_, None) => format!("names \"{name}\"; choose {}", list(&NAMES)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_one_name_is_told_apart() {
        let read = |text: &str| -> Vec<EstimatorConfig> {
            let table: toml::Table = format!("e = [{text}]").parse().unwrap();
            table["e"].clone().try_into().unwrap()
        };
        let ten = "{ name = \"g_truncated\", window = 10 }";
        assert_eq!(labels(&read(&format!("\"g_dec\", {ten}"))), ["g_dec", "g_truncated"]);
        let lasso = "{ name = \"g_truncated\", window = 10, loss = \"lasso\" }";
        let ridge = "{ name = \"g_implicit\", ridge = 1e-8 }";
        let several = format!("{ten}, {lasso}, {ridge}, \"g_implicit\"");
        let expected =
            ["g_truncated_10", "g_truncated_10_lasso", "g_implicit_ridge_1e-8", "g_implicit"];
        assert_eq!(labels(&read(&several)), expected);
        // The same, written in two ways.
        let twice = labels(&read("\"g_implicit\", { name = \"g_implicit\", ridge = 0.0 }"));
        assert_eq!(twice[0], twice[1]);
    }
}
