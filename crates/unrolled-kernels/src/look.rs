//! Which atoms are active, and which are close to it.

use pulp::Simd;

use crate::number::Number;
use crate::problem::Sided;

/// What a look over all atoms finds.
#[derive(Default)]
pub(crate) struct Look<T> {
    /// A bit for every atom within `near` of its threshold, or beyond it.
    pub near: Vec<u64>,
    /// A bit for every atom whose code is not 0.
    pub active: Vec<u64>,
    /// How far the nearest of the others is from its threshold.
    pub least: T,
}

impl<T: Number> Look<T> {
    /// Looks at every v and the code z it became. The distance from the threshold is `b − |v|`, or `b − v`
    /// where codes have one sign.
    #[inline(always)]
    pub fn look<S: Simd>(&mut self, simd: S, sided: Sided, [v, z, bias]: [&[T]; 3], near: T) {
        let near = T::splat(simd, near);
        let infinity = T::splat(simd, T::INFINITY);
        let mut least = infinity;
        let words = v.len().div_ceil(64);
        self.near.clear();
        self.near.resize(words, 0);
        self.active.clear();
        self.active.resize(words, 0);
        let (v, z, bias) = (T::lanes::<S>(v), T::lanes::<S>(z), T::lanes::<S>(bias));
        // Registers in a word of bits, and numbers in a register.
        let lanes = size_of::<T::Lanes<S>>() / size_of::<T>();
        let in_word = 64 / lanes;
        let words = self.near.iter_mut().zip(&mut self.active);
        let chunks = v.chunks(in_word).zip(z.chunks(in_word)).zip(bias.chunks(in_word));
        for ((near_word, active_word), ((v, z), bias)) in words.zip(chunks) {
            for (i, ((v, z), b)) in v.iter().zip(z).zip(bias).enumerate() {
                let size = match sided {
                    Sided::Two => T::magnitude(simd, *v),
                    Sided::One => *v,
                };
                let slack = T::minus(simd, *b, size);
                least =
                    T::lesser(simd, least, T::where_at_most(simd, near, slack, [slack, infinity]));
                *near_word |= T::bits_unless_at_least(simd, slack, near) << (i * lanes);
                *active_word |= T::bits_nonzero(simd, *z) << (i * lanes);
            }
        }
        self.least = T::least(simd, least);
    }

    /// How far a code may move before one of the atoms that are not `near` may pass its threshold, squared, where
    /// `squares` says how strongly each atom is moved, ‖N_jU‖²; and the greatest of `squares`. `slack` is taken
    /// off every distance from a threshold.
    #[inline(always)]
    pub fn radius<S: Simd>(
        simd: S,
        sided: Sided,
        [v, bias, squares]: [&[T]; 3],
        near: T,
        slack: T,
    ) -> [T; 2] {
        let infinity = T::splat(simd, T::INFINITY);
        let zero = T::splat(simd, T::ZERO);
        let (near, taken) = (T::splat(simd, near), T::splat(simd, slack));
        let smallest = T::splat(simd, T::SMALLEST);
        let (mut radius, mut greatest) = (infinity, zero);
        let rows = T::lanes::<S>(v).iter().zip(T::lanes::<S>(bias));
        for ((v, b), square) in rows.zip(T::lanes::<S>(squares)) {
            let size = match sided {
                Sided::Two => T::magnitude(simd, *v),
                Sided::One => *v,
            };
            let slack = T::minus(simd, *b, size);
            let left = T::greater(simd, T::minus(simd, slack, taken), zero);
            let ratio = T::over(simd, left, T::plus(simd, *square, smallest));
            let far = T::fma(simd, ratio, left, zero);
            radius = T::lesser(simd, radius, T::where_at_most(simd, near, slack, [far, infinity]));
            greatest = T::greater(simd, greatest, *square);
        }
        [T::least(simd, radius), T::greatest(simd, greatest)]
    }

    /// Clears the bits of the padding, which is no atom.
    #[inline(always)]
    pub fn without_padding(&mut self, atoms: usize) {
        for bits in [&mut self.near, &mut self.active] {
            if let Some(last) = bits.get_mut(atoms / 64) {
                *last &= (1 << (atoms % 64)) - 1;
            }
        }
    }
}

/// How many bits are set.
#[inline(always)]
pub(crate) fn count(bits: &[u64]) -> usize {
    bits.iter().map(|word| word.count_ones() as usize).sum()
}

/// Appends the places of the bits that are set.
#[inline(always)]
pub(crate) fn list(bits: &[u64], out: &mut Vec<u32>) {
    let first = out.len();
    out.resize(first + count(bits), 0);
    let mut words = bits.iter();
    let (mut base, mut word) = (0u32.wrapping_sub(64), 0);
    for place in &mut out[first..] {
        while word == 0 {
            word = *words.next().expect("there are as many places as bits");
            base = base.wrapping_add(64);
        }
        *place = base + word.trailing_zeros();
        word &= word - 1;
    }
}

/// Lists the atoms whose code is not 0. Without branches: which ones they are is hard to foretell.
#[inline(always)]
pub(crate) fn keep_nonzero<T: Number>(
    all: impl ExactSizeIterator<Item = (u32, T)>,
    atoms: &mut Vec<u32>,
    codes: &mut Vec<T>,
) {
    atoms.resize(all.len(), 0);
    codes.resize(all.len(), T::ZERO);
    let mut kept = 0;
    for (atom, code) in all {
        atoms[kept] = atom;
        codes[kept] = code;
        kept += usize::from(code != T::ZERO);
    }
    atoms.truncate(kept);
    codes.truncate(kept);
}
