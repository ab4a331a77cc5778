//! What is unrolled, checked.

use crate::form::Form;
use std::fmt::Debug;

use crate::Number;

/// Row-major `[rows, columns]`.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, T> {
    pub(crate) data: &'a [T],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

impl<'a, T: Number> Matrix<'a, T> {
    /// # Errors
    /// When `data` does not hold `rows × columns` numbers, or that product overflows.
    pub fn new(data: &'a [T], rows: usize, columns: usize) -> Result<Self, Misfit> {
        let expected = rows.checked_mul(columns).ok_or(Misfit::Overflow { rows, columns })?;
        if data.len() != expected {
            return Err(Misfit::Length { rows, columns, length: data.len() });
        }
        Ok(Self { data, rows, columns })
    }

    /// Row `index`.
    pub fn row(&self, index: usize) -> &'a [T] {
        &self.data[index * self.columns..(index + 1) * self.columns]
    }

    pub(crate) fn some(&self, range: std::ops::Range<usize>) -> Self {
        let data = &self.data[range.start * self.columns..range.end * self.columns];
        Self { data, rows: range.len(), columns: self.columns }
    }
}

/// What is done to `v = z − α Dᵀ(D z − x)` in every iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `sign(v) · max(|v| − b, 0)`; one-sided, `max(v − b, 0)`.
    Soft,
    /// `v` where `|v| > b`, else 0; one-sided, where `v > b`.
    Hard,
}

/// Which signs codes may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sided {
    /// Both.
    Two,
    /// Non-negative.
    One,
}

/// The thresholds b, not below 0.
#[derive(Clone, Copy, Debug)]
pub enum Thresholds<'a, T> {
    /// One for every iteration, `[T]`, the same for all atoms.
    Iterations(&'a [T]),
    /// One for every atom, `[p]`, the same in all iterations.
    Atoms(&'a [T]),
}

/// T iterations of `z ← prox(z − α Dᵀ(D z − x))`.
#[derive(Clone, Copy, Debug)]
pub struct Unroll<'a, T> {
    /// D, `[m, p]`.
    pub dictionary: Matrix<'a, T>,
    /// α, of the gradient step.
    pub step: T,
    /// prox.
    pub operator: Operator,
    /// Which signs codes may have.
    pub sided: Sided,
    /// b.
    pub thresholds: Thresholds<'a, T>,
    /// T.
    pub iterations: usize,
    /// How an iteration is computed.
    pub form: Form,
}

/// Shapes or values that do not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// The size of an array overflows.
    #[error("an array of {rows} × {columns} numbers is larger than this machine can address")]
    Overflow {
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
    },
    /// Not as many numbers as the shape says.
    #[error("an array of {rows} × {columns} numbers was given {length}")]
    Length {
        /// Rows.
        rows: usize,
        /// Columns.
        columns: usize,
        /// Numbers.
        length: usize,
    },
    /// A dimension is 0.
    #[error("{0} is 0; give at least one")]
    Empty(&'static str),
    /// Two shapes do not fit.
    #[error("{what} should be {expected}, but is {found}")]
    Shape {
        /// Of what.
        what: &'static str,
        /// What the others ask for.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// A threshold is negative.
    #[error("a threshold is negative; thresholds are 0 or more")]
    NegativeThreshold,
}

impl<T: Number> Unroll<'_, T> {
    /// Checks these parameters for examples `x` `[n, m]`, and a start `[n, p]` where there is one.
    ///
    /// Not-a-number is let through, and comes out as not-a-number.
    pub(crate) fn check(&self, x: &Matrix<T>, start: Option<&Matrix<T>>) -> Result<(), Misfit> {
        let (m, p) = (self.dictionary.rows, self.dictionary.columns);
        for (what, count) in [
            ("the number of features", m),
            ("the number of atoms", p),
            ("the number of examples", x.rows),
        ] {
            if count == 0 {
                return Err(Misfit::Empty(what));
            }
        }
        let expect = |what, expected, found| match expected == found {
            true => Ok(()),
            false => Err(Misfit::Shape { what, expected, found }),
        };
        expect("the width of the examples", m, x.columns)?;
        if let Some(start) = start {
            expect("the number of codes to start from", x.rows, start.rows)?;
            expect("the width of the codes to start from", p, start.columns)?;
        }
        // Codes of all examples, DᵀD and the padding must be addressable, in bytes.
        let stride = p.checked_next_multiple_of(crate::number::PADDING);
        let fits = |rows: usize| {
            let numbers = stride.and_then(|stride| rows.checked_mul(stride));
            numbers
                .and_then(|n| n.checked_mul(size_of::<T>()))
                .is_some_and(|b| b <= isize::MAX as usize)
        };
        for rows in [x.rows, p, m] {
            if !fits(rows) {
                return Err(Misfit::Overflow { rows, columns: p });
            }
        }
        let thresholds = match self.thresholds {
            Thresholds::Iterations(values) => {
                expect("the number of thresholds", self.iterations, values.len())?;
                values
            }
            Thresholds::Atoms(values) => {
                expect("the number of thresholds", p, values.len())?;
                values
            }
        };
        match thresholds.iter().any(|b| *b < T::ZERO) {
            true => Err(Misfit::NegativeThreshold),
            false => Ok(()),
        }
    }
}
