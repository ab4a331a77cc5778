//! Which estimator takes the gradient of a task.

use unrolled::gradient::{Estimator, GImplicit, GTruncated, Reach};
use unrolled::task::TaskLoss;

use super::Network;
use super::config::TaskConfig;
use crate::config::{EncoderConfig, EstimatorConfig, Problems};
use crate::words::{list, nearest};

/// Those that take any loss; `g_truncated` needs a window.
const NAMES: [&str; 4] = ["g_implicit", "g_one_step", "g_ae_ls", "g_dec"];

const PATH: &str = "train.estimator";

/// The estimator of a name, of the task's loss instead of its own: `g_dec` holds the codes fixed, `g_ae_ls` goes through
/// all iterations. Else what is wrong.
pub(super) fn build(
    config: &EstimatorConfig,
    loss: TaskLoss,
) -> Result<Box<dyn Estimator<Network>>, String> {
    let name = config.name();
    let (mut window, mut ridge) = (None, None);
    if let EstimatorConfig::Table { loss, window: found, ridge: added, .. } = config {
        (window, ridge) = (*found, *added);
        if loss != "least-squares" {
            return Err(format!(
                "`{PATH}` is of the loss \"{loss}\", but here the loss is that of `task`; remove `loss`"
            ));
        }
    }
    let through = |window| -> Box<dyn Estimator<Network>> { Box::new(GTruncated { loss, window }) };
    Ok(match name {
        "g_implicit" => Box::new(GImplicit { ridge: ridge.unwrap_or(0.0), ..GImplicit::new(loss) }),
        "g_dec" => through(0),
        "g_one_step" => through(1),
        "g_ae_ls" => through(usize::MAX),
        "g_truncated" => match window {
            Some(window) => through(window),
            None => return Err(format!("`{PATH}` is \"g_truncated\" without a window; add one")),
        },
        "g_ae_lasso" | "g_noodl" => {
            return Err(format!(
                "`{PATH}` is \"{name}\", which descends the lasso and cannot train what a task learns; choose {}",
                list(&NAMES)
            ));
        }
        _ => {
            return Err(match nearest(name, &NAMES) {
                Some(near) => format!("`{PATH}` is \"{name}\"; did you mean \"{near}\"?"),
                None => format!(
                    "`{PATH}` is \"{name}\"; choose {}, or {{ name = \"g_truncated\", window = … }}",
                    list(&NAMES)
                ),
            });
        }
    })
}

/// Notes what is wrong with an estimator for a task and an encoder.
pub(super) fn check(
    config: &EstimatorConfig,
    task: &TaskConfig,
    encoder: &EncoderConfig,
    problems: &Problems,
) {
    let estimator = match build(config, task.loss()) {
        Ok(estimator) => estimator,
        Err(message) => return problems.add(PATH, message),
    };
    let name = config.name();
    let reach = match estimator.reach() {
        Reach::Window(window) if window >= encoder.iterations => Reach::All,
        reach => reach,
    };
    if let Some(reason) = config.unsuited(reach, encoder) {
        problems.add(PATH, format!("`{PATH}` is \"{name}\", {reason}"));
    }
    problems.require(name != "g_dec" || task.weight < 1.0, PATH, || {
        format!(
            "`{PATH}` is \"g_dec\", which holds the codes fixed, and with `task.weight` = 1 nothing would move the \
             dictionary; choose \"g_implicit\", or a weight below 1"
        )
    });
    let learns = encoder.prox.is_learned() || encoder.learned_step;
    problems.require(estimator.differentiates_encoder() || !learns, PATH, || {
        format!(
            "`{PATH}` is \"{name}\", which has no gradient for a learned bias or step; choose \"g_ae_ls\", or learn \
             neither"
        )
    });
}
