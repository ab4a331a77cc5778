//! `unrolled init`: a commented configuration to start from.

use crate::Error;
use crate::config::nearest;
use crate::experiment::{NAMES, named};

/// The commented configuration of an experiment, every default shown.
pub fn template(experiment: &str) -> Result<&'static str, Error> {
    named(experiment).map(|experiment| experiment.template()).ok_or_else(|| {
        let remedy = match nearest(experiment, &NAMES) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("choose one of {}", NAMES.join(", ")),
        };
        Error::Config(vec![format!("there is no experiment \"{experiment}\"; {remedy}")])
    })
}
