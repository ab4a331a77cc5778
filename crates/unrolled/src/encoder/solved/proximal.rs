//! FISTA with backtracking and adaptive restart, for every operator, fit and proximal operator.

use burn::tensor::{Int, Tensor};

use super::{Quality, Solution, Solved, allowed};
use crate::fit::DataFit;
use crate::operator::LinearOperator;
use crate::prox::ProximalOperator;
use crate::tensors::{Precision, from_values, to_values};

/// Iterations between two looks at the fixed-point residuals, which cost a gradient each.
const LOOK_EVERY: usize = 10;

/// The examples that are still in the batch.
struct Open {
    /// Which they are.
    rows: Vec<usize>,
    x: Tensor<2>,
    codes: Tensor<2>,
    before: Tensor<2>,
    /// D z of both.
    image: Tensor<2>,
    image_before: Tensor<2>,
    /// t of Nesterov's momentum.
    times: Vec<f64>,
}

impl Open {
    fn new<O: LinearOperator>(operator: &O, x: &Tensor<2>, codes: Tensor<2>) -> Self {
        let [n, _] = x.dims();
        let image = operator.forward(codes.clone());
        Self {
            rows: (0..n).collect(),
            x: x.clone(),
            before: codes.clone(),
            codes,
            image_before: image.clone(),
            image,
            times: vec![1.0; n],
        }
    }

    /// Without those that are done.
    fn keep(&mut self, kept: &[usize]) {
        for tensor in [
            &mut self.x,
            &mut self.codes,
            &mut self.before,
            &mut self.image,
            &mut self.image_before,
        ] {
            *tensor = rows_of(tensor, kept);
        }
        self.rows = kept.iter().map(|at| self.rows[*at]).collect();
        self.times = kept.iter().map(|at| self.times[*at]).collect();
    }
}

/// Sums over the entries of every row.
fn by_row(values: Tensor<2>) -> Vec<f64> {
    to_values(&values.sum_dim(1))
}

pub(super) fn solve<O: LinearOperator, P: ProximalOperator, F: DataFit>(
    solved: &Solved<P, F>,
    operator: &O,
    x: &Tensor<2>,
    start: Option<Tensor<2>>,
) -> Solution {
    let [n, _] = x.dims();
    let width = operator.shape()[1];
    let precision = Precision::of(x);
    let start = start.unwrap_or_else(|| Tensor::zeros([n, width], (&x.device(), x.dtype())));
    let mut residuals = vec![f64::INFINITY; n];
    let mut open = Open::new(operator, x, start);
    // Codes that are done, in the order in which they were.
    let (mut order, mut done) = (Vec::with_capacity(n), Vec::new());
    let mut step = solved.step;
    let mut made = 0;
    loop {
        let last = made >= solved.iterations;
        if made.is_multiple_of(LOOK_EVERY) || last {
            let found = Quality::residuals(solved, operator, &open.x, &open.codes);
            let sizes = to_values(&open.codes.clone().abs().max_dim(1));
            let (mut kept, mut left) = (Vec::new(), Vec::new());
            for (at, (found, size)) in found.into_iter().zip(sizes).enumerate() {
                residuals[open.rows[at]] = found;
                let goes_on = found > allowed(solved.tolerance, size, precision) && !last;
                let group = if goes_on && found.is_finite() { &mut kept } else { &mut left };
                group.push(at);
            }
            if !left.is_empty() {
                order.extend(left.iter().map(|at| open.rows[*at]));
                // What is not a number stays visible.
                let marks = left.iter().map(|at| residuals[open.rows[*at]]);
                let marks = marks.map(|residual| if residual.is_finite() { 0.0 } else { f64::NAN });
                let marks = from_values::<2>(marks, [left.len(), 1], precision, &x.device());
                done.push(rows_of(&open.codes, &left).add(marks));
            }
            if kept.is_empty() {
                break;
            }
            if !left.is_empty() {
                open.keep(&kept);
            }
        }
        step = iterate(solved, operator, &mut open, step, precision);
        made += 1;
    }
    let mut places = vec![0; n];
    for (at, row) in order.into_iter().enumerate() {
        places[row] = at;
    }
    let codes = rows_of(&Tensor::cat(done, 0), &places);
    Solution::new(codes, residuals, made, solved.tolerance)
}

/// Some of the rows.
fn rows_of(tensor: &Tensor<2>, rows: &[usize]) -> Tensor<2> {
    let places: Vec<i64> = rows.iter().map(|row| *row as i64).collect();
    let places = Tensor::<1, Int>::from_data(places.as_slice(), &tensor.device());
    tensor.clone().select(0, places)
}

/// One iteration of all that are open; the step that it was made with.
fn iterate<O: LinearOperator, P: ProximalOperator, F: DataFit>(
    solved: &Solved<P, F>,
    operator: &O,
    open: &mut Open,
    mut step: f64,
    precision: Precision,
) -> f64 {
    let next: Vec<f64> =
        open.times.iter().map(|t| (1.0 + (1.0 + 4.0 * t * t).sqrt()) / 2.0).collect();
    let weights = open.times.iter().zip(&next).map(|(t, next)| (t - 1.0) / next);
    let n = open.rows.len();
    let weights = from_values::<2>(weights, [n, 1], precision, &open.x.device());
    let ahead = |now: &Tensor<2>, before: &Tensor<2>| {
        now.clone().add(now.clone().sub(before.clone()).mul(weights.clone()))
    };
    let (y, image_of_y) =
        (ahead(&open.codes, &open.before), ahead(&open.image, &open.image_before));
    let slope = solved.fit.gradient(image_of_y.clone().sub(open.x.clone()));
    let gradient = operator.adjoint(slope.clone());
    loop {
        let z = solved.prox.apply(y.clone().sub(gradient.clone().mul_scalar(step)), step, 0);
        let image = operator.forward(z.clone());
        let moved = z.clone().sub(y.clone());
        // What the fit's slope changes by along the move, against what a curvature of 1/α would change it by: for least
        // squares that is the usual test, f(z) ≤ f(y) + ⟨∇f(y), z − y⟩ + ‖z − y‖²/2α, without its cancellation.
        let change = solved.fit.gradient(image.clone().sub(open.x.clone())).sub(slope.clone());
        let bent = by_row(change.mul(image.clone().sub(image_of_y.clone())));
        let lengths = by_row(moved.clone().mul(moved.clone()));
        let sizes = by_row(z.clone().mul(z.clone()));
        let tiny = match precision {
            Precision::Float32 => 1e-10,
            Precision::Float64 => 1e-26,
        };
        let too_long = (0..n).any(|at| {
            lengths[at] > tiny * sizes[at].max(1.0) && bent[at] * step > lengths[at] * (1.0 + 1e-6)
        });
        if too_long && step > f64::MIN_POSITIVE {
            step *= 0.5;
            continue;
        }
        // Begin anew where the momentum leads uphill: ⟨y − z, z − z'⟩ > 0.
        let uphill = by_row(moved.neg().mul(z.clone().sub(open.codes.clone())));
        for at in 0..n {
            open.times[at] = if uphill[at] > 0.0 { 1.0 } else { next[at] };
        }
        open.before = std::mem::replace(&mut open.codes, z);
        open.image_before = std::mem::replace(&mut open.image, image);
        return step;
    }
}
