//! Exact steps towards a stationary point, and how near X G⁻¹ Zᵀ is to the dictionary on the way.

use serde::{Deserialize, Serialize};
use unrolled::explain::{Contributions, polish};
use unrolled::metrics::relative_error;

use crate::Error;
use crate::experiment::Session;
use crate::experiments::theory::config::StationarityConfig;
use crate::experiments::theory::problem::Problem;

/// After some rounds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Round {
    /// Rounds made.
    pub rounds: usize,
    /// The largest entry of the derivative by D.
    pub gradient: f64,
    /// The largest violation of the lasso's conditions.
    pub kkt: f64,
    /// ‖D − Xᵀ G⁻¹ Z‖/‖D‖ with these codes.
    pub difference: f64,
    /// The objective.
    pub objective: f64,
}

/// Nothing is done beyond that.
const TOLERANCE: f64 = 1e-10;

/// From normalise(D* + noise · N) on.
pub fn measure(
    problem: &Problem,
    config: &StationarityConfig,
    (noise, penalty): (f64, f64),
    session: &mut Session,
) -> Result<Vec<Round>, Error> {
    let x = problem.first(config.examples);
    let stop = session.stop;
    let go_on = || !stop.is_requested();
    let (mut dictionary, mut found, mut made) = (problem.dictionary(noise), Vec::new(), 0);
    let weights = [penalty, config.ridge];
    loop {
        // 0, 1, 2, 4, 8, … rounds, and the last.
        let until = match made {
            0 if found.is_empty() => 0,
            0 => 1,
            made => (2 * made).min(config.rounds),
        };
        let most = (until - made, TOLERANCE);
        let polished = polish(&x, &dictionary, weights, problem.sided, most, &go_on);
        let polished = polished.ok_or_else(singular)?;
        if stop.is_requested() {
            return Err(Error::Interrupted(String::new()));
        }
        made += polished.rounds;
        let best = Contributions::new(&polished.codes, config.ridge).ok_or_else(singular)?;
        let best = best.dictionary(&x, &polished.codes);
        let s = polished.stationarity;
        found.push(Round {
            rounds: made,
            gradient: s.gradient,
            kkt: s.kkt,
            difference: relative_error(&best, &polished.dictionary),
            objective: s.objective,
        });
        dictionary = polished.dictionary;
        if (found.len() > 1 && made < until) || made >= config.rounds {
            return Ok(found);
        }
    }
}

fn singular() -> Error {
    Error::at(
        "theory.stationarity.ridge",
        "`theory.stationarity.ridge` is 0, and the codes leave ZᵀZ singular; write a number above 0",
    )
}
