//! Codes of the lasso, block by block on all threads.

use ndarray::{Array2, Axis, concatenate};
use rayon::prelude::*;
use unrolled::lasso::Lasso;
use unrolled::prelude::Sided;

/// Examples in a block.
const BLOCK: usize = 256;

/// Relative duality gap of every code: what rounding allows. And passes over all atoms, at most.
const GAP: f64 = 1e-15;
const PASSES: usize = 10_000;

/// `argmin ½‖x − D z‖² + λ‖z‖₁` of every row of X, `[n, p]`. The same for any number of threads.
pub(super) fn lasso(
    x: &Array2<f64>,
    dictionary: &Array2<f64>,
    penalty: f64,
    sided: Sided,
    go_on: &(dyn Fn() -> bool + Sync),
) -> Array2<f64> {
    let solver = Lasso::new(dictionary, penalty, sided);
    let blocks: Vec<_> = x.axis_chunks_iter(Axis(0), BLOCK).collect();
    let codes: Vec<Array2<f64>> = blocks
        .into_par_iter()
        .map(|block| solver.solve(&block.to_owned(), GAP, PASSES, &|| go_on()).codes)
        .collect();
    let views: Vec<_> = codes.iter().map(|block| block.view()).collect();
    match views.is_empty() {
        true => Array2::zeros((0, dictionary.ncols())),
        false => concatenate(Axis(0), &views).expect("codes have p columns"),
    }
}
