//! What all blocks of examples share.

use pulp::Simd;

use crate::form::Form;
use crate::number::{Number, padded};
use crate::problem::{Thresholds, Unroll};
use crate::products::{View, transpose};
use crate::scaled_gram::ScaledGram;
use crate::vectors;

/// The matrices and numbers of an unroll.
pub(crate) struct Prepared<'a, T> {
    pub unroll: Unroll<'a, T>,
    /// m.
    pub features: usize,
    /// p.
    pub atoms: usize,
    /// Length of a row of atoms, p padded.
    pub stride: usize,
    /// Length of a row of features, m padded.
    pub width: usize,
    /// Dᵀ, `[p, width]`.
    pub transposed: Vec<T>,
    /// N = −α DᵀD; none in residual form.
    pub scaled_gram: Option<ScaledGram<T>>,
    /// The thresholds of all atoms where they are given by atom, padded with 0.
    pub by_atom: Option<Vec<T>>,
    /// The thresholds are the same in all iterations from this one on.
    pub constant_from: usize,
}

impl<'a, T: Number> Prepared<'a, T> {
    pub fn new(unroll: &Unroll<'a, T>) -> Self {
        let (features, atoms) = (unroll.dictionary.rows, unroll.dictionary.columns);
        let (stride, width) = (padded(atoms), padded(features));
        let transposed = transpose(unroll.dictionary.data, [features, atoms], atoms, width);
        let scaled_gram = (unroll.form == Form::Gram).then(|| {
            let dictionary = View::rows(unroll.dictionary.data, features, atoms, atoms);
            ScaledGram::new(dictionary, unroll.step)
        });
        let (by_atom, constant_from) = match unroll.thresholds {
            Thresholds::Atoms(values) => {
                let mut row = values.to_vec();
                row.resize(stride, T::ZERO);
                (Some(row), 0)
            }
            Thresholds::Iterations(values) => {
                let last = values.last().copied().unwrap_or(T::ZERO);
                (None, values.iter().rposition(|b| *b != last).map_or(0, |at| at + 1))
            }
        };
        Self {
            unroll: *unroll,
            features,
            atoms,
            stride,
            width,
            transposed,
            scaled_gram,
            by_atom,
            constant_from,
        }
    }

    /// Row `atom` of Dᵀ.
    #[inline(always)]
    pub fn atom(&self, atom: usize) -> &[T] {
        &self.transposed[atom * self.width..(atom + 1) * self.width]
    }

    /// N. The residual form has none, and never asks.
    #[inline(always)]
    pub fn scaled_gram(&self) -> &ScaledGram<T> {
        self.scaled_gram.as_ref().expect("in Gram form")
    }

    /// The threshold of iteration `t`, the same for all atoms; 0 where they are given by atom.
    #[inline(always)]
    pub fn threshold(&self, t: usize) -> T {
        match self.unroll.thresholds {
            Thresholds::Iterations(values) => values[t],
            Thresholds::Atoms(_) => T::ZERO,
        }
    }

    /// `rows = prox(rows)` in iteration `t`, `[examples, stride]`. Returns the number of non-zeros.
    #[inline(always)]
    pub fn shrink<S: Simd>(
        &self,
        simd: S,
        bias: &mut BiasRow<T>,
        t: usize,
        rows: &mut [T],
    ) -> usize {
        let bias = bias.at(self, t);
        let mut nonzeros = 0;
        for row in rows.chunks_exact_mut(self.stride) {
            vectors::prox(simd, self.unroll.operator, self.unroll.sided, row, bias);
            nonzeros += row.iter().filter(|z| **z != T::ZERO).count();
        }
        nonzeros
    }

    /// D, `[m, p]`.
    pub fn dictionary(&self) -> View<'a, T> {
        View::rows(self.unroll.dictionary.data, self.features, self.atoms, self.atoms)
    }

    /// Dᵀ as `[p, m]`.
    pub fn transposed_view(&self) -> View<'_, T> {
        View::rows(&self.transposed, self.atoms, self.features, self.width)
    }
}

/// A row of thresholds that is filled anew when the iteration changes them.
#[derive(Default)]
pub(crate) struct BiasRow<T> {
    row: Vec<T>,
    value: Option<T>,
}

impl<T: Number> BiasRow<T> {
    /// The thresholds of iteration `t`, `[stride]`.
    #[inline(always)]
    pub fn at<'a>(&'a mut self, prepared: &'a Prepared<T>, t: usize) -> &'a [T] {
        match &prepared.by_atom {
            Some(row) => row,
            None => self.filled(prepared.threshold(t), prepared.stride),
        }
    }

    /// `length` times `value`.
    #[inline(always)]
    pub fn filled(&mut self, value: T, length: usize) -> &[T] {
        if self.value != Some(value) || self.row.len() < length {
            self.row.clear();
            self.row.resize(length, value);
            self.value = Some(value);
        }
        &self.row[..length]
    }
}
