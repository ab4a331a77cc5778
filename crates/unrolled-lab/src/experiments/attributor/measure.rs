//! What is measured of an attributor, and what is drawn of it.

use ndarray::{Array2, Axis};

use super::lesson::Attributing;
use super::network::Explainer;
use crate::principal::Principal;

/// The columns of every measurement, on up to [`EXAMPLES`] of all examples.
pub(super) const MEASURED: &[&str] = &["data_loss", "entropy", "largest_share", "nonzeros"];

/// Examples that figures are taken on, at most, evenly spread over all.
const EXAMPLES: usize = 10_000;

/// How well an explanation does, and how sparse it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// Mean over all entries of (x − x̂)².
    pub loss: f64,
    /// Mean over examples of −Σ a log a, in nats: of an encoder, of the shares |z|/Σ|z|.
    pub entropy: f64,
    /// Mean over examples of the largest share.
    pub largest: f64,
    /// Mean number of shares that are not 0.
    pub nonzeros: f64,
}

impl Found {
    pub fn columns(self) -> Vec<Option<f64>> {
        [self.loss, self.entropy, self.largest, self.nonzeros].map(Some).to_vec()
    }
}

/// Every so many of `count` so that about `most` are left.
pub(super) fn spread(count: usize, most: usize) -> Vec<usize> {
    let kept = count.min(most);
    (0..kept).map(|index| index * count / kept).collect()
}

/// The figures of a network on the data.
pub(super) fn examine(lesson: &Attributing, network: &Explainer) -> Found {
    let data = &lesson.prepared.data;
    let x = data.x.select(Axis(0), &spread(data.examples(), EXAMPLES));
    let [codes, reconstructions] = network.explain(&lesson.plan.tensor(&x));
    let residual = &x - &reconstructions;
    let examples = x.nrows() as f64;
    let (mut entropy, mut largest, mut nonzeros) = (0.0, 0.0, 0.0);
    for row in codes.rows() {
        let total: f64 = row.iter().map(|code| code.abs()).sum();
        let shares = row.iter().map(|code| code.abs() / total).filter(|share| *share > 0.0);
        let (mut of_row, mut most) = (0.0, 0.0f64);
        for share in shares {
            of_row -= share * share.ln();
            most = most.max(share);
            nonzeros += 1.0;
        }
        entropy += of_row;
        largest += most;
    }
    Found {
        loss: residual.iter().map(|r| r * r).sum::<f64>() / residual.len() as f64,
        entropy: entropy / examples,
        largest: largest / examples,
        nonzeros: nonzeros / examples,
    }
}

/// What is drawn of examples and atoms: their two features, or what they are along the two directions in which the
/// examples vary most.
#[derive(Clone, Debug)]
pub(super) struct Plane {
    /// None where the features themselves are the coordinates.
    principal: Option<Principal>,
    /// Some of the examples.
    pub points: Vec<[f64; 2]>,
}

/// Examples that are drawn, at most.
const POINTS: usize = 1500;

impl Plane {
    pub fn of(x: &Array2<f64>) -> Self {
        let principal = (x.ncols() != 2).then(|| Principal::of(x, 2));
        let mut plane = Self { principal, points: Vec::new() };
        let some = x.select(Axis(0), &spread(x.nrows(), POINTS));
        plane.points = plane.of_rows(&some);
        plane
    }

    /// Where the atoms of a dictionary `[m, k]` lie.
    pub fn places(&self, dictionary: &Array2<f64>) -> Vec<[f64; 2]> {
        self.of_rows(&dictionary.t().to_owned())
    }

    /// Where rows lie.
    pub fn of_rows(&self, rows: &Array2<f64>) -> Vec<[f64; 2]> {
        let coordinates = match &self.principal {
            None => rows.clone(),
            Some(principal) => principal.coordinates(rows),
        };
        // A single feature has no second coordinate.
        let pair = |row: ndarray::ArrayView1<f64>| [row[0], row.get(1).copied().unwrap_or(0.0)];
        coordinates.rows().into_iter().map(pair).collect()
    }

    /// The share of the variance that is seen, where it is not all of it.
    pub fn share(&self) -> Option<f64> {
        let principal = self.principal.as_ref()?;
        Some(principal.variances.iter().sum::<f64>() / principal.total.max(f64::MIN_POSITIVE))
    }
}
