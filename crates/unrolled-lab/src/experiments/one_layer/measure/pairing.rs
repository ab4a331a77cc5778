//! Which row stands for which atom.

use ndarray::Array2;
use unrolled::metrics::matching;

use crate::experiments::one_layer::lesson::Learning;
use crate::experiments::one_layer::start::Start;

/// Of every atom, its row and the sign of their cosine.
#[derive(Clone, Debug)]
pub struct Pairing(Vec<(usize, f64)>);

impl Pairing {
    /// Each row with the atom that it started near; where rows started anywhere, matched one to one, whatever their signs.
    /// None where there is no truth, or another number of atoms.
    pub fn of(lesson: &Learning, weight: &Array2<f64>) -> Option<Self> {
        let truth = lesson.prepared.truth.as_ref()?;
        if weight.nrows() != truth.ncols() {
            return None;
        }
        if Self::is_given(lesson) {
            return Some(Self((0..weight.nrows()).map(|row| (row, 1.0)).collect()));
        }
        matching(&weight.t().to_owned(), truth).map(Self)
    }

    /// Whether rows know their atoms.
    pub fn is_given(lesson: &Learning) -> bool {
        !matches!(lesson.plan.sections().layer.init, Start::Random | Start::Samples)
    }

    /// Rows of W in the order of their atoms.
    pub fn rows(&self, weight: &Array2<f64>) -> Array2<f64> {
        Array2::from_shape_fn(weight.dim(), |(atom, entry)| {
            let (row, sign) = self.0[atom];
            sign * weight[[row, entry]]
        })
    }

    /// Scores of units in the order of their atoms.
    pub fn columns(&self, scores: &Array2<f64>) -> Array2<f64> {
        Array2::from_shape_fn(scores.dim(), |(example, atom)| {
            let (row, sign) = self.0[atom];
            sign * scores[[example, row]]
        })
    }
}
