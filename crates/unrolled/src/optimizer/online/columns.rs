//! Columns of a matrix, one after the other.

use ndarray::{Array2, ArrayView2, NdFloat, s};
use unrolled_kernels::{Number, sum, transpose};

use super::surrogate::{Surrogate, flat, least};
use crate::dictionary::Constraint;
use crate::product::of_arrays;
use crate::registers::{Loops, on_widest};

/// Atoms whose residuals are computed by one product.
const BLOCK: usize = 64;

impl Surrogate {
    /// Of no examples yet.
    pub fn zeros([m, p]: [usize; 2]) -> Self {
        Self { curvature: Array2::zeros((p, p)), products: Array2::zeros((m, p)) }
    }

    /// What of it is left, and the statistics of a batch added by their weight: its mean `z zᵀ`, and the gradient
    /// `D A − B` of it at D.
    pub fn add<T: Number>(
        &mut self,
        weights: [f64; 2],
        dictionary: &Array2<T>,
        gradient: &Array2<T>,
        curvature: &Array2<T>,
    ) {
        let explained = of_arrays(dictionary.view(), curvature.view());
        self.blend(weights, &explained, gradient, curvature);
    }

    /// Its value at a dictionary.
    pub fn value(&self, dictionary: &Array2<f64>) -> f64 {
        let quadratic = (dictionary.dot(&self.curvature) * dictionary).sum();
        0.5 * quadratic - (dictionary * &self.products).sum()
    }

    /// The dictionary after so many sweeps of block coordinate descent.
    pub fn minimised<T: Number + NdFloat>(
        &self,
        dictionary: &Array2<T>,
        constraint: Constraint,
        sweeps: usize,
    ) -> Array2<T> {
        let m = dictionary.nrows();
        // Atoms as rows, so that each lies together.
        let mut atoms = transposed(dictionary);
        let products = transposed(&self.products.mapv(T::from_f64));
        let curvature = self.curvature.as_standard_layout().mapv(T::from_f64);
        let norms = self.curvature.diag();
        let least = least(norms.iter().copied());
        for _ in 0..sweeps {
            for from in (0..atoms.nrows()).step_by(BLOCK) {
                let to = (from + BLOCK).min(atoms.nrows());
                let of_block = curvature.slice(s![from..to, ..]);
                let explained = of_arrays(of_block, atoms.view());
                let mut left = &products.slice(s![from..to, ..]) - &explained;
                let mut of_block = atoms.slice_mut(s![from..to, ..]);
                let [of_block, left] = [of_block.as_slice_mut(), left.as_slice_mut()]
                    .map(|rows| rows.expect("rows lie together"));
                on_widest(Block {
                    curvature: curvature.slice(s![from..to, from..to]),
                    is_unused: |j| norms[from + j] <= least,
                    constraint,
                    atoms: of_block,
                    left,
                    m,
                });
            }
        }
        transposed(&atoms)
    }
}

/// Some atoms, one after the other. Rows are of m numbers.
struct Block<'a, T, U> {
    /// A, of these alone.
    curvature: ArrayView2<'a, T>,
    is_unused: U,
    constraint: Constraint,
    atoms: &'a mut [T],
    /// What of B the atoms do not explain yet, `B − D A`.
    left: &'a mut [T],
    m: usize,
}

impl<T: Number, U: Fn(usize) -> bool> Loops for Block<'_, T, U> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { curvature, is_unused, constraint, atoms, left, m } = self;
        let mut change = vec![T::ZERO; m];
        for (j, atom) in atoms.chunks_exact_mut(m).enumerate() {
            if is_unused(j) {
                continue;
            }
            let (of_these, of_others) = left.split_at_mut((j + 1) * m);
            let goal = &mut of_these[j * m..];
            let norm = curvature[[j, j]];
            goal.iter_mut().zip(&*atom).for_each(|(left, atom)| *left = *atom + *left / norm);
            let length = sum(goal, |v| v * v).sqrt();
            // An atom that would be 0 stays where it is.
            if length.is_nan() || length > 0.0 {
                let excess = T::from_f64(constraint.excess(length));
                for ((atom, change), goal) in atom.iter_mut().zip(&mut change).zip(goal) {
                    let goal = *goal / excess;
                    (*atom, *change) = (goal, goal - *atom);
                }
                // What the atoms to come have left, with this one where it is now.
                for (l, left) in (j + 1..).zip(of_others.chunks_exact_mut(m)) {
                    let factor = curvature[[l, j]];
                    left.iter_mut().zip(&change).for_each(|(left, c)| *left -= factor * *c);
                }
            }
        }
    }
}

/// Row-major.
fn transposed<T: Number>(array: &Array2<T>) -> Array2<T> {
    let ((rows, columns), array) = (array.dim(), array.as_standard_layout());
    let values = transpose(flat(&array.view()), [rows, columns], columns, rows);
    Array2::from_shape_vec((columns, rows), values).expect("a transpose has this shape")
}

#[cfg(test)]
mod tests {
    use super::super::Online;
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
        let Surrogate { curvature, products, .. } = surrogate;
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

    /// So many numbers that threads share them: the definition, and the same bytes on any number of threads.
    #[test]
    fn large_dictionaries_are_the_definition_on_any_number_of_threads() {
        let (m, p) = (300, 2 * BLOCK + 150);
        assert!(Online::is_worth_threads([m, p]) && !Online::is_worth_threads([64, 128]));
        let mut stream = Stream::new(8, "online", 0);
        let dictionary = initialisation::random(m, p, &mut stream);
        let codes = normal([2 * p, p], &mut stream).mapv(|z| z.max(0.0));
        let curvature = codes.t().dot(&codes) / codes.nrows() as f64;
        let gradient = normal([m, p], &mut stream);
        let step = || {
            let mut surrogate = Surrogate::zeros([m, p]);
            surrogate.add([0.0, 1.0], &dictionary, &gradient, &curvature);
            let after = surrogate.minimised(&dictionary, Constraint::UnitBall, 1);
            (surrogate, after)
        };
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(step)
        };
        let ((surrogate, one), (_, three)) = (on(1), on(3));
        assert_eq!(one, three);
        let products = dictionary.dot(&curvature) - &gradient;
        assert!((&surrogate.products - &products).iter().all(|e| e.abs() < 1e-11));
        let error = one - by_definition(&surrogate, &dictionary, Constraint::UnitBall);
        assert!(error.iter().all(|e| e.abs() < 1e-11));
    }

    #[test]
    fn float32_is_near_float64() {
        let ([dictionary, ..], surrogate) = problem(2 * BLOCK + 1);
        let single = dictionary.mapv(|v| v as f32);
        for constraint in CONSTRAINTS {
            let a = surrogate.minimised(&dictionary, constraint, 2);
            let b = surrogate.minimised(&single, constraint, 2).mapv(f64::from);
            assert!((a - b).iter().all(|e| e.abs() < 1e-5), "{constraint:?}");
        }
    }

    #[test]
    fn the_statistics_of_a_batch_come_from_the_gradient() {
        let ([dictionary, codes, x], expected) = problem(30);
        let gradient = (codes.dot(&dictionary.t()) - &x).t().dot(&codes) / x.nrows() as f64;
        let curvature = &expected.curvature;
        let mut surrogate = Surrogate::zeros([20, 30]);
        surrogate.add([0.0, 1.0], &dictionary, &gradient, curvature);
        // Whatever the layout is.
        let by_columns =
            |array: &Array2<f64>| array.t().as_standard_layout().into_owned().reversed_axes();
        let [of_d, of_gradient, of_codes] = [&dictionary, &gradient, curvature].map(by_columns);
        surrogate.add([0.5, 0.25], &of_d, &of_gradient, &of_codes);
        let after = surrogate.minimised(&dictionary, Constraint::None, 1);
        let [of_a, of_b] = [&surrogate.curvature, &surrogate.products].map(by_columns);
        let same = Surrogate { curvature: of_a, products: of_b };
        assert_eq!(same.minimised(&of_d, Constraint::None, 1), after);
        let error = &surrogate.products - &expected.products * 0.75;
        assert!(error.iter().all(|e| e.abs() < 1e-13));
        assert_eq!(surrogate.curvature, curvature * 0.75);
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

    /// It is not passed over as one that is not used, nor are the others for its sake.
    #[test]
    fn curvature_that_is_no_finite_number_shows_in_its_atom() {
        for bad in [f64::NAN, f64::INFINITY] {
            let ([dictionary, ..], mut surrogate) = problem(10);
            surrogate.curvature[[3, 3]] = bad;
            let after = surrogate.minimised(&dictionary, Constraint::None, 1);
            assert!(after.column(3).iter().any(|v| v.is_nan()), "{bad}");
            assert_ne!(after.column(0), dictionary.column(0), "{bad}");
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
}
