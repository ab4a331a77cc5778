//! Loops compiled for the widest registers of the machine at hand. What they compute does not depend on their width.

use pulp::{Arch, Simd, WithSimd};

/// Work in loops over numbers: a type of its own, because the body of a closure that could be called twice is not
/// inlined where the registers are known, and would run on the narrowest.
pub(crate) trait Loops {
    type Output;

    /// To be marked `#[inline(always)]`, and all that it calls in its loops.
    fn run(self) -> Self::Output;
}

/// Runs it.
pub(crate) fn on_widest<L: Loops>(loops: L) -> L::Output {
    Arch::new().dispatch(Here(loops))
}

struct Here<L>(L);

impl<L: Loops> WithSimd for Here<L> {
    type Output = L::Output;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> L::Output {
        self.0.run()
    }
}
