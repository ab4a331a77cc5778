//! When to compute densely and when over index lists: decided by counts alone, never by a clock, so that a
//! result does not depend on what else the machine does.
//!
//! The constants are ratios of times on one core; `benches/NOTES.md` has the measurements behind them.

/// Bytes of DᵀD up to which it is taken to stay in the cache of a core.
const CACHE: usize = 1 << 20;

/// The share of non-zero codes below which sums over active atoms beat a dense product.
///
/// A dense product reads DᵀD once for a block of examples; a sum over active atoms reads a row of it for
/// each of them, which costs little as long as it stays in cache, or a panel of it does.
fn sparse_below(gram_bytes: usize) -> f64 {
    if gram_bytes <= CACHE { 0.45 } else { 0.30 }
}

/// Whether an iteration on a block with `nonzeros` codes different from 0 should be a dense product.
pub(crate) fn dense(nonzeros: usize, examples: usize, stride: usize, number: usize) -> bool {
    let share = sparse_below(stride * stride * number);
    nonzeros as f64 > share * (examples * stride) as f64
}

/// Numbers in a row of a panel of N: all of N where that stays in cache, else 1024 bytes, of which 1500 rows
/// are 1.5 MB.
pub(crate) fn panel(stride: usize, number: usize) -> usize {
    match stride * stride * number > CACHE {
        true => (1024 / number).min(stride),
        false => stride,
    }
}

/// Whether an example leaves the panels and goes on by itself: few atoms are active, or hardly any of them `changed`
/// in the last iteration, so that a working set will last.
pub(crate) fn leaves_panels(active: usize, changed: usize, stride: usize) -> bool {
    16 * active <= stride || (8 * active <= stride && 64 * changed <= active)
}

/// Whether points belong together of which the last has `active` atoms, `fresh` of them new, and all have
/// `union`.
pub(crate) fn similar(union: usize, active: usize, fresh: usize) -> bool {
    union <= 2 * active && 4 * fresh <= active
}

/// Whether going back through so many `points` with so many atoms altogether is cheaper over their `union`.
pub(crate) fn merging_pays(union: usize, points: usize, active: usize, stride: usize) -> bool {
    let width = crate::number::padded(union);
    // Multiplications in registers; copying in and adding back go one by one.
    let apart = 3 * active * stride;
    let merged = 2 * points * union * width + 32 * union * union;
    merged < apart
}

/// How many iterations of one example may be dearer than a dense product would have been before the
/// example is handed back to the dense products.
pub(crate) const PATIENCE: usize = 8;

/// Which atoms join a working set: those that could become active while the code moves by this many times
/// its last step. The code closes in geometrically, so a handful lasts for long.
pub(crate) const HORIZON: f64 = 3.0;

/// After so many iterations a working set is looked at.
pub(crate) const LOOK_EVERY: usize = 16;

/// Whether a working set of `height` atoms, `active` of them active, should be chosen anew because a smaller one will
/// do.
pub(crate) fn too_wide(active: usize, height: usize) -> bool {
    height > crate::number::PADDING && 2 * active <= height
}

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
