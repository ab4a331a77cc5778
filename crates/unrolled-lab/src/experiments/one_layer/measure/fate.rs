//! What became of every row: an atom, a copy of another row, a mixture, or nothing.

use ndarray::{Array2, s};
use unrolled::one_layer::OneLayer;

use super::decode::{codes, scores};
use super::weight;
use crate::experiments::one_layer::lesson::Learning;

/// A row is an atom, or a copy, where its cosine with an atom is that or more, whatever its sign.
pub const NEAR: f64 = 0.9;

/// Rows by what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fates {
    /// The nearest row of an atom that is near it: as many as atoms are found.
    pub found: usize,
    /// Near an atom that another row is nearer to.
    pub duplicates: usize,
    /// Near no atom.
    pub mixtures: usize,
    /// Active in no test example.
    pub dead: usize,
}

/// Of all rows; none where there is no truth.
pub fn fates(lesson: &Learning, network: &OneLayer) -> Option<Fates> {
    let truth = lesson.prepared.truth.as_ref()?;
    let test = &lesson.prepared.test.x;
    let x = test.slice(s![..test.nrows().min(2000), ..]).to_owned();
    let codes = codes(network.activation, &scores(lesson, network, &x));
    let active = codes.columns().into_iter().map(|column| column.iter().any(|code| *code != 0.0));
    Some(judge(&weight(network), truth, &active.collect::<Vec<_>>()))
}

fn judge(weight: &Array2<f64>, truth: &Array2<f64>, active: &[bool]) -> Fates {
    let cosines = weight.dot(truth);
    let mut nearest: Vec<Option<f64>> = vec![None; truth.ncols()];
    let mut fates = Fates { found: 0, duplicates: 0, mixtures: 0, dead: 0 };
    let mut near = 0;
    for ((row, weight), active) in cosines.rows().into_iter().zip(weight.rows()).zip(active) {
        let norm = weight.dot(&weight).sqrt();
        let best = row.iter().map(|c| c.abs()).enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        match best {
            _ if !active || norm == 0.0 => fates.dead += 1,
            Some((atom, size)) if size / norm >= NEAR => {
                near += 1;
                nearest[atom] = Some(nearest[atom].unwrap_or(0.0).max(size / norm));
            }
            _ => fates.mixtures += 1,
        }
    }
    fates.found = nearest.iter().flatten().count();
    fates.duplicates = near - fates.found;
    fates
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn rows_are_told_apart() {
        let truth = Array2::eye(3);
        let weight = array![[2.0, 0.1, 0.0], [-1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let found = judge(&weight, &truth, &[true, true, true, false]);
        assert_eq!(found, Fates { found: 1, duplicates: 1, mixtures: 1, dead: 1 });
    }
}
