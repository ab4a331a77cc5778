//! Contributions to the atoms of a matrix, and to reconstructions.

use unrolled::explain::{Contributions, Stationarity, polish};
use unrolled::metrics::frobenius;
use unrolled::tensors::to_array;

use super::{AtomOf, Explained, Parts, Work};
use crate::Error;
use crate::experiments::explain::codes::lasso;
use crate::experiments::explain::config::{CodesFrom, Method};

/// Polishing is done where nothing is violated by more than that.
const TOLERANCE: f64 = 1e-10;

/// Codes, and weights that are exact at a stationary point.
pub(super) fn explain(work: &Work) -> Result<Explained, Error> {
    let (plan, explain) = (work.plan, work.plan.explain);
    let go_on = || work.go_on();
    let prox = &plan.learning.sections().encoder.prox;
    let (weights, sided) = ([prox.penalty(), explain.ridge], prox.sided());
    let x = &work.lesson.prepared.data.x;
    let mut dictionary = to_array(&work.state.network.dictionary.columns());
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
        CodesFrom::Named(Method::Encoder) => work.encoded(&work.network(), x)?,
        CodesFrom::File(from) => plan.codes(from, [x.nrows(), dictionary.ncols()])?,
    };
    work.interrupted()?;
    let stationarity = Stationarity::of(x, &dictionary, &codes, weights, sided);
    let contributions = Contributions::new(&codes, explain.ridge);
    let contributions = contributions.ok_or_else(|| singular(explain.ridge))?;
    let to_atoms = contributions.to_atoms(&codes);
    let test = plan.test(work.lesson)?;
    let test_codes = match explain.codes {
        CodesFrom::Named(Method::Encoder) => work.encoded(&work.network(), &test.x)?,
        _ => lasso(&test.x, &dictionary, weights[0], sided, &go_on),
    };
    let test_contributions = contributions.to_reconstructions(&codes, &test_codes);
    let test_reconstructions = test_codes.dot(&dictionary.t());
    let from_examples = test_contributions.dot(x);
    let size = frobenius(&test_reconstructions);
    let difference =
        frobenius(&(from_examples - &test_reconstructions)) / size.max(f64::MIN_POSITIVE);
    let usage = Work::usage(&codes, dictionary.ncols());
    let parts = |atom: usize| Parts::Examples(to_atoms.column(atom).to_owned());
    let atoms = work.shown(&usage).into_iter().map(|atom| AtomOf { atom, parts: parts(atom) });
    Ok(Explained {
        atoms: atoms.collect(),
        usage,
        dictionary,
        codes,
        stationarity,
        rounds,
        to_atoms: Some(to_atoms),
        test,
        test_codes,
        test_contributions,
        test_reconstructions,
        difference,
        salient: Vec::new(),
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
