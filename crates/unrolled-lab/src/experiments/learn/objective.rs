//! What a dictionary is good for, whatever it was learned by: the lasso with solved codes.

use ndarray::{Array2, Axis};
use rayon::prelude::*;
use unrolled::dictionary::Constraint;
use unrolled::lasso::Lasso;
use unrolled::tensors::to_array;

use super::Network;
use super::lesson::Learning;
use crate::Error;

/// Examples that are solved for together.
const BLOCK: usize = 64;

/// Passes over all atoms at most: what is not solved by then is given with the gap that it has.
const PASSES: usize = 100_000;

/// The objective, and how close it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Objective {
    pub value: f64,
    /// The largest relative duality gap of a code.
    pub worst_gap: f64,
}

/// `mean over the sample of min_z ½‖x − D z‖² + λ‖z‖₁`, with the atoms of D brought to norm 1 and every code solved for to
/// `train.objective_gap`, so that it is above the minimum by that share at most, or by what rounding allows; `None` where
/// nothing is asked for.
///
/// The sample is [`Learning::sample`]: the rows held out, where there are any.
pub(super) fn of(lesson: &Learning, network: &Network) -> Result<Option<Objective>, Error> {
    let sections = lesson.plan.sections();
    let Some(gap) = sections.train.objective_gap else { return Ok(None) };
    let atoms = to_array(&network.dictionary.columns());
    let prox = &sections.encoder.prox;
    let unit = Constraint::UnitSphere.project(atoms);
    let lasso = Lasso::new(&unit, prox.penalty(), prox.sided());
    let (examples, _) = lesson.sample();
    let blocks: Vec<usize> = (0..examples).step_by(BLOCK).collect();
    let of_block = |from: &usize| {
        let range = *from..(*from + BLOCK).min(examples);
        let (x, _) = lesson.rows_of_sample(range)?;
        let solution = lasso.solve(&x, gap, PASSES, &|| true);
        let worst = solution.gaps.iter().copied().fold(0.0, f64::max);
        Ok((values(&unit, &x, &solution.codes, prox.penalty()), worst))
    };
    // Added up in their order, whatever the number of threads.
    let found: Vec<Result<_, Error>> = blocks.par_iter().map(of_block).collect();
    let found: Vec<(f64, f64)> = found.into_iter().collect::<Result<_, _>>()?;
    Ok(Some(Objective {
        value: found.iter().map(|(sum, _)| sum).sum::<f64>() / examples as f64,
        worst_gap: found.iter().map(|(_, gap)| *gap).fold(0.0, f64::max),
    }))
}

/// Σ ½‖x − D z‖² + λ‖z‖₁.
fn values(dictionary: &Array2<f64>, x: &Array2<f64>, codes: &Array2<f64>, penalty: f64) -> f64 {
    let residual = x - &codes.dot(&dictionary.t());
    let squares = residual.map_axis(Axis(1), |row| row.dot(&row)).sum();
    0.5 * squares + penalty * codes.iter().map(|z| z.abs()).sum::<f64>()
}
