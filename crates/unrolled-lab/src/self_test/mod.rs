//! `unrolled devices --self-test`: the user's own proof of a device.

mod gradients;
mod training;

use crate::{Error, devices};

/// One line of the proof.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was checked.
    pub what: String,
    /// Relative error.
    pub error: f64,
    /// The most that the precision explains.
    pub tolerance: f64,
    /// Time that it took.
    pub seconds: f64,
}

impl Outcome {
    /// Whether the check passed. Not-a-number does not.
    pub fn passed(&self) -> bool {
        self.error <= self.tolerance
    }
}

/// Checks codes, every gradient and a hundred steps of training. A graphics card does all of it twice, cold and
/// warm: wrong numbers of a driver or of a tuned kernel may come only with the second call.
pub fn run(name: &str) -> Result<Vec<Outcome>, Error> {
    let opened = devices::open(name)?;
    let rounds: &[&str] = match opened.adapter {
        Some(_) => &[", cold", ", warm"],
        None => &[""],
    };
    let mut outcomes = Vec::new();
    for (index, round) in rounds.iter().enumerate() {
        let check = || {
            let mut outcomes = gradients::check(name, &opened.device, round, index == 0);
            outcomes.extend(training::check(name, round)?);
            Ok(outcomes)
        };
        outcomes.extend(match opened.adapter {
            Some(_) => devices::caught(name, check)?,
            None => check()?,
        });
    }
    Ok(outcomes)
}

/// The proof as text, and whether all of it passed.
pub fn render(outcomes: &[Outcome]) -> (String, bool) {
    let mut text = String::new();
    for outcome in outcomes {
        let verdict = if outcome.passed() { "ok" } else { "FAILED" };
        text.push_str(&format!(
            "{:<90} {:8.1e} {:6.2} s  {verdict}\n",
            outcome.what, outcome.error, outcome.seconds
        ));
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.passed()).count();
    text.push_str(&format!("{} checks, {failed} failed\n", outcomes.len()));
    (text, failed == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_or_not_a_number_fails() {
        let outcome =
            |error| Outcome { what: "a".to_owned(), error, tolerance: 1e-4, seconds: 0.0 };
        assert!(render(&[outcome(1e-5)]).1);
        assert!(!render(&[outcome(1e-5), outcome(2e-4)]).1);
        assert!(!render(&[outcome(f64::NAN)]).1);
    }
}
