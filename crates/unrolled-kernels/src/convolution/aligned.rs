//! Numbers that begin where a cache line does: a register of 64 bytes that lies across two lines takes twice as long.

use std::ops::{Deref, DerefMut};

use crate::number::Number;

/// Bytes in a cache line.
const LINE: usize = 64;

/// Numbers from a cache line's beginning on.
#[derive(Debug)]
pub(super) struct Aligned<T> {
    data: Vec<T>,
    first: usize,
    length: usize,
}

impl<T: Number> Aligned<T> {
    pub fn zeros(length: usize) -> Self {
        if length == 0 {
            return Self { data: Vec::new(), first: 0, length };
        }
        let data = vec![T::ZERO; length + LINE / size_of::<T>()];
        let first = data.as_ptr().align_offset(LINE).min(LINE / size_of::<T>());
        Self { data, first, length }
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.data[self.first..][..self.length]
    }
}

impl<T> DerefMut for Aligned<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.data[self.first..][..self.length]
    }
}
