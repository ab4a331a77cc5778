//! Floating-point numbers, one and several at a time.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

use pulp::Simd;

use crate::problem::{Matrix, Misfit, Unroll};
use crate::request::{Outcome, Request};

/// How many numbers a row is padded to: the most that any vector register here holds.
pub(crate) const PADDING: usize = 16;

/// float32 or float64.
///
/// Sealed by its vector operations: the kernels are written once, over this trait.
pub trait Number:
    Copy
    + Debug
    + Default
    + PartialEq
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + crate::convolution::Compiled
    + 'static
{
    /// As many as a vector register of `S` holds.
    type Lanes<S: Simd>: Copy;
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The distance from 1 to the next number.
    const EPSILON: Self;
    /// Infinity.
    const INFINITY: Self;
    /// What is smaller than this is nothing next to numbers that are not themselves on the verge of underflow:
    /// the smallest normal number over [`Self::EPSILON`]. Registers are slow on what lies below.
    const NEGLIGIBLE: Self;
    /// The smallest normal number.
    const SMALLEST: Self;
    /// Nearest to a float64.
    fn from_f64(value: f64) -> Self;
    /// As float64.
    fn to_f64(self) -> f64;
    /// |x|.
    fn abs(self) -> Self;
    /// √x.
    fn sqrt(self) -> Self;
    /// Neither infinite nor not-a-number.
    fn is_finite(self) -> bool;

    // Both are compiled in this crate, once for each precision: where they were generic to the end, every crate that
    // made a network compiled all kernels for every vector width again.
    #[doc(hidden)]
    fn run(
        unroll: &Unroll<Self>,
        x: Matrix<Self>,
        start: Option<Matrix<Self>>,
        request: &Request<Self>,
    ) -> Result<Outcome<Self>, Misfit>;
    #[doc(hidden)]
    fn at_iterations(
        unroll: &Unroll<Self>,
        x: Matrix<Self>,
        at: &[usize],
        penalties: &[Self],
        bias: bool,
    ) -> Result<Option<Vec<Outcome<Self>>>, Misfit>;

    #[doc(hidden)]
    fn lanes<S: Simd>(slice: &[Self]) -> &[Self::Lanes<S>];
    #[doc(hidden)]
    fn lanes_mut<S: Simd>(slice: &mut [Self]) -> &mut [Self::Lanes<S>];
    #[doc(hidden)]
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Lanes<S>;
    #[doc(hidden)]
    fn fma<S: Simd>(
        simd: S,
        a: Self::Lanes<S>,
        b: Self::Lanes<S>,
        c: Self::Lanes<S>,
    ) -> Self::Lanes<S>;
    #[doc(hidden)]
    fn plus<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S>;
    #[doc(hidden)]
    fn minus<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S>;
    #[doc(hidden)]
    fn over<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S>;
    #[doc(hidden)]
    fn greater<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S>;
    #[doc(hidden)]
    fn greatest<S: Simd>(simd: S, a: Self::Lanes<S>) -> Self;
    #[doc(hidden)]
    fn magnitude<S: Simd>(simd: S, a: Self::Lanes<S>) -> Self::Lanes<S>;
    /// `a` with the sign bit of `b` put on (`a` has none).
    #[doc(hidden)]
    fn with_sign<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S>;
    /// `value` where not `a ≤ b`, else 0.
    #[doc(hidden)]
    fn unless_at_most<S: Simd>(
        simd: S,
        a: Self::Lanes<S>,
        b: Self::Lanes<S>,
        value: Self::Lanes<S>,
    ) -> Self::Lanes<S>;
    /// `value` where `z ≠ 0`, else 0.
    #[doc(hidden)]
    fn where_nonzero<S: Simd>(simd: S, z: Self::Lanes<S>, value: Self::Lanes<S>) -> Self::Lanes<S>;
    /// One bit for each number, the first in the lowest: set unless `bound ≤ a`, so for not-a-number too.
    #[doc(hidden)]
    fn bits_unless_at_least<S: Simd>(simd: S, a: Self::Lanes<S>, bound: Self::Lanes<S>) -> u64;
    /// One bit for each number that is not 0.
    #[doc(hidden)]
    fn bits_nonzero<S: Simd>(simd: S, a: Self::Lanes<S>) -> u64;
    /// `value` where `bound ≤ a`, else `otherwise`.
    #[doc(hidden)]
    fn where_at_most<S: Simd>(
        simd: S,
        bound: Self::Lanes<S>,
        a: Self::Lanes<S>,
        value_otherwise: [Self::Lanes<S>; 2],
    ) -> Self::Lanes<S>;
    #[doc(hidden)]
    fn lesser<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S>;
    #[doc(hidden)]
    fn least<S: Simd>(simd: S, a: Self::Lanes<S>) -> Self;
    #[doc(hidden)]
    fn total<S: Simd>(simd: S, a: Self::Lanes<S>) -> Self;
}

macro_rules! number {
    ($float:ident, $lanes:ident, $as:ident, $as_mut:ident, $splat:ident, $fma:ident, $add:ident, $sub:ident,
     $abs:ident, $and:ident, $or:ident, $le:ident, $eq:ident, $select:ident, $sum:ident, $min:ident, $least:ident,
     $div:ident, $max:ident, $greatest:ident) => {
        impl Number for $float {
            type Lanes<S: Simd> = S::$lanes;
            #[inline(never)]
            fn run(
                unroll: &Unroll<Self>,
                x: Matrix<Self>,
                start: Option<Matrix<Self>>,
                request: &Request<Self>,
            ) -> Result<Outcome<Self>, Misfit> {
                crate::request::run_in(unroll, x, start, request)
            }

            #[inline(never)]
            fn at_iterations(
                unroll: &Unroll<Self>,
                x: Matrix<Self>,
                at: &[usize],
                penalties: &[Self],
                bias: bool,
            ) -> Result<Option<Vec<Outcome<Self>>>, Misfit> {
                crate::at_iterations::at_iterations_in(unroll, x, at, penalties, bias)
            }

            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const EPSILON: Self = $float::EPSILON;
            const INFINITY: Self = $float::INFINITY;
            const SMALLEST: Self = $float::MIN_POSITIVE;
            const NEGLIGIBLE: Self = $float::MIN_POSITIVE / $float::EPSILON;
            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as $float
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                self.abs()
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                self.sqrt()
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                self.is_finite()
            }
            #[inline(always)]
            fn lanes<S: Simd>(slice: &[Self]) -> &[S::$lanes] {
                S::$as(slice).0
            }
            #[inline(always)]
            fn lanes_mut<S: Simd>(slice: &mut [Self]) -> &mut [S::$lanes] {
                S::$as_mut(slice).0
            }
            #[inline(always)]
            fn splat<S: Simd>(simd: S, value: Self) -> S::$lanes {
                simd.$splat(value)
            }
            #[inline(always)]
            fn fma<S: Simd>(simd: S, a: S::$lanes, b: S::$lanes, c: S::$lanes) -> S::$lanes {
                simd.$fma(a, b, c)
            }
            #[inline(always)]
            fn plus<S: Simd>(simd: S, a: S::$lanes, b: S::$lanes) -> S::$lanes {
                simd.$add(a, b)
            }
            #[inline(always)]
            fn minus<S: Simd>(simd: S, a: S::$lanes, b: S::$lanes) -> S::$lanes {
                simd.$sub(a, b)
            }
            #[inline(always)]
            fn over<S: Simd>(simd: S, a: S::$lanes, b: S::$lanes) -> S::$lanes {
                simd.$div(a, b)
            }
            #[inline(always)]
            fn greater<S: Simd>(simd: S, a: S::$lanes, b: S::$lanes) -> S::$lanes {
                simd.$max(a, b)
            }
            #[inline(always)]
            fn greatest<S: Simd>(simd: S, a: S::$lanes) -> Self {
                simd.$greatest(a)
            }
            #[inline(always)]
            fn magnitude<S: Simd>(simd: S, a: S::$lanes) -> S::$lanes {
                simd.$abs(a)
            }
            #[inline(always)]
            fn with_sign<S: Simd>(simd: S, a: S::$lanes, b: S::$lanes) -> S::$lanes {
                simd.$or(a, simd.$and(b, simd.$splat(-0.0)))
            }
            #[inline(always)]
            fn unless_at_most<S: Simd>(
                simd: S,
                a: S::$lanes,
                b: S::$lanes,
                value: S::$lanes,
            ) -> S::$lanes {
                simd.$select(simd.$le(a, b), simd.$splat(0.0), value)
            }
            #[inline(always)]
            fn where_nonzero<S: Simd>(simd: S, z: S::$lanes, value: S::$lanes) -> S::$lanes {
                let zero = simd.$splat(0.0);
                simd.$select(simd.$eq(z, zero), zero, value)
            }
            #[inline(always)]
            fn bits_unless_at_least<S: Simd>(simd: S, a: S::$lanes, bound: S::$lanes) -> u64 {
                let lanes = size_of::<S::$lanes>() / size_of::<$float>();
                !bits(simd.$le(bound, a), lanes) & (u64::MAX >> (64 - lanes))
            }
            #[inline(always)]
            fn bits_nonzero<S: Simd>(simd: S, a: S::$lanes) -> u64 {
                let lanes = size_of::<S::$lanes>() / size_of::<$float>();
                !bits(simd.$eq(a, simd.$splat(0.0)), lanes) & (u64::MAX >> (64 - lanes))
            }
            #[inline(always)]
            fn where_at_most<S: Simd>(
                simd: S,
                bound: S::$lanes,
                a: S::$lanes,
                [value, otherwise]: [S::$lanes; 2],
            ) -> S::$lanes {
                simd.$select(simd.$le(bound, a), value, otherwise)
            }
            #[inline(always)]
            fn lesser<S: Simd>(simd: S, a: S::$lanes, b: S::$lanes) -> S::$lanes {
                simd.$min(a, b)
            }
            #[inline(always)]
            fn least<S: Simd>(simd: S, a: S::$lanes) -> Self {
                simd.$least(a)
            }
            #[inline(always)]
            fn total<S: Simd>(simd: S, a: S::$lanes) -> Self {
                simd.$sum(a)
            }
        }
    };
}

number!(
    f32,
    f32s,
    as_simd_f32s,
    as_mut_simd_f32s,
    splat_f32s,
    mul_add_e_f32s,
    add_f32s,
    sub_f32s,
    abs_f32s,
    and_f32s,
    or_f32s,
    less_than_or_equal_f32s,
    equal_f32s,
    select_f32s,
    reduce_sum_f32s,
    min_f32s,
    reduce_min_f32s,
    div_f32s,
    max_f32s,
    reduce_max_f32s
);
number!(
    f64,
    f64s,
    as_simd_f64s,
    as_mut_simd_f64s,
    splat_f64s,
    mul_add_e_f64s,
    add_f64s,
    sub_f64s,
    abs_f64s,
    and_f64s,
    or_f64s,
    less_than_or_equal_f64s,
    equal_f64s,
    select_f64s,
    reduce_sum_f64s,
    min_f64s,
    reduce_min_f64s,
    div_f64s,
    max_f64s,
    reduce_max_f64s
);

/// A mask as bits: some registers hold it that way, others as numbers of which all bits are set or none.
#[inline(always)]
fn bits<M: bytemuck::NoUninit>(mask: M, lanes: usize) -> u64 {
    let bytes = bytemuck::bytes_of(&mask);
    match *bytes {
        [byte] if lanes > 1 => return u64::from(byte),
        [low, high] if lanes > 2 => return u64::from(u16::from_le_bytes([low, high])),
        _ => {}
    }
    let width = bytes.len() / lanes;
    (0..lanes).fold(0, |bits, lane| bits | u64::from(bytes[lane * width] & 1) << lane)
}

/// `Σ of(value)`, in float64: eight sums side by side, which do not wait for each other.
#[inline(always)]
pub fn sum<T: Number>(values: &[T], of: impl Fn(f64) -> f64) -> f64 {
    let (eights, rest) = values.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for eight in eights {
        sums.iter_mut().zip(eight).for_each(|(sum, value)| *sum += of(value.to_f64()));
    }
    sums.iter().sum::<f64>() + rest.iter().map(|value| of(value.to_f64())).sum::<f64>()
}

/// The next multiple of [`PADDING`].
pub(crate) fn padded(length: usize) -> usize {
    length.next_multiple_of(PADDING)
}
