//! Whether codes tell the supports and signs that made the examples.

use burn::tensor::Device;
use ndarray::{Array2, s};
use unrolled::one_layer::{Activation, OneLayer};
use unrolled::prelude::Precision;
use unrolled::tensors::{to_array, to_tensor};

use super::{Pairing, weight};
use crate::experiments::one_layer::lesson::Learning;

/// A row decodes its atom where it is active, with the right sign, in that share of the examples that hold the atom.
pub const DECODES: f64 = 0.9;

/// Shares over the test examples.
#[derive(Clone, Copy, Debug)]
pub struct Decoded {
    /// Of active units, those whose atom is there.
    pub precision: f64,
    /// Of atoms that are there, those whose unit is active.
    pub recall: f64,
    /// Of those, the ones with the right sign.
    pub signs: f64,
    /// Of examples, those whose support and signs are all right.
    pub exact: f64,
    /// Rows that decode their atom.
    pub rows: usize,
}

/// Of a network with an activation, on up to `most` test examples. None where the true codes are not known, or there are
/// as many units as atoms.
pub fn decoded(
    lesson: &Learning,
    network: &OneLayer,
    activation: Activation,
    most: usize,
) -> Option<Decoded> {
    let test = &lesson.prepared.test;
    let count = test.examples().min(most);
    let truth = test.true_codes.as_ref()?.slice(s![..count, ..]).to_owned();
    let x = test.x.slice(s![..count, ..]).to_owned();
    let scores = paired_scores(lesson, network, &x)?;
    Some(judge(&codes(activation, &scores), &truth))
}

/// W x + b in float32 or more, whatever format the network is kept in.
pub fn scores(lesson: &Learning, network: &OneLayer, x: &Array2<f64>) -> Array2<f64> {
    let x = lesson.plan.judging(x);
    let mut wide = network.clone().with_rounding(None);
    wide.weight = wide.weight.map(|weight| weight.cast(x.dtype()));
    wide.bias = wide.bias.map(|bias| bias.map(|bias| bias.cast(x.dtype())));
    to_array(&wide.scores(&x))
}

/// The same in the order of the atoms that units stand for, where they do.
pub fn paired_scores(
    lesson: &Learning,
    network: &OneLayer,
    x: &Array2<f64>,
) -> Option<Array2<f64>> {
    let pairing = Pairing::of(lesson, &weight(network))?;
    Some(pairing.columns(&scores(lesson, network, x)))
}

/// φ of scores.
pub fn codes(activation: Activation, scores: &Array2<f64>) -> Array2<f64> {
    to_array(&activation.apply(to_tensor(scores, Precision::Float64, &Device::flex())))
}

fn judge(codes: &Array2<f64>, truth: &Array2<f64>) -> Decoded {
    let [mut active, mut there, mut both, mut right, mut exact] = [0usize; 5];
    let (mut of_atom, mut right_of_atom) =
        (vec![0usize; truth.ncols()], vec![0usize; truth.ncols()]);
    for (codes, truth) in codes.rows().into_iter().zip(truth.rows()) {
        let mut all = true;
        for (atom, (code, truth)) in codes.iter().zip(truth).enumerate() {
            let (is, should) = (*code != 0.0, *truth != 0.0);
            let agrees = is && should && code.signum() == truth.signum();
            active += usize::from(is);
            there += usize::from(should);
            both += usize::from(is && should);
            right += usize::from(agrees);
            of_atom[atom] += usize::from(should);
            right_of_atom[atom] += usize::from(agrees);
            all &= agrees || (!is && !should);
        }
        exact += usize::from(all);
    }
    let share = |part: usize, of: usize| if of == 0 { 1.0 } else { part as f64 / of as f64 };
    let decodes = |(right, of): (&usize, &usize)| *of > 0 && share(*right, *of) >= DECODES;
    Decoded {
        precision: share(both, active),
        recall: share(both, there),
        signs: share(right, both),
        exact: share(exact, truth.nrows()),
        rows: right_of_atom.iter().zip(&of_atom).filter(|pair| decodes(*pair)).count(),
    }
}

/// How decoding depends on the threshold: thresholds evenly spread up to the size of almost all scores, and what each
/// gives. Activations without a threshold are decoded as with a hard one.
pub fn by_threshold(lesson: &Learning, network: &OneLayer) -> Option<(Vec<f64>, Vec<Decoded>)> {
    /// Thresholds that are tried.
    const TRIED: usize = 30;
    let test = &lesson.prepared.test;
    let truth = test.true_codes.as_ref()?;
    let scores = paired_scores(lesson, network, &test.x)?;
    if scores.iter().any(|s| !s.is_finite()) {
        return None;
    }
    let mut sizes: Vec<f64> = scores.iter().map(|s| s.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let most = sizes[(sizes.len() - 1) * 995 / 1000];
    let thresholds: Vec<f64> =
        (0..TRIED).map(|at| most * (at as f64 + 0.5) / TRIED as f64).collect();
    let decoded = thresholds.iter().map(|threshold| {
        let activation = Activation::Hard(*threshold);
        judge(&codes(activation, &scores), truth)
    });
    let decoded = decoded.collect();
    Some((thresholds, decoded))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn supports_signs_and_rows_are_counted() {
        let truth = array![[1.0, 0.0], [-1.0, 2.0], [0.0, 1.0]];
        let codes = array![[0.5, 0.0], [1.0, 2.0], [0.3, 0.0]];
        let found = judge(&codes, &truth);
        assert!((found.precision - 3.0 / 4.0).abs() < 1e-15);
        assert!((found.recall - 3.0 / 4.0).abs() < 1e-15);
        assert!((found.signs - 2.0 / 3.0).abs() < 1e-15);
        assert!((found.exact - 1.0 / 3.0).abs() < 1e-15 && found.rows == 0);
        assert_eq!(judge(&truth, &truth).rows, 2);
    }
}
