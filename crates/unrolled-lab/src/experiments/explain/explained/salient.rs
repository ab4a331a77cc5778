//! What the shown examples do to the atoms that they use most, through the unrolled encoder.

use unrolled::explain::saliency;
use unrolled::tensors::to_array;

use super::{Work, extremes};
use crate::Error;
use crate::experiments::explain::plan::Test;
use crate::experiments::learn;

/// Atoms of an example whose saliency is taken.
const ATOMS: usize = 4;

/// ∂z/∂x of an entry of the code of a shown example.
pub(in crate::experiments::explain) struct Salient {
    /// The place of the example among those that are shown.
    pub test: usize,
    pub atom: usize,
    /// Which entry of its code; of a matrix there is one.
    pub entry: usize,
    /// z_T of the encoder there.
    pub code: f64,
    /// `[m]`.
    pub slope: Vec<f64>,
}

/// Of the entries of z_T that are largest, one for each atom; none of an encoder that is not unrolled.
pub(super) fn of(
    work: &Work,
    network: &learn::Network,
    test: &Test,
) -> Result<Vec<Salient>, Error> {
    let atoms = network.dictionary.columns().dims()[1];
    let codes = work.encoded(network, &test.x)?;
    let places = codes.ncols() / atoms.max(1);
    let mut found = Vec::new();
    for (at, code) in codes.rows().into_iter().enumerate() {
        let [order, _] = extremes(code.map(|z| z.abs()).view(), code.len());
        let mut entries: Vec<usize> = Vec::new();
        for entry in order {
            if entries.len() < ATOMS && entries.iter().all(|e| e / places != entry / places) {
                entries.push(entry);
            }
        }
        let rows = vec![at; entries.len()];
        let x = work.tensor(test.x.select(ndarray::Axis(0), &rows).view());
        if entries.is_empty() {
            continue;
        }
        let Some(slopes) = saliency(network, &x, &entries) else { return Ok(Vec::new()) };
        for (slope, entry) in to_array(&slopes).rows().into_iter().zip(&entries) {
            let (atom, code, slope) = (entry / places, code[*entry], slope.to_vec());
            found.push(Salient { test: at, atom, entry: entry % places, code, slope });
        }
    }
    Ok(found)
}
