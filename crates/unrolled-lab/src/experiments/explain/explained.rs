//! The explanation: codes, contributions, and who contributes most.

use ndarray::{Array2, ArrayView1, Axis, concatenate};
use unrolled::explain::{Contributions, Stationarity, polish};
use unrolled::tensors::{to_array, to_tensor};

use super::codes::lasso;
use super::config::{CodesFrom, Method};
use super::plan::{Plan, Test};
use crate::Error;
use crate::experiment::Session;
use crate::experiments::learn;
use crate::training::{Lesson, State};

/// What an explanation consists of.
pub(super) struct Explained {
    /// D as it is explained, `[m, p]`: polished where that was asked for.
    pub dictionary: Array2<f64>,
    /// Z, `[n, p]`.
    pub codes: Array2<f64>,
    pub stationarity: Stationarity,
    /// Rounds of polishing.
    pub rounds: usize,
    /// `G⁻¹ Z`, `[n, p]`.
    pub to_atoms: Array2<f64>,
    pub test: Test,
    /// ẑ, `[k, p]`.
    pub test_codes: Array2<f64>,
    /// β, `[k, n]`.
    pub test_contributions: Array2<f64>,
    /// D ẑ, `[k, m]`.
    pub test_reconstructions: Array2<f64>,
    /// ‖βX − D ẑ‖/‖D ẑ‖: 0 at a stationary point.
    pub difference: f64,
}

/// Rows that an encoder codes at a time.
const BLOCK: usize = 1024;

/// Polishing is done where nothing is violated by more than that.
const TOLERANCE: f64 = 1e-10;

/// Explains the dictionary of a state.
pub(super) fn explain(
    plan: &Plan,
    lesson: &learn::Learning,
    state: &State<learn::Network, learn::Memory>,
    session: &Session,
) -> Result<Explained, Error> {
    let (explain, stop) = (plan.explain, session.stop);
    let go_on = || !stop.is_requested();
    let interrupted = || match stop.is_requested() {
        true => Err(Error::Interrupted(String::new())),
        false => Ok(()),
    };
    let prox = &plan.learning.sections().encoder.prox;
    let (weights, sided) = ([prox.penalty(), explain.ridge], prox.sided());
    let x = &lesson.prepared.data.x;
    let mut dictionary = to_array(&state.network.dictionary.columns());
    let encoded = |x: &Array2<f64>| {
        let network =
            lesson.prepare(state.network.clone(), &mut state.lesson.clone(), state.step.max(1));
        let config = plan.learning.config();
        let code = |rows: ndarray::ArrayView2<f64>| {
            let rows = to_tensor(&rows.to_owned(), config.precision, &plan.learning.coding.device);
            to_array(&network.encode(&rows).inner())
        };
        let codes: Vec<_> = x.axis_chunks_iter(Axis(0), BLOCK).map(code).collect();
        let views: Vec<_> = codes.iter().map(|block| block.view()).collect();
        concatenate(Axis(0), &views).expect("codes have p columns")
    };
    let mut rounds = 0;
    let codes = match &explain.codes {
        CodesFrom::Named(Method::Lasso) if explain.polish > 0 => {
            let most = (explain.polish, TOLERANCE);
            let polished = polish(x, &dictionary, weights, sided, most, &go_on);
            let polished = polished.ok_or_else(|| singular(explain.ridge))?;
            (dictionary, rounds) = (polished.dictionary, polished.rounds);
            polished.codes
        }
        CodesFrom::Named(Method::Lasso) => lasso(x, &dictionary, weights[0], sided, &go_on),
        CodesFrom::Named(Method::Encoder) => encoded(x),
        CodesFrom::File(from) => plan.codes(from, [x.nrows(), dictionary.ncols()])?,
    };
    interrupted()?;
    let stationarity = Stationarity::of(x, &dictionary, &codes, weights, sided);
    let contributions = Contributions::new(&codes, explain.ridge);
    let contributions = contributions.ok_or_else(|| singular(explain.ridge))?;
    let to_atoms = contributions.to_atoms(&codes);
    let test = plan.test(lesson)?;
    let test_codes = match explain.codes {
        CodesFrom::Named(Method::Encoder) if test.x.nrows() > 0 => encoded(&test.x),
        _ => lasso(&test.x, &dictionary, weights[0], sided, &go_on),
    };
    let test_contributions = contributions.to_reconstructions(&codes, &test_codes);
    let test_reconstructions = test_codes.dot(&dictionary.t());
    let from_examples = test_contributions.dot(x);
    let norm = |a: &Array2<f64>| a.iter().map(|v| v * v).sum::<f64>().sqrt();
    let size = norm(&test_reconstructions);
    let difference = norm(&(from_examples - &test_reconstructions)) / size.max(f64::MIN_POSITIVE);
    interrupted()?;
    Ok(Explained {
        dictionary,
        codes,
        stationarity,
        rounds,
        to_atoms,
        test,
        test_codes,
        test_contributions,
        test_reconstructions,
        difference,
    })
}

fn singular(ridge: f64) -> Error {
    Error::at(
        "explain.ridge",
        format!(
            "`explain.ridge` is {ridge}, and the codes leave ZᵀZ singular: an atom is used by no example, or two by the same; \
             write a number above 0"
        ),
    )
}

/// The places of the largest entries of a row, at most so many, and of the smallest below 0.
pub(super) fn extremes(row: ArrayView1<f64>, most: usize) -> [Vec<usize>; 2] {
    let mut order: Vec<usize> = (0..row.len()).filter(|at| row[*at] != 0.0).collect();
    order.sort_by(|a, b| row[*b].total_cmp(&row[*a]).then(a.cmp(b)));
    let above = order.iter().copied().filter(|at| row[*at] > 0.0).take(most).collect();
    let below = order.iter().rev().copied().filter(|at| row[*at] < 0.0).take(most).collect();
    [above, below]
}
