//! Thresholds inside kernels.

use cubecl::prelude::*;

/// What is done with small entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Moved towards 0 by the threshold.
    Soft,
    /// Those up to the threshold are set to 0.
    Hard,
}

/// A proximal operator that acts on every entry by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prox {
    /// What is done.
    pub kind: Kind,
    /// Whether codes are at least 0.
    pub one_sided: bool,
}

/// `prox(v)` with threshold `b ≥ 0`; what it drops is 0 exactly, and not-a-number stays so.
#[cube]
pub(crate) fn threshold<N: Size>(
    v: Vector<f32, N>,
    b: Vector<f32, N>,
    #[comptime] prox: Prox,
) -> Vector<f32, N> {
    let zero = Vector::<f32, N>::new(0.0);
    match comptime!((prox.kind, prox.one_sided)) {
        (Kind::Soft, false) => {
            let kept = v.less_than(&zero);
            let moved = select_many(kept, v + b, v - b);
            select_many(v.abs().less_equal(&b), zero, moved)
        }
        (Kind::Soft, true) => select_many(v.less_equal(&b), zero, v - b),
        (Kind::Hard, false) => select_many(v.abs().less_equal(&b), zero, v),
        (Kind::Hard, true) => select_many(v.less_equal(&b), zero, v),
    }
}
