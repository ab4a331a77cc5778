//! What came out of `unrolled encode`, in figures.

use super::coder::{Coded, MOST_PASSES};
use super::{Encode, Until};
use crate::Error;

/// What came out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// Examples.
    pub examples: usize,
    /// Files written.
    pub files: usize,
    /// Mean non-zero entries of a code.
    pub nonzeros: f64,
    /// The worst relative duality gap.
    pub worst_gap: f64,
    /// The most iterations, or passes over all atoms, that an example took.
    pub iterations: usize,
    /// Examples whose gap rounding keeps above the one asked for.
    pub stalled: usize,
    /// Examples that had not reached the gap after all iterations allowed.
    pub unfinished: usize,
}

impl Summary {
    /// Counts a block in.
    pub(super) fn add(&mut self, block: &Coded) {
        self.iterations = self.iterations.max(block.iterations);
        self.worst_gap = block.gaps.iter().copied().fold(self.worst_gap, f64::max);
        let nonzeros = block.codes.iter().filter(|v| **v != 0.0).count();
        self.nonzeros += nonzeros as f64 / self.examples as f64;
        self.stalled += block.stalled;
        self.unfinished += block.unfinished;
    }

    /// The figures in a line.
    pub fn describe(&self, request: &Encode) -> String {
        let gap = match request.penalty > 0.0 {
            true => format!("duality gap at most {:.1e}", self.worst_gap),
            false => "no duality gap (the penalty is 0)".to_owned(),
        };
        format!(
            "{} examples, {:.2} non-zero entries each, {gap}, {} iterations at most: {}",
            self.examples,
            self.nonzeros,
            self.iterations,
            request.out.display()
        ) + &match request.shard_rows {
            Some(_) if self.files == 1 => " (1 file)".to_owned(),
            Some(_) => format!(" ({} files)", self.files),
            None => String::new(),
        }
    }

    /// Whether every example has reached the gap that was asked for; if not, why.
    pub fn verdict(&self, request: &Encode) -> Result<(), Error> {
        let Until::Gap(gap) = request.until else {
            return Ok(());
        };
        let passes = format!("{MOST_PASSES} iterations were not enough");
        let rounding = "rounding in float64 is in the way";
        let why = match (self.stalled, self.unfinished) {
            (0, 0) => return Ok(()),
            (_, 0) => rounding.to_owned(),
            (0, _) => passes,
            (stalled, rest) => format!("for {stalled} of them {rounding}, for {rest} {passes}"),
        };
        Err(Error::GapNotReached(format!(
            "{}: {} of {} examples did not reach the gap {gap:e} ({why}); the worst has {:.1e}, and the codes are \
             written as they are, each with its gap; ask for a larger one",
            request.out.display(),
            self.stalled + self.unfinished,
            self.examples,
            self.worst_gap
        )))
    }
}
