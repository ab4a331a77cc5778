//! When to compute densely and when over index lists: decided by counts alone, never by a clock, so that a
//! result does not depend on what else the machine does.
//!
//! The constants are ratios of times on one core; `benches/NOTES.md` has the measurements behind them.

/// Bytes of DᵀD up to which it is taken to stay in the cache of a core.
const CACHE: usize = 1 << 20;

/// The share of non-zero codes below which sums over active atoms beat a dense product.
///
/// A dense product reads DᵀD once for a block of examples; a sum over active atoms reads a row of it for
/// each of them, which costs little as long as it stays in cache.
fn sparse_below(gram_bytes: usize) -> f64 {
    if gram_bytes <= CACHE { 0.45 } else { 0.10 }
}

/// Whether an iteration on a block with `nonzeros` codes different from 0 should be a dense product.
pub(crate) fn dense(nonzeros: usize, examples: usize, stride: usize, number: usize) -> bool {
    let share = sparse_below(stride * stride * number);
    nonzeros as f64 > share * (examples * stride) as f64
}

/// How many iterations of one example may be dearer than a dense product would have been before the
/// example is handed back to the dense products.
pub(crate) const PATIENCE: usize = 8;

/// Which atoms join a working set: those that could become active while the code moves by this many times
/// its last step. The code closes in geometrically, so a handful lasts for long.
pub(crate) const HORIZON: f64 = 3.0;

/// Whether copying DᵀD for a working set of `width` atoms pays, next to full iterations with `active` atoms.
pub(crate) fn working_set_pays(width: usize, active: usize, stride: usize) -> bool {
    width <= 1024 && 2 * width * crate::number::padded(width) <= active.max(1) * stride
}

/// Whether the adjoint of a full iteration should run over whole rows of DᵀD rather than over pairs of
/// active atoms. `lanes` numbers are in a vector register.
pub(crate) fn whole_rows(active: usize, stride: usize, lanes: usize) -> bool {
    active * lanes > stride
}

/// Examples in a block: one thread carries them through all iterations. Fixed by the number of examples, so
/// that threads do not matter.
pub(crate) fn block(examples: usize) -> usize {
    const MOST: usize = 64;
    const LEAST: usize = 16;
    // Two blocks at least, of equal size, once there are enough examples.
    let blocks = examples.div_ceil(MOST).max((examples / LEAST).min(2)).max(1);
    examples.div_ceil(blocks)
}

/// Bytes of dense iterates that a block keeps; beyond it keeps some and computes the others again.
pub(crate) const DENSE_ITERATES: usize = 48 << 20;

/// Rows of a product that gathers `Σ z sᵀ`: several iterations go into one.
pub(crate) const GATHERED_ROWS: usize = 256;
