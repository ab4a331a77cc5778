//! A block of examples, all at the same iteration: keeps the iterates, or some of them, for the adjoint.

use pulp::Simd;

use crate::cost;
use crate::number::Number;

/// Iterations of a block of examples, `[examples, stride]` an iterate.
pub(crate) trait Iteration<T> {
    /// z_{t+1} from z_t; `None` stands for z_t = 0. Returns the number of non-zeros.
    fn step<S: Simd>(&mut self, simd: S, t: usize, z: Option<&[T]>, next: &mut [T]) -> usize;

    /// The adjoint of some iterations, which go from each iterate of `before` to the next, and from the last
    /// of them to `last`: turns `q` from dL/dz of the last into dL/dz of the first, which is 0 when
    /// `from_zero`, and adds what they contribute to the gradients.
    fn adjoint<S: Simd>(&mut self, simd: S, iterates: [&[T]; 2], q: &mut [T], from_zero: bool);
}

/// Iterates z_from, …, z_to, all of them or every `every`-th.
pub(crate) struct Lockstep<T> {
    from: usize,
    pub to: usize,
    every: usize,
    /// Whether z_from is 0.
    from_zero: bool,
    stored: Vec<T>,
    /// z_to.
    pub last: Vec<T>,
}

impl<T: Number> Lockstep<T> {
    /// Iterates from `start` (`None`: from 0) at `from` until `until`, or until `go_on`, given the non-zero codes
    /// of the last iterate, says no. `keep`: for an adjoint.
    #[inline(always)]
    pub fn forward<S: Simd>(
        simd: S,
        iteration: &mut impl Iteration<T>,
        size: usize,
        start: Option<Vec<T>>,
        [from, until]: [usize; 2],
        keep: bool,
        go_on: impl Fn(usize) -> bool,
    ) -> Self {
        let most = (cost::DENSE_ITERATES / (size * size_of::<T>()).max(1)).max(32);
        let steps = until - from;
        let every = if steps <= most { 1 } else { steps.isqrt().max(1) };
        let mut lockstep = Self {
            from,
            to: from,
            every,
            from_zero: start.is_none(),
            stored: Vec::new(),
            last: start.unwrap_or_else(|| vec![T::ZERO; size]),
        };
        let mut next = vec![T::ZERO; size];
        let mut nonzeros = lockstep.last.iter().filter(|z| **z != T::ZERO).count();
        while lockstep.to < until
            && ((lockstep.to == from && lockstep.from_zero) || go_on(nonzeros))
        {
            if keep && (lockstep.to - from).is_multiple_of(every) {
                lockstep.stored.extend_from_slice(&lockstep.last);
            }
            let z = (lockstep.to > from || !lockstep.from_zero).then_some(&lockstep.last[..]);
            nonzeros = iteration.step(simd, lockstep.to, z, &mut next);
            std::mem::swap(&mut lockstep.last, &mut next);
            lockstep.to += 1;
        }
        lockstep
    }

    /// z_from, … up to the one before the last, where all of them are kept.
    pub fn iterates(&self) -> Option<&[T]> {
        (self.every == 1).then_some(&self.stored[..])
    }

    /// The adjoint: from `q` = dL/dz_to to dL/dz_from.
    #[inline(always)]
    pub fn backward<S: Simd>(&self, simd: S, iteration: &mut impl Iteration<T>, q: &mut [T]) {
        let size = self.last.len();
        let count = self.stored.len() / size.max(1);
        if self.every == 1 {
            if count > 0 {
                iteration.adjoint(simd, [&self.stored, &self.last], q, self.from_zero);
            }
            return;
        }
        let mut iterates = Vec::new();
        for segment in (0..count).rev() {
            let first = self.from + segment * self.every;
            let from_zero = self.from_zero && segment == 0;
            iterates.clear();
            iterates.extend_from_slice(&self.stored[segment * size..(segment + 1) * size]);
            for t in first..(first + self.every).min(self.to) {
                let at = iterates.len();
                iterates.resize(at + size, T::ZERO);
                let (known, next) = iterates.split_at_mut(at);
                let z = (t > first || !from_zero).then_some(&known[at - size..]);
                iteration.step(simd, t, z, next);
            }
            let (before, last) = iterates.split_at(iterates.len() - size);
            iteration.adjoint(simd, [before, last], q, from_zero);
        }
    }
}
