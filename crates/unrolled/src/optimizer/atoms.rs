//! Atoms, as an optimiser sees them that moves one at a time.

use burn::optim::Optimizer;
use burn::tensor::Tensor;

use super::{AnyOptimizer, Filters, Moments, Online, online};
use crate::dictionary::{AnyDictionary, Constraint};
use crate::product::product;
use crate::tensors::{Precision, to_values, vector_to_tensor};

/// How atoms lie in the parameter that holds them, flat, and where they are kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Atoms {
    /// The columns of a matrix.
    Columns {
        /// `[m, p]`.
        shape: [usize; 2],
        /// Where each is kept.
        constraint: Constraint,
    },
    /// Filters, each of which serves a map of codes.
    Filters(Filters),
}

/// What an optimiser of atoms is told of a batch, all flat.
#[derive(Clone, Debug)]
pub struct OfAtoms {
    /// How the atoms lie.
    pub atoms: Atoms,
    /// The gradient with respect to the atoms.
    pub gradient: Tensor<1>,
    /// What of the codes the optimiser asks for, a mean over the examples, as [`AnyOptimizer::curvature`] sums it.
    pub curvature: Tensor<1>,
}

impl Atoms {
    /// Those of a dictionary.
    pub fn of(dictionary: &AnyDictionary) -> Self {
        match dictionary {
            AnyDictionary::Dense(dense) => {
                Self::Columns { shape: dense.matrix.dims(), constraint: dense.constraint }
            }
            AnyDictionary::Convolutional(filters) => Self::Filters(Filters::of(filters)),
        }
    }

    /// p, how many there are.
    pub fn count(&self) -> usize {
        match self {
            Self::Columns { shape: [_, p], .. } => *p,
            Self::Filters(filters) => filters.shape[0],
        }
    }

    /// How many numbers they are.
    pub fn entries(&self) -> usize {
        match self {
            Self::Columns { shape: [m, p], .. } => m * p,
            Self::Filters(filters) => filters.shape.iter().product(),
        }
    }

    /// How many numbers the products of codes are.
    pub(super) fn products(&self) -> usize {
        let p = self.count();
        match self {
            Self::Columns { .. } => p * p,
            Self::Filters(filters) => p * p * filters.shifts(),
        }
    }

    /// The products of codes `[n, q]` of which a quadratic in the atoms is made, summed over the examples, flat: of a matrix
    /// `Σ z zᵀ`, `[p, p]`; of filters those at all shifts at which two of them overlap, see [`Filters`].
    fn curvature(&self, codes: Tensor<2>) -> Tensor<1> {
        match self {
            Self::Columns { .. } => crate::fused::gram_of_codes(&codes)
                .unwrap_or_else(|| product(codes.clone().transpose(), codes))
                .reshape([self.products()]),
            Self::Filters(filters) => filters.curvature(codes),
        }
    }

    /// Whether a step of them is worth the threads of a pool.
    pub fn is_worth_threads(&self) -> bool {
        match self {
            Self::Columns { shape, .. } => Online::is_worth_threads(*shape),
            Self::Filters(_) => true,
        }
    }

    /// The squares of each atom's codes, summed over the examples and places, `[p]`.
    fn squares(&self, codes: Tensor<2>) -> Tensor<1> {
        let (p, q) = (self.count(), codes.dims()[1]);
        let of_entries = codes.clone().mul(codes).sum_dim(0);
        of_entries.reshape([p, q / p]).sum_dim(1).reshape([p])
    }

    /// Atoms as the columns of a matrix `[entries, p]`.
    fn to_columns(self, flat: Tensor<1>) -> Tensor<2> {
        match self {
            Self::Columns { shape, .. } => flat.reshape(shape),
            Self::Filters(Filters { shape: [p, ..], .. }) => {
                flat.reshape([p, self.entries() / p]).transpose()
            }
        }
    }

    fn flat(self, columns: Tensor<2>) -> Tensor<1> {
        let columns = match self {
            Self::Columns { .. } => columns,
            Self::Filters(_) => columns.transpose(),
        };
        columns.reshape([self.entries()])
    }
}

impl AnyOptimizer {
    /// Whether it moves atoms by [`Self::step_of_atoms`], and other parameters by plain steps.
    pub fn is_of_atoms(&self) -> bool {
        matches!(self, Self::Online(_) | Self::Preconditioned(_))
    }

    /// What it asks for of the codes `[n, q]`, summed over the examples, flat: the products of all codes (of a matrix `Σ z zᵀ`,
    /// `[p, p]`; of filters at all shifts at which two of them overlap, see [`Filters`]), or the squares of each atom's, `[p]`.
    /// `None` where it does not move atoms as such.
    pub fn curvature(&self, atoms: &Atoms, codes: Tensor<2>) -> Option<Tensor<1>> {
        match self {
            Self::Online(_) => Some(atoms.curvature(codes)),
            Self::Preconditioned(_) => Some(atoms.squares(codes)),
            Self::Adam(_) | Self::Sgd(_) => None,
        }
    }

    /// How many numbers [`Self::curvature`] gives.
    pub fn curvature_len(&self, atoms: &Atoms) -> usize {
        match self {
            Self::Online(_) => atoms.products(),
            Self::Preconditioned(_) => atoms.count(),
            Self::Adam(_) | Self::Sgd(_) => 0,
        }
    }

    /// A step of the parameter that holds the atoms, of the optimisers that [`Self::is_of_atoms`] names; all is flat.
    pub fn step_of_atoms(
        &self,
        rate: f64,
        dictionary: Tensor<1>,
        batch: OfAtoms,
        state: Option<Moments<1>>,
    ) -> (Tensor<1>, Moments<1>) {
        let time = state.as_ref().map_or(0, |state| state.time) + 1;
        match self {
            Self::Online(online) => {
                let averages = state.map(|state| state.averages);
                let step = (online, online.weights(rate, time));
                let (after, averages) = match Precision::of(&dictionary) {
                    Precision::Float32 => online::step::<f32>(step, dictionary, batch, averages),
                    Precision::Float64 => online::step::<f64>(step, dictionary, batch, averages),
                };
                (after, Moments { time, averages })
            }
            Self::Preconditioned(rule) => {
                let OfAtoms { atoms, gradient, curvature: of_batch } = batch;
                let mean = state.and_then(|mut state| state.averages.pop());
                let mean = mean.unwrap_or_else(|| of_batch.zeros_like());
                let [dictionary, gradient] = [dictionary, gradient].map(|t| atoms.to_columns(t));
                let (after, mean) = rule.step(rate, dictionary, gradient, of_batch, (mean, time));
                (atoms.flat(after), Moments { time, averages: vec![mean] })
            }
            Self::Adam(_) | Self::Sgd(_) => {
                let (after, state) = self.step(rate, dictionary, batch.gradient, state);
                (after, state.unwrap_or_else(|| Moments { time, averages: Vec::new() }))
            }
        }
    }

    /// Forgets what it remembers of some atoms: they have been replaced.
    pub fn forget(&self, memory: &mut Moments<1>, atoms: &Atoms, replaced: &[usize]) {
        let p = atoms.count();
        for (index, average) in memory.averages.iter_mut().enumerate() {
            let mut values = to_values(average);
            // As `[rows, p, run]`: where an atom is.
            let (rows, run) = match (self, index, atoms) {
                (Self::Online(_), 0, _) => (p, atoms.products() / (p * p)),
                (Self::Preconditioned(_), ..) => (1, 1),
                (_, _, Atoms::Columns { shape: [m, _], .. }) => (*m, 1),
                (_, _, Atoms::Filters(_)) => (1, atoms.entries() / p),
            };
            for atom in replaced {
                for row in 0..rows {
                    let at = (row * p + atom) * run;
                    values[at..at + run].fill(0.0);
                }
                // Products of codes have a row of each too.
                if matches!(self, Self::Online(_)) && index == 0 {
                    values[atom * p * run..(atom + 1) * p * run].fill(0.0);
                }
            }
            let (device, precision) = (average.device(), Precision::of(&*average));
            *average = vector_to_tensor(&values.into(), precision, &device);
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use ndarray::Array2;

    use super::*;
    use crate::dictionary::FilterConstraint;
    use crate::optimizer::{Adam, Preconditioned};
    use crate::random::Stream;
    use crate::tensors::to_tensor;

    const P: usize = 4;

    /// A matrix, and filters whose maps have six places, with the number of codes.
    fn all() -> [(Atoms, usize); 2] {
        let columns = Atoms::Columns { shape: [5, P], constraint: Constraint::None };
        let constraint = FilterConstraint::default();
        let filters = Filters { shape: [P, 2, 3, 2], map: [2, 3], stride: 1, constraint };
        [(columns, P), (Atoms::Filters(filters), 6 * P)]
    }

    /// What each remembers of some atoms is what it would if their gradients and codes had always been 0; of the products
    /// of atoms with other codes nothing.
    #[test]
    fn what_is_forgotten_never_was() {
        let online = Online { forgetting: Some(1.0), sweeps: 1 };
        let preconditioned = AnyOptimizer::Preconditioned(Preconditioned::default());
        for optimizer in
            [AnyOptimizer::Adam(Adam::default()), AnyOptimizer::Online(online), preconditioned]
        {
            all().into_iter().for_each(|(atoms, q)| forgets(&optimizer, atoms, q));
        }
    }

    /// They are the products of an atom with itself, not shifted.
    #[test]
    fn squares_are_some_of_the_products() {
        let mut stream = Stream::new(4, "squares", 0);
        for (atoms, q) in all() {
            let codes = Array2::from_shape_simple_fn((9, q), || stream.normal());
            let codes = to_tensor(&codes, Precision::Float64, &Device::flex());
            let squares = to_values(&atoms.squares(codes.clone()));
            let products = to_values(&atoms.curvature(codes));
            let shifts = products.len() / (P * P);
            for (j, square) in squares.into_iter().enumerate() {
                let product = products[(j * P + j) * shifts + shifts / 2];
                assert!((square - product).abs() < 1e-12, "{j}");
            }
        }
    }

    fn forgets(optimizer: &AnyOptimizer, atoms: Atoms, q: usize) {
        let device = Device::flex();
        let mut stream = Stream::new(3, "forget", 0);
        let mut draw = |shape| Array2::from_shape_simple_fn(shape, || stream.normal());
        let entries = atoms.entries() / P;
        // Atoms as columns.
        let (d, codes) = (draw([entries, P]), draw([30, q]));
        let gradients = [draw([entries, P]), draw([entries, P])];
        let tensor = |array: &Array2<f64>| to_tensor(array, Precision::Float64, &device);
        let flat = |array: &Array2<f64>| atoms.flat(tensor(array));
        let after_two = |forgotten: &[usize]| {
            let mut state = None;
            for gradient in &gradients {
                let (mut gradient, mut codes) = (gradient.clone(), codes.clone());
                for j in forgotten {
                    gradient.column_mut(*j).fill(0.0);
                    for place in j * q / P..(j + 1) * q / P {
                        codes.column_mut(place).fill(0.0);
                    }
                }
                let curvature = optimizer.curvature(&atoms, tensor(&codes));
                let count = curvature.as_ref().map_or(0, |curvature| curvature.dims()[0]);
                assert_eq!(count, optimizer.curvature_len(&atoms));
                let curvature = curvature.unwrap_or_else(|| flat(&gradient).zeros_like());
                let batch = OfAtoms { atoms, gradient: flat(&gradient), curvature };
                state = Some(optimizer.step_of_atoms(0.0, flat(&d), batch, state).1);
            }
            state.unwrap()
        };
        let mut ours = after_two(&[]);
        optimizer.forget(&mut ours, &atoms, &[1, 3]);
        let values = |state: &Moments<1>| state.averages.iter().map(to_values).collect::<Vec<_>>();
        let (ours, never) = (values(&ours), values(&after_two(&[1, 3])));
        let lengths: Vec<usize> = ours.iter().map(Vec::len).collect();
        assert_eq!(lengths, optimizer.averages(atoms.entries(), Some(&atoms)));
        if !optimizer.is_of_atoms() {
            assert_eq!(ours, never);
            return;
        }
        // Products and what each atom's codes sum to are the same; B's columns are not, but those that are forgotten.
        let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-12;
        assert!(ours[0].iter().zip(&never[0]).all(near));
        assert!(ours[0].iter().any(|value| *value != 0.0));
        if let Some(products) = ours.get(1) {
            let columns =
                tensor(&Array2::from_shape_vec((1, products.len()), products.clone()).unwrap());
            let columns =
                crate::tensors::to_array(&atoms.to_columns(columns.reshape([products.len()])));
            for (j, column) in columns.columns().into_iter().enumerate() {
                assert_eq!(column.iter().all(|value| *value == 0.0), [1, 3].contains(&j), "{j}");
            }
        }
    }
}
