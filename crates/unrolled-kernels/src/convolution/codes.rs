//! Codes as lists.

use pulp::Simd;

use crate::number::Number;

/// For every position of a band, which filters are not 0, in their order, and how much they are.
#[derive(Clone, Debug)]
pub(super) struct Codes<T> {
    /// Where the lists begin and end.
    starts: Vec<usize>,
    pub filters: Vec<u32>,
    pub values: Vec<T>,
}

impl<T: Number> Codes<T> {
    /// Lists to be pushed to.
    pub fn new(positions: usize) -> Self {
        let mut starts = Vec::with_capacity(positions + 1);
        starts.push(0);
        Self { starts, filters: Vec::new(), values: Vec::new() }
    }

    /// No positions yet again.
    pub fn clear(&mut self) {
        self.starts.truncate(1);
        self.filters.clear();
        self.values.clear();
    }

    /// All 0.
    pub fn zero(positions: usize) -> Self {
        Self { starts: vec![0; positions + 1], filters: Vec::new(), values: Vec::new() }
    }

    /// How many positions there are.
    pub fn positions(&self) -> usize {
        self.starts.len() - 1
    }

    /// Where the list of `position` is.
    #[inline(always)]
    pub fn range(&self, position: usize) -> std::ops::Range<usize> {
        self.starts[position]..self.starts[position + 1]
    }

    /// The list of the next position: what is not 0 of the first `count` numbers of `row`.
    #[inline(always)]
    pub fn push<S: Simd>(&mut self, simd: S, row: &[T], count: usize) {
        let lanes = size_of::<T::Lanes<S>>() / size_of::<T>();
        let together = 64 / lanes;
        for (index, registers) in T::lanes::<S>(row).chunks(together).enumerate() {
            let mut bits = 0;
            for (i, register) in registers.iter().enumerate() {
                bits |= T::bits_nonzero(simd, *register) << (i * lanes);
            }
            let first = index * together * lanes;
            // What lies beyond may be not-a-number.
            if count - first < 64 {
                bits &= (1 << (count - first)) - 1;
            }
            while bits != 0 {
                let filter = first + bits.trailing_zeros() as usize;
                self.filters.push(filter as u32);
                self.values.push(row[filter]);
                bits &= bits - 1;
            }
        }
        self.starts.push(self.values.len());
    }
}
