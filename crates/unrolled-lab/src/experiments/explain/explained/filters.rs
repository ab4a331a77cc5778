//! Shares of training examples and their patches in filters, and in reconstructions.

use burn::tensor::Device;
use ndarray::{Array2, ArrayView1, Axis};
use unrolled::dictionary::AnyDictionary;
use unrolled::explain::{Share, Shares, Stationarity};
use unrolled::metrics::relative_error;
use unrolled::operator::LinearOperator;
use unrolled::prelude::Precision;
use unrolled::tensors::{to_array, to_tensor};

use super::{AtomOf, Explained, Parts, Patch, WhereItDiverges, Work, built, extremes};
use crate::Error;
use crate::experiments::explain::results::LISTED;

/// Polishing is done where the filters change by less, relative.
const TOLERANCE: f64 = 1e-10;

/// Systems that are solved to less, relative, serve.
const SOLVED: f64 = 1e-7;

/// Codes of the encoder, and shares that are exact at a stationary point. In float64 on the CPU.
pub(super) fn explain(work: &Work) -> Result<Explained, Error> {
    let (plan, prepared) = (work.plan, &work.lesson.prepared);
    let (x, image) = (&prepared.data.x, prepared.data.image);
    let sections = plan.learning.sections();
    let mut columns = to_array(&work.state.network.dictionary.columns());
    let on_host = (Precision::Float64, &Device::flex());
    let built = |columns: &Array2<f64>| built(sections, columns, image, on_host);
    let mut dictionary = built(&columns);
    let mut network = work.network();
    let mut codes = work.encoded(&network, x)?;
    let (go_on, stopped) = (|| work.go_on(), || Error::Interrupted(String::new()));
    let mut rounds = 0;
    while rounds < plan.explain.polish {
        let shares = Shares::new(&dictionary, x, &codes, plan.explain.ridge);
        let best = shares.best(&go_on).ok_or_else(stopped)?;
        let best = solved(best, plan.explain.ridge)?.reversed_axes();
        if relative_error(&columns, &best) < TOLERANCE {
            break;
        }
        columns = best;
        dictionary = built(&columns);
        network = work.network_with(&columns, WhereItDiverges::Refuse)?;
        codes = work.encoded(&network, x)?;
        rounds += 1;
    }
    let prox = &sections.encoder.prox;
    let weights = [prox.penalty(), plan.explain.ridge];
    let stationarity = Stationarity::of_dictionary(&dictionary, x, &codes, weights, prox.sided());
    let shares = Shares::new(&dictionary, x, &codes, plan.explain.ridge);
    let best = solved(shares.best(&go_on).ok_or_else(stopped)?, plan.explain.ridge)?;
    let difference = relative_error(&columns, &best.reversed_axes());
    let usage = Work::usage(&codes, columns.ncols());
    let mut atoms = Vec::new();
    for atom in work.shown(&usage) {
        let share = shares.of_atom(atom, &go_on).ok_or_else(stopped)?;
        let share = solved((share.clone(), share.residual), plan.explain.ridge)?;
        let patches = patches(&dictionary, x, &share);
        atoms.push(AtomOf { atom, parts: Parts::Patches(patches) });
    }
    let test = plan.test(work.lesson)?;
    let test_codes = work.encoded(&network, &test.x)?;
    let mut test_contributions = Array2::zeros((test.x.nrows(), x.nrows()));
    for (at, code) in test_codes.rows().into_iter().enumerate() {
        let share = shares.of_reconstruction(&code.to_owned(), &go_on).ok_or_else(stopped)?;
        let share = solved((share.clone(), share.residual), plan.explain.ridge)?;
        test_contributions.row_mut(at).assign(&share.examples);
    }
    let rows = to_tensor(&test_codes, Precision::Float64, &Device::flex());
    let test_reconstructions = to_array(&dictionary.forward(rows));
    Ok(Explained {
        dictionary: columns,
        codes,
        stationarity,
        rounds,
        usage,
        atoms,
        to_atoms: None,
        test,
        test_codes,
        test_contributions,
        test_reconstructions,
        difference,
        salient: Vec::new(),
    })
}

/// What came of a system, unless that was not solved.
fn solved<T>((found, residual): (T, f64), ridge: f64) -> Result<T, Error> {
    match residual < SOLVED {
        true => Ok(found),
        false => Err(Error::at(
            "explain.ridge",
            format!(
                "`explain.ridge` is {ridge}, with which the system of the filters was solved to a relative residual of {residual:.0e} only; \
                 write a larger number"
            ),
        )),
    }
}

/// The patches of the training examples with the largest shares, and with those furthest below 0.
fn patches(dictionary: &AnyDictionary, x: &Array2<f64>, share: &Share) -> [Vec<Patch>; 2] {
    let AnyDictionary::Convolutional(filters) = dictionary else {
        return [Vec::new(), Vec::new()];
    };
    let ([_, channels, height, width], [_, columns]) = (filters.filters.dims(), filters.map());
    let [image_height, image_width] = filters.image;
    let places = share.entries.ncols() / filters.filters.dims()[0];
    // What all atoms at a place take of the patch there.
    let at_places = |row: ArrayView1<f64>| -> Vec<f64> {
        (0..places).map(|place| row.iter().skip(place).step_by(places).sum()).collect()
    };
    let all: Vec<f64> = share.entries.axis_iter(Axis(0)).flat_map(at_places).collect();
    let patch = |at: usize| {
        let (example, place) = (at / places, at % places);
        let corner = [place / columns * filters.stride, place % columns * filters.stride];
        let row = x.row(example);
        let entry = |channel: usize, down: usize, across: usize| {
            row[(channel * image_height + corner[0] + down) * image_width + corner[1] + across]
        };
        let values = (0..channels * height * width)
            .map(|at| entry(at / (height * width), at / width % height, at % width));
        Patch { example, corner, share: all[at], values: values.collect() }
    };
    extremes(ArrayView1::from(&all), LISTED).map(|places| places.into_iter().map(patch).collect())
}
