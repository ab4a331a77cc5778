//! Matrix products of arrays on the host, by `gemm`.

use ndarray::{Array2, ArrayView2};
use unrolled_kernels::{Number, View, product};

/// `a b`, `[n, k]` times `[k, p]`, row-major, on the threads of the current pool: the same on any number of them.
///
/// # Panics
/// Where neither the rows nor the columns of a factor lie together.
pub(crate) fn of_arrays<T: Number>(a: ArrayView2<T>, b: ArrayView2<T>) -> Array2<T> {
    let out = product(view(&a), view(&b));
    Array2::from_shape_vec((a.nrows(), b.ncols()), out).expect("a product has this shape")
}

fn view<'a, T: Number>(array: &'a ArrayView2<T>) -> View<'a, T> {
    let (rows, columns) = array.dim();
    match array.as_slice() {
        Some(data) => View::rows(data, rows, columns, columns),
        None => {
            let data = array.reborrow().reversed_axes().to_slice();
            let data = data.expect("rows or columns lie together, in order");
            View::rows(data, columns, rows, rows).transposed()
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, s};

    use super::of_arrays;
    use crate::random::Stream;

    #[test]
    #[should_panic = "lie together, in order"]
    fn what_lies_in_another_order_is_refused() {
        let a = Array2::<f64>::eye(3);
        of_arrays(a.slice(s![..;-1, ..]), a.view());
    }

    #[test]
    fn factors_may_be_transposes_and_some_rows() {
        let mut stream = Stream::new(1, "product", 0);
        let mut draw = |shape| Array2::from_shape_simple_fn(shape, || stream.normal());
        let (a, b): (Array2<f64>, Array2<f64>) = (draw([7, 5]), draw([9, 5]));
        let near = |a: Array2<f64>, b: Array2<f64>| (a - b).iter().all(|e| e.abs() < 1e-13);
        assert!(near(of_arrays(a.view(), b.t()), a.dot(&b.t())));
        assert!(near(of_arrays(b.t(), b.view()), b.t().dot(&b)));
        let some = a.slice(s![2..6, ..]);
        assert!(near(of_arrays(some, b.t()), some.dot(&b.t())));
        // Of one column or row.
        let one = b.slice(s![3..4, ..]);
        assert!(near(of_arrays(a.view(), one.t()), a.dot(&one.t())));
        assert!(near(of_arrays(one.t(), one), one.t().dot(&one)));
    }
}
