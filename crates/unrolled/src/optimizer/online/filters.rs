//! Filters, one after the other.

use ndarray::{Array1, Array2, ArrayView2, NdFloat, s};
use unrolled_kernels::Number;

use super::surrogate::{Surrogate, least};
use crate::optimizer::Filters;
use crate::product::of_arrays;

/// Projected gradient steps that a filter takes before the next one's turn, at most.
const STEPS: usize = 10;

impl Filters {
    /// One filter `[c · h · w]` at every shift δ, `[shifts, c · h · w]`: `d[c, b − s δ]` at pixel b, 0 where that is beyond.
    fn shifted<T: Number>(&self, filter: &[T]) -> Array2<T> {
        let ([_, channels, height, width], [down, across]) = (self.shape, self.reach());
        let mut all = Array2::from_elem((self.shifts(), filter.len()), T::ZERO);
        for (shift, mut moved) in all.rows_mut().into_iter().enumerate() {
            let moved = moved.as_slice_mut().expect("rows lie together");
            let [y, x] = [shift / (2 * across + 1), shift % (2 * across + 1)];
            // By how many pixels down and across: `down` and `across` are the centre, no shift.
            let by =
                |at: usize, centre: usize| (at as isize - centre as isize) * self.stride as isize;
            let [y, x] = [by(y, down), by(x, across)];
            let overlap = |by: isize, size: usize| {
                by.max(0) as usize..(size as isize + by.min(0)).max(0) as usize
            };
            let (rows, columns) = (overlap(y, height), overlap(x, width));
            for (channel, row) in (0..channels).flat_map(|c| rows.clone().map(move |row| (c, row)))
            {
                let to = (channel * height + row) * width;
                let from = (channel * height + row.wrapping_add_signed(-y)) * width;
                let from = (from + columns.start).wrapping_add_signed(-x);
                let columns = to + columns.start..to + columns.end;
                let count = columns.len();
                moved[columns].copy_from_slice(&filter[from..from + count]);
            }
        }
        all
    }

    /// What filter j explains of the products of some filters, `Σ_δ C_ij(δ) d_j[c, b − s δ]`: `[rows, c · h · w]` of C
    /// `[rows, p · shifts]`.
    fn explained<T: Number>(&self, curvature: ArrayView2<T>, j: usize, filter: &[T]) -> Array2<T> {
        let shifts = self.shifts();
        let of_filter = curvature.slice(s![.., j * shifts..(j + 1) * shifts]);
        let of_filter = of_filter.as_standard_layout();
        of_arrays(of_filter.view(), self.shifted(filter).view())
    }

    /// What all filters `[p, c · h · w]` explain of the products.
    fn explained_by_all<T: Number + NdFloat>(
        &self,
        curvature: ArrayView2<T>,
        filters: &Array2<T>,
    ) -> Array2<T> {
        let mut explained = Array2::from_elem(filters.dim(), T::ZERO);
        for (j, filter) in filters.rows().into_iter().enumerate() {
            let filter = filter.to_slice().expect("rows lie together");
            explained += &self.explained(curvature, j, filter);
        }
        explained
    }
}

impl Surrogate {
    /// As [`Surrogate::add`], of filters `[p, c · h · w]` and their products `[p, p · shifts]`.
    pub(super) fn add_of_filters<T: Number + NdFloat>(
        &mut self,
        of: &Filters,
        weights: [f64; 2],
        filters: &Array2<T>,
        gradient: &Array2<T>,
        curvature: &Array2<T>,
    ) {
        let explained = of.explained_by_all(curvature.view(), filters);
        self.blend(weights, &explained, gradient, curvature);
    }

    /// The filters `[p, c · h · w]` after so many sweeps of block coordinate descent. Of one filter the surrogate is a
    /// quadratic with the matrix `C_jj(δ)` (Toeplitz by blocks), whose norm is `L_j = Σ_δ |C_jj(δ)|` at most: projected
    /// gradient steps of length `1 / L_j` never go up, and with one shift alone the first ends at the minimum.
    pub(super) fn minimised_over_filters<T: Number + NdFloat>(
        &self,
        of: &Filters,
        filters: &Array2<T>,
        sweeps: usize,
    ) -> Array2<T> {
        let ([p, channels, ..], shifts) = (of.shape, of.shifts());
        let own = |j: usize| self.curvature.slice(s![j, j * shifts..(j + 1) * shifts]);
        let least = least((0..p).map(|j| own(j)[shifts / 2]));
        let curvature = self.curvature.mapv(T::from_f64);
        let mut filters = filters.as_standard_layout().into_owned();
        let products = self.products.mapv(T::from_f64);
        let mut left = products - of.explained_by_all(curvature.view(), &filters);
        for j in (0..sweeps).flat_map(|_| 0..p) {
            let most: f64 = own(j).iter().map(|c| c.abs()).sum();
            // What is not a number is not passed over.
            if own(j)[shifts / 2] <= least {
                continue;
            }
            let length = T::from_f64(most);
            let of_itself = curvature.slice(s![j..j + 1, ..]);
            let (mut now, mut rest) = (filters.row(j).to_owned(), left.row(j).to_owned());
            for _ in 0..STEPS {
                let mut goal = &now + &(&rest / length);
                of.constraint.project_filter(entries_mut(&mut goal), entries(&now), channels);
                let change = &goal - &now;
                if change.iter().all(|change| *change == T::ZERO) {
                    break;
                }
                rest -= &of.explained(of_itself, j, entries(&change)).row(0);
                now = goal;
            }
            let change = &now - &filters.row(j);
            left -= &of.explained(curvature.view(), j, entries(&change));
            filters.row_mut(j).assign(&now);
        }
        filters
    }
}

fn entries<T>(filter: &Array1<T>) -> &[T] {
    filter.as_slice().expect("entries lie together")
}

fn entries_mut<T>(filter: &mut Array1<T>) -> &mut [T] {
    filter.as_slice_mut().expect("entries lie together")
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};

    use super::*;
    use crate::dictionary::{
        AnyDictionary, Constraint, ConvolutionalDictionary, Dictionary, FilterConstraint,
    };
    use crate::operator::LinearOperator;
    use crate::optimizer::{AnyOptimizer, Atoms, Online};
    use crate::random::Stream;
    use crate::tensors::{Precision, to_array, to_tensor};

    const CONSTRAINTS: [FilterConstraint; 4] = [
        FilterConstraint::Whole(Constraint::UnitSphere),
        FilterConstraint::Whole(Constraint::UnitBall),
        FilterConstraint::Whole(Constraint::None),
        FilterConstraint::UnitSpherePerChannel,
    ];

    /// Filters and their stride, of images of 11 × 10.
    const SHAPES: [([usize; 4], usize); 4] =
        [([3, 2, 4, 3], 1), ([4, 1, 5, 5], 2), ([3, 1, 9, 8], 1), ([5, 3, 2, 2], 3)];

    struct Problem {
        of: Filters,
        dictionary: AnyDictionary,
        x: Tensor<2>,
        codes: Tensor<2>,
        surrogate: Surrogate,
    }

    impl Problem {
        fn new(shape: [usize; 4], stride: usize, constraint: FilterConstraint) -> Self {
            let (n, device) = (7, Device::flex());
            let mut stream = Stream::new(4, "filters", 0);
            let [p, channels, height, width] = shape;
            let entries = channels * height * width;
            let mut draw = |shape: [usize; 2], share: f64| {
                let array = Array2::from_shape_simple_fn(shape, || {
                    if stream.uniform() < share { stream.normal() } else { 0.0 }
                });
                to_tensor(&array, Precision::Float64, &device)
            };
            let filters = draw([p, entries], 1.0).reshape(shape);
            let dictionary =
                ConvolutionalDictionary::new(constraint.project(filters), [11, 10], stride);
            let dictionary = dictionary.with_constraint(constraint);
            let of = Filters::of(&dictionary);
            let [m, q] = dictionary.shape();
            let x = draw([n, m], 1.0);
            // Positive and in twos, so that a filter's codes are correlated from place to place.
            let codes = draw([n, q], 0.3).abs();
            let codes = codes.clone() + codes.roll(&[1], &[1]);
            let dictionary = AnyDictionary::Convolutional(dictionary);
            let atoms = Atoms::of(&dictionary);
            let products =
                AnyOptimizer::Online(Online::default()).curvature(&atoms, codes.clone()).unwrap();
            let products = products.div_scalar(n as f64).reshape([p, p * of.shifts()]);
            let gradient = dictionary.columns_at_codes(&x, &codes).transpose();
            let mut surrogate = Surrogate {
                curvature: Array2::zeros((p, p * of.shifts())),
                products: Array2::zeros((p, entries)),
            };
            let [filters, gradient, products] =
                [dictionary.atom_rows(), gradient, products].map(|t| to_array(&t));
            surrogate.add_of_filters(&of, [0.0, 1.0], &filters, &gradient, &products);
            Self { of, dictionary, x, codes, surrogate }
        }

        fn with(&self, filters: &Array2<f64>) -> AnyDictionary {
            let rows = to_tensor(filters, Precision::Float64, &Device::flex());
            self.dictionary.clone().with_atom_rows(rows)
        }

        /// `mean ½‖D z − x‖²`.
        fn value(&self, filters: &Array2<f64>) -> f64 {
            let residual =
                to_array(&self.with(filters).forward(self.codes.clone()).sub(self.x.clone()));
            0.5 * residual.iter().map(|r| r * r).sum::<f64>() / residual.nrows() as f64
        }

        fn start(&self) -> Array2<f64> {
            to_array(&self.dictionary.atom_rows())
        }
    }

    /// The statistics are of all filters, not of those that they were taken at.
    #[test]
    fn the_quadratic_has_the_gradient_of_least_squares_everywhere() {
        for (shape, stride) in SHAPES {
            let problem = Problem::new(shape, stride, CONSTRAINTS[2]);
            let mut stream = Stream::new(5, "filters", 0);
            let other = problem.start().mapv(|v| v + stream.normal());
            let Surrogate { curvature, products } = &problem.surrogate;
            let ours = problem.of.explained_by_all(curvature.view(), &other) - products;
            let plain = problem.with(&other).columns_at_codes(&problem.x, &problem.codes);
            let error = to_array(&plain.transpose()) - ours;
            assert!(error.iter().all(|e| e.abs() < 1e-12), "{shape:?} {stride}");
        }
    }

    #[test]
    fn sweeps_descend_within_every_constraint() {
        for ((shape, stride), constraint) in
            SHAPES.into_iter().flat_map(|s| CONSTRAINTS.map(|constraint| (s, constraint)))
        {
            let problem = Problem::new(shape, stride, constraint);
            let Problem { of, surrogate, .. } = &problem;
            let (mut filters, mut value) = (problem.start(), problem.value(&problem.start()));
            for _ in 0..1000 {
                filters = surrogate.minimised_over_filters(of, &filters, 1);
                let after = problem.value(&filters);
                assert!(after <= value + 1e-12, "{shape:?} {constraint:?}: {after} > {value}");
                value = after;
            }
            let [p, entries] = [shape[0], filters.ncols()];
            let tensor = to_tensor(&filters, Precision::Float64, &Device::flex()).reshape(shape);
            let within = to_array(&constraint.project(tensor).reshape([p, entries]));
            assert!((within - &filters).iter().all(|e| e.abs() < 1e-14), "{constraint:?}");
            let gradient =
                of.explained_by_all(surrogate.curvature.view(), &filters) - &surrogate.products;
            // At a minimum the filter goes back to where it is from any step against the gradient.
            let mut moved = &filters - &gradient * 0.1;
            for (mut moved, filter) in moved.rows_mut().into_iter().zip(filters.rows()) {
                let (moved, filter) = (moved.as_slice_mut().unwrap(), filter.to_slice().unwrap());
                constraint.project_filter(moved, filter, shape[1]);
            }
            let error = (moved - &filters).iter().fold(0.0f64, |most, e| most.max(e.abs()));
            assert!(error < 1e-4, "{shape:?} {stride} {constraint:?}: {error:e}");
        }
    }

    /// Filters of one pixel on images of one are the columns of a matrix.
    #[test]
    fn filters_without_shifts_are_columns() {
        let mut stream = Stream::new(6, "filters", 0);
        let (m, p) = (5, 7);
        let mut draw = |shape| Array2::from_shape_simple_fn(shape, || stream.normal());
        let codes: Array2<f64> = draw([50, p]);
        let surrogate =
            Surrogate { curvature: codes.t().dot(&codes) / 50.0, products: draw([m, p]) };
        let of_filters = Surrogate {
            curvature: surrogate.curvature.clone(),
            products: surrogate.products.t().as_standard_layout().into_owned(),
        };
        let start = Constraint::UnitSphere.project(draw([m, p]));
        for constraint in [Constraint::UnitSphere, Constraint::UnitBall, Constraint::None] {
            let of = Filters {
                shape: [p, m, 1, 1],
                map: [1, 1],
                stride: 1,
                constraint: FilterConstraint::Whole(constraint),
            };
            let columns = surrogate.minimised(&start, constraint, 3);
            let filters = of_filters.minimised_over_filters(&of, &start.t().to_owned(), 3);
            assert!((filters.t().to_owned() - columns).iter().all(|e| e.abs() < 1e-13));
        }
    }

    #[test]
    fn a_filter_that_no_code_uses_stays_and_what_is_no_number_is_seen() {
        let Problem { of, mut surrogate, dictionary, .. } =
            Problem::new([3, 2, 4, 3], 1, CONSTRAINTS[0]);
        let filters = to_array(&dictionary.atom_rows());
        let shifts = of.shifts();
        let [of_two, from] = [2, 2 * shifts];
        surrogate.curvature.row_mut(of_two).fill(0.0);
        surrogate.curvature.slice_mut(s![.., from..from + shifts]).fill(0.0);
        surrogate.products.row_mut(of_two).fill(0.0);
        let after = surrogate.minimised_over_filters(&of, &filters, 2);
        assert_eq!(after.row(2), filters.row(2));
        assert_ne!(after.row(1), filters.row(1));
        for bad in [f64::NAN, f64::INFINITY] {
            surrogate.curvature[[2, from + shifts / 2]] = bad;
            let after = surrogate.minimised_over_filters(&of, &filters, 1);
            assert!(after.row(2).iter().any(|v| v.is_nan()), "{bad}");
            assert_ne!(after.row(0), filters.row(0), "{bad}");
        }
    }

    #[test]
    fn float32_is_near_float64() {
        for (shape, stride) in SHAPES {
            let problem = Problem::new(shape, stride, CONSTRAINTS[0]);
            let Problem { of, surrogate, .. } = &problem;
            let start = problem.start();
            let single = start.mapv(|v| v as f32);
            let a = surrogate.minimised_over_filters(of, &start, 2);
            let b = surrogate.minimised_over_filters(of, &single, 2).mapv(f64::from);
            assert!((a - b).iter().all(|e| e.abs() < 1e-4), "{shape:?}");
        }
    }
}
