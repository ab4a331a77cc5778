//! Online dictionary learning: sufficient statistics, and block coordinate descent over atoms.

use ndarray::{Array2, ArrayView1, ArrayViewMut1, s};

use crate::dictionary::Constraint;

/// Online dictionary learning (J. Mairal, F. Bach, J. Ponce, G. Sapiro, *Online learning for matrix factorization and
/// sparse coding*, JMLR 11, 2010, algorithms 1 and 2). The codes of all batches so far make a quadratic surrogate of the
/// expected lasso, `½ tr(DᵀD A) − tr(Dᵀ B)`, with
///
/// `A ← β_k A + mean over the batch of z zᵀ`,  `B ← β_k B + mean over the batch of x zᵀ`,  `β_k = (1 − 1/k)^ρ`
///
/// at step `k = 1, 2, …` (section 3.4, with the codes of the batch by any encoder). It is minimised over one atom after
/// the other, `D_j ← Π(D_j + (B_j − D A_j) / A_jj)` (their equation 10), in so many sweeps.
///
/// | | |
/// |---|---|
/// | takes | `g_dec`, whose statistics these are: B of the batch is `D A − g_dec` |
/// | keeps | A `[p, p]` and B `[m, p]`, whatever the number of examples |
/// | cost | `2 m p²` operations a sweep, beside the codes |
/// | Π | [`Constraint::UnitSphere`], [`Constraint::UnitBall`] or none: of one atom at a time, exact in each. One of the whole matrix is left to the network |
/// | choose it | to learn the dictionary of real data: no learning rate, and a lower lasso than gradient steps reach |
/// | atoms that no code uses | `A_jj = 0`: they stay where they are |
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Online {
    /// ρ: 0 forgets nothing; the surrogate is of about the last `k / (ρ + 1)` batches.
    pub forgetting: f64,
    /// Passes over all atoms in a step.
    pub sweeps: usize,
}

impl Default for Online {
    fn default() -> Self {
        Self { forgetting: 10.0, sweeps: 1 }
    }
}

/// A and B, of a surrogate `½ tr(DᵀD A) − tr(Dᵀ B)` of dictionaries `[m, p]`.
#[derive(Clone, Debug)]
pub struct Surrogate {
    /// A, `[p, p]`.
    pub curvature: Array2<f64>,
    /// B, `[m, p]`.
    pub products: Array2<f64>,
}

/// Atoms whose residuals are computed by one product.
const BLOCK: usize = 32;

/// An atom with less than this share of the largest curvature is used by no code.
const LEAST: f64 = 1e-12;

impl Surrogate {
    /// Of no examples yet.
    pub fn zeros([m, p]: [usize; 2]) -> Self {
        Self { curvature: Array2::zeros((p, p)), products: Array2::zeros((m, p)) }
    }

    /// What of it is left, and the statistics of a batch added: its mean `z zᵀ`, and the gradient `D A − B` of it at D.
    pub fn add(
        &mut self,
        left: f64,
        dictionary: &Array2<f64>,
        gradient: &Array2<f64>,
        curvature: &Array2<f64>,
    ) {
        self.curvature *= left;
        self.curvature += curvature;
        self.products *= left;
        self.products += &dictionary.dot(curvature);
        self.products -= gradient;
    }

    /// Its value at a dictionary.
    pub fn value(&self, dictionary: &Array2<f64>) -> f64 {
        let quadratic = (dictionary.dot(&self.curvature) * dictionary).sum();
        0.5 * quadratic - (dictionary * &self.products).sum()
    }

    /// The dictionary after so many sweeps of block coordinate descent.
    pub fn minimised(
        &self,
        dictionary: &Array2<f64>,
        constraint: Constraint,
        sweeps: usize,
    ) -> Array2<f64> {
        // Atoms as rows, so that each lies together.
        let mut atoms = dictionary.t().as_standard_layout().into_owned();
        let products = self.products.t().as_standard_layout().into_owned();
        let largest = self.curvature.diag().iter().fold(0.0f64, |most, a| most.max(*a));
        let least = LEAST * largest;
        for _ in 0..sweeps {
            for from in (0..atoms.nrows()).step_by(BLOCK) {
                let to = (from + BLOCK).min(atoms.nrows());
                let of_block = self.curvature.slice(s![from..to, ..]);
                let mut left = &products.slice(s![from..to, ..]) - &of_block.dot(&atoms);
                for j in from..to {
                    let curvature = self.curvature[[j, j]];
                    if curvature.is_nan() || curvature <= least {
                        continue;
                    }
                    let step = &left.row(j - from) / curvature;
                    let before = atoms.row(j).to_owned();
                    moved(atoms.row_mut(j), step.view(), constraint);
                    let change = &atoms.row(j) - &before;
                    // What the atoms to come have left, with this one where it is now.
                    for l in j + 1..to {
                        left.row_mut(l - from).scaled_add(-self.curvature[[l, j]], &change);
                    }
                }
            }
        }
        atoms.reversed_axes().as_standard_layout().into_owned()
    }
}

/// `Π(atom + step)`; an atom that would be 0 stays where it is.
fn moved(mut atom: ArrayViewMut1<f64>, step: ArrayView1<f64>, constraint: Constraint) {
    let goal = &atom + &step;
    let norm = goal.dot(&goal).sqrt();
    if norm > 0.0 {
        atom.assign(&goal);
        atom /= constraint.excess(norm);
    }
}

impl Online {
    /// β_k, of step k = 1, 2, ….
    pub fn left(&self, step: usize) -> f64 {
        libm::pow(1.0 - 1.0 / step.max(1) as f64, self.forgetting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dictionary::initialisation;
    use crate::random::Stream;

    const CONSTRAINTS: [Constraint; 3] =
        [Constraint::UnitSphere, Constraint::UnitBall, Constraint::None];

    fn normal(shape: [usize; 2], stream: &mut Stream) -> Array2<f64> {
        Array2::from_shape_simple_fn(shape, || stream.normal())
    }

    /// Codes of which half are 0, examples, a dictionary, and the surrogate.
    fn problem(p: usize) -> ([Array2<f64>; 3], Surrogate) {
        let (m, n) = (20, 300);
        let mut stream = Stream::new(7, "online", 0);
        let dictionary = initialisation::random(m, p, &mut stream);
        let codes = normal([n, p], &mut stream).mapv(|z| z.max(0.0));
        let x = normal([n, m], &mut stream);
        let curvature = codes.t().dot(&codes) / n as f64;
        let products = x.t().dot(&codes) / n as f64;
        ([dictionary, codes, x], Surrogate { curvature, products })
    }

    /// The definition, an atom at a time.
    fn by_definition(
        surrogate: &Surrogate,
        dictionary: &Array2<f64>,
        of: Constraint,
    ) -> Array2<f64> {
        let Surrogate { curvature, products } = surrogate;
        let mut d = dictionary.clone();
        for j in 0..d.ncols() {
            let left = &products.column(j) - &d.dot(&curvature.column(j));
            let goal = &d.column(j) + &(left / curvature[[j, j]]);
            let norm = goal.dot(&goal).sqrt();
            let scale = match of {
                Constraint::UnitSphere => norm,
                Constraint::UnitBall => norm.max(1.0),
                _ => 1.0,
            };
            d.column_mut(j).assign(&(goal / scale));
        }
        d
    }

    #[test]
    fn a_sweep_is_the_definition_atom_by_atom() {
        // More atoms than a block has, and one alone in the last.
        for p in [5, 2 * BLOCK + 1] {
            let ([dictionary, ..], surrogate) = problem(p);
            for constraint in CONSTRAINTS {
                let ours = surrogate.minimised(&dictionary, constraint, 2);
                let once = by_definition(&surrogate, &dictionary, constraint);
                let theirs = by_definition(&surrogate, &once, constraint);
                let error = (&ours - &theirs).iter().fold(0.0f64, |most, e| most.max(e.abs()));
                assert!(error < 1e-12, "p {p} {constraint:?}: {error:e}");
            }
        }
    }

    #[test]
    fn the_statistics_of_a_batch_come_from_the_gradient() {
        let ([dictionary, codes, x], expected) = problem(30);
        let gradient = (codes.dot(&dictionary.t()) - &x).t().dot(&codes) / x.nrows() as f64;
        let curvature = &expected.curvature;
        let mut surrogate = Surrogate::zeros([20, 30]);
        surrogate.add(0.0, &dictionary, &gradient, curvature);
        surrogate.add(0.5, &dictionary, &gradient, curvature);
        let error = &surrogate.products - &expected.products * 1.5;
        assert!(error.iter().all(|e| e.abs() < 1e-13));
        assert_eq!(surrogate.curvature, curvature * 1.5);
    }

    /// Without a constraint the minimiser is `B A⁻¹`: what a ridge of nearly nothing gives.
    #[test]
    fn sweeps_descend_to_the_minimiser() {
        let ([dictionary, ..], surrogate) = problem(30);
        for constraint in CONSTRAINTS {
            let mut value = surrogate.value(&constraint.project(dictionary.clone()));
            let mut d = constraint.project(dictionary.clone());
            for _ in 0..200 {
                d = surrogate.minimised(&d, constraint, 1);
                let after = surrogate.value(&d);
                assert!(after <= value + 1e-12, "{constraint:?}: {after} > {value}");
                value = after;
            }
            if constraint == Constraint::None {
                let gradient = d.dot(&surrogate.curvature) - &surrogate.products;
                assert!(gradient.iter().all(|g| g.abs() < 1e-6), "{gradient:?}");
            }
        }
    }

    #[test]
    fn an_atom_that_no_code_uses_stays() {
        let ([dictionary, ..], mut surrogate) = problem(10);
        surrogate.curvature.row_mut(3).fill(0.0);
        surrogate.curvature.column_mut(3).fill(0.0);
        surrogate.products.column_mut(3).fill(0.0);
        let after = surrogate.minimised(&dictionary, Constraint::UnitSphere, 3);
        assert_eq!(after.column(3), dictionary.column(3));
        assert_ne!(after.column(4), dictionary.column(4));
        assert!(
            Surrogate::zeros([20, 10]).minimised(&dictionary, Constraint::None, 1) == dictionary
        );
    }

    #[test]
    fn the_past_fades_as_the_paper_says() {
        let online = Online { forgetting: 2.0, sweeps: 1 };
        assert_eq!(online.left(1), 0.0);
        assert_eq!(online.left(2), 0.25);
        assert!((online.left(10) - 0.81).abs() < 1e-15);
        assert_eq!(Online { forgetting: 0.0, sweeps: 1 }.left(2), 1.0);
    }
}
