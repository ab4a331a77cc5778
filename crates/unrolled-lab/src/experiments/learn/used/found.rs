//! Use of the atoms, and rows with their reconstructions, as they are found.

use ndarray::{Array2, Axis, concatenate, s};
use unrolled::tensors::to_array;

use super::super::Network;
use super::super::lesson::Learning;
use super::Used;
use crate::Error;

/// Rows that are coded, at most, and at a time.
const CODED: usize = 4096;
const BLOCK: usize = 512;

/// Rows that are shown.
const SHOWN: usize = 8;

/// Of the first rows of [`Learning::sample`], as the encoder of the run codes them.
pub(in super::super) fn of(lesson: &Learning, network: &Network) -> Result<Used, Error> {
    let count = lesson.sample().0.min(CODED);
    let atoms = lesson.prepared.start.ncols();
    let shown = count.min(SHOWN);
    let indices: Vec<usize> = (0..shown).map(|at| at * count / shown).collect();
    let mut uses = vec![0.0; atoms];
    let (mut rows, mut reconstructions, mut nonzeros) = (Vec::new(), Vec::new(), Vec::new());
    for from in (0..count).step_by(BLOCK) {
        let (x, _) = lesson.rows_of_sample(from..(from + BLOCK).min(count))?;
        let tensor = lesson.plan.tensor(&x);
        let codes = network.encode(&tensor).inner();
        let found = to_array(&codes);
        // An atom is used where one of its entries is.
        let entries = found.ncols() / atoms;
        for (uses, entries) in uses.iter_mut().zip(found.axis_chunks_iter(Axis(1), entries)) {
            let used = |row: &ndarray::ArrayView1<f64>| row.iter().any(|v| *v != 0.0);
            *uses += entries.rows().into_iter().filter(used).count() as f64;
        }
        let here: Vec<usize> = indices
            .iter()
            .filter(|index| (from..from + x.nrows()).contains(*index))
            .map(|index| index - from)
            .collect();
        if !here.is_empty() {
            let decoded = to_array(&network.decode(codes).inner());
            nonzeros.extend(
                here.iter().map(|row| {
                    found.slice(s![*row, ..]).iter().filter(|v| **v != 0.0).count() as f64
                }),
            );
            rows.push(x.select(Axis(0), &here));
            reconstructions.push(decoded.select(Axis(0), &here));
        }
    }
    let joined = |parts: Vec<Array2<f64>>| {
        let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
        concatenate(Axis(0), &views).expect("rows have m entries")
    };
    Ok(Used {
        usage: uses.into_iter().map(|uses| uses / count as f64).collect(),
        indices: indices.into_iter().map(|index| index as f64).collect(),
        rows: joined(rows),
        reconstructions: joined(reconstructions),
        nonzeros,
    })
}
